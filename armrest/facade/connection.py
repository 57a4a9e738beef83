"""The connection: everything that the library does for a program, with the settings of one ARM.

Each function exists twice under one implementation: `plan` waits, and `aplan` is awaited.
"""

from armrest.facade.run_calls import RunCalls
from armrest.facade.source_calls import SourceCalls


class Connection(RunCalls, SourceCalls):
    """Access to one ARM, with the ledger in one home; `armrest.connect` makes one.

    It reads the settings of the environment again on each call, and replaces those that it was given. It never shows
    its token, and a copy that is pickled has none.
    """
