"""First check of a source: reports errors in its header at once, before any slow step."""

from typing import TYPE_CHECKING

from flows.cli.errors import Refused
from flows.cli.output import print_error

if TYPE_CHECKING:
    from armrest.app.source_options import SourceOptions
    from armrest.settings import Settings


def check_source(read: "SourceOptions", settings: "Settings") -> "SourceOptions":
    """Open a source and print how it is read; return it as a plan will read it, with standard input as a file.

    Raises:
        InputRefused: The source cannot be read, or its columns cannot be understood.
        SettingsRefused: ARMREST_RULES names a rule that does not exist.
        Refused: `max_source_age` is set for standard input.
    """
    from armrest.app.source_options import STDIN
    from armrest.app.standard_input import remove_spooled, spool
    from armrest.intake import InputRefused

    if read.source == STDIN:
        if read.max_source_age:
            raise Refused("--max-source-age: standard input has no known age; leave the flag out, or name the file")
        read = read.model_copy(update={"source": spool(settings)})
    try:
        source = read.open(settings)
    except InputRefused:
        remove_spooled(settings, read.source)
        raise
    print_error(f"{source.name}: {source.description}")
    return read
