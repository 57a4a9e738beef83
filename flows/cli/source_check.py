"""The first look at a source: what is wrong with its header is told at once, before anything takes its time."""

from typing import TYPE_CHECKING

from flows.cli.errors import Refused
from flows.cli.output import print_error

if TYPE_CHECKING:
    from armrest.app.source_options import SourceOptions
    from armrest.settings import Settings


def check_source(read: "SourceOptions", settings: "Settings") -> "SourceOptions":
    """Look at a source and tell how it is read; return it as a plan will read it: standard input as a file.

    Raises:
        InputRefused: It cannot be read, or its columns cannot be understood.
        SettingsRefused: ARMREST_RULES names a rule that there is not.
        Refused: The age of standard input is asked for.
    """
    from armrest.app.source_options import STDIN
    from armrest.app.standard_input import remove_spooled, spool
    from armrest.intake import InputRefused

    if read.source == STDIN:
        if read.max_source_age:
            raise Refused("--max-source-age: nobody knows the age of standard input; leave it out, or name the file")
        read = read.model_copy(update={"source": spool(settings)})
    try:
        source = read.open(settings)
    except InputRefused:
        remove_spooled(settings, read.source)
        raise
    print_error(f"{source.name}: {source.description}")
    return read
