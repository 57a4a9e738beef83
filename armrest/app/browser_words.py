"""Messages in the words of a person at a browser: forms and their fields, where the command line has flags."""

import re
from collections.abc import Sequence
from typing import Final

_RUN: Final = r"([\w-]+)"
_WORDS: Final[Sequence[tuple[re.Pattern[str], str]]] = [
    (re.compile(pattern), words)
    for pattern, words in (
        (r"--client-no-is-right \d+, or client_no_is_right in the form", "in client_no_is_right"),
        (
            rf"`armrest apply {_RUN} --client-no-is-right (\d+)`",
            r"apply-plan with plan_id \1 and client_no_is_right \2",
        ),
        (rf"`armrest apply {_RUN}`", r"apply-plan with plan_id \1"),
        (rf"`armrest rerun {_RUN}( --only \w+)?`", r"rerun-failed-batches with run_id \1"),
        (rf"`armrest resume {_RUN}`", r"resume-run with run_id \1"),
        (rf"`armrest show {_RUN}`", r"the summary of run \1"),
        (r"`armrest runs`", "the page Runs"),
        (r"`armrest settle`", "settle-open-batches"),
        (r"`armrest plan`", "a dry run"),
        (r"`armrest check`", "a dry run without this limit"),
        (r" \(`armrest purge`\)", ""),
        (r"--no-check-profile\b", "choose no in check_profile"),
        (r" \(process \d+ on [^)]*\)", ""),
        (r"or give --wait \w+", "or start this again with a longer wait"),
        (r"--batch-uuid\b", "batch_uuids"),
    )
]
_FLAG: Final = re.compile(r"(?<![\w-])--([a-z]+(?:-[a-z]+)*)")


def browser_words(message: str) -> str:
    """Return a message with flows and fields instead of commands and flags."""
    for pattern, words in _WORDS:
        message = pattern.sub(words, message)
    return _FLAG.sub(lambda flag: flag[1].replace("-", "_"), message)
