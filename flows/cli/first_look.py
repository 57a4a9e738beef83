"""The first look at a source: what is wrong with its header is told at once, before anything takes its time."""

from typing import TYPE_CHECKING

from flows.cli.output import tell
from flows.cli.refusals import Refused

if TYPE_CHECKING:
    from armrest.settings import Settings
    from tasks.reading import Reading


def looked_at(read: "Reading", settings: "Settings") -> "Reading":
    """Look at a source and tell how it is read; return it as a plan will read it: standard input as a file.

    Raises:
        InputRefused: It cannot be read, or its columns cannot be understood.
        SettingsRefused: ARMREST_RULES names a rule that there is not.
        Refused: The age of standard input is asked for.
    """
    from armrest.intake import InputRefused
    from tasks.reading import STDIN
    from tasks.standard_input import forget, spool

    if read.source == STDIN:
        if read.max_source_age:
            raise Refused("--max-source-age: nobody knows the age of standard input; leave it out, or name the file")
        read = read.model_copy(update={"source": spool(settings)})
    try:
        source = read.open(settings)
    except InputRefused:
        forget(settings, read.source)
        raise
    tell(f"{source.name}: {source.description}")
    return read
