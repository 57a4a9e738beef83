"""Messages in the words of a person at a browser: fields of forms instead of flags, and no paths of the server."""

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
        (r"the inbox /[^;\n]*? holds ", "the inbox holds "),
        (r"(?<=; )/[^;\n]*?([^/;\n]+) holds ", r"\1 holds "),
    )
]
_PATH: Final = re.compile(rf"(^|; |\bin run {_RUN}: )((?:/|(?!https?:)[a-z][a-z0-9+]+://)[^;:\n]*[^;:/\s])(?=: )")
"""The path or address of a file that a message, or a part of it, begins with; an address of ARM stays whole.

What ARM says comes after a colon, and may have slashes of its own.
"""
_MARK: Final = "on the command line"
_COMMAND_OR_FLAG: Final = re.compile(
    rf"(?P<before>{_MARK}: )?(?P<command>`(?:armrest|make|prefect) [^`]+`)(?: {_MARK})?"
    r"|(?<![\w-])--(?P<flag>[a-z]+(?:-[a-z]+)*)"
)
"""A command that no flow replaces, with the words that say where it is typed, or a flag outside of a command."""


def browser_words(message: str) -> str:
    """Return a message with flows and fields instead of commands and flags, and files without their folders.

    The ledger keeps the message as it is, with the whole path.
    """
    message = flow_words(message)
    return _PATH.sub(lambda found: f"{found[1]}{file_name(found[3])}", message)


def flow_words(message: str) -> str:
    """Return a message with flows and fields instead of commands and flags.

    A command that no flow replaces stays, with the words that it is for a command line.
    """
    for pattern, words in _WORDS:
        message = pattern.sub(words, message)
    return _COMMAND_OR_FLAG.sub(_marked, message)


def _marked(found: re.Match[str]) -> str:
    if found["flag"]:
        return found["flag"].replace("-", "_")
    return f"{found['before']}{found['command']}" if found["before"] else f"{found['command']} {_MARK}"


def file_name(path: str) -> str:
    """Return the name of a file or folder without the folders around it; a pattern keeps its folder."""
    *folders, name = path.rstrip("/").split("/")
    return f"{folders[-1]}/{name}" if folders and set(name) & set("*?[") else name
