"""Messages in the words of a Python user, who may have neither the command line nor Prefect and its artifacts."""

import re
from collections.abc import Sequence
from typing import Final

_RUN: Final = r"([\w-]+)"
_WORDS: Final[Sequence[tuple[re.Pattern[str], str]]] = [
    (re.compile(pattern), words)
    for pattern, words in (
        (r"\bsee arm-failed-customers-\d+", "see outcomes()"),
        (rf"`armrest rerun {_RUN}`", r'armrest.rerun("\1")'),
        (rf"`armrest resume {_RUN}`", "resume()"),
    )
]


def python_words(message: str) -> str:
    """Return the message of a run with methods and functions instead of commands and artifacts."""
    for pattern, words in _WORDS:
        message = pattern.sub(words, message)
    return message
