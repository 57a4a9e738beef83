"""The root of every error that this library raises on purpose.

    ArmrestError
    ├── ArmError            ARM refused a request, or did not answer; its tree is in `armrest.api`
    ├── InputRefused        the customers are refused as a whole: a file, a frame, a mapping
    │   └── RunRefused          the same, and the run is in the ledger: `run` has its figures
    ├── SourceUnavailable   the source cannot be read at the moment: try again
    ├── SettingsRefused     a setting is missing, or cannot be used
    ├── OptionRefused       an argument cannot be used
    ├── RunIncomplete       `raise_for_state`: not every customer of a run was updated
    └── OutboxError         the ledger, a run or a plan; its tree is in `armrest.outbox`

Each is one line, and holds no personal data except customer numbers.
"""


class ArmrestError(Exception):
    """One line: what happened, where, and what to do."""
