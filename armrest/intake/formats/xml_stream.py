"""Read XML piece by piece with expat, safely: no entity that the file declares, and no endless tag."""

from collections.abc import Iterator
from typing import BinaryIO, Final
from xml.parsers import expat

PIECE_BYTES: Final = 1 << 16
MAX_TAG_BYTES: Final = 4 << 20
"""Length of the longest tag, comment or declaration. expat keeps it in memory until it ends."""
MAX_TEXT_LENGTH: Final = 1 << 20
"""Characters of the longest text that a reader collects; a cell of Excel has 32,767."""
_MAX_NAMES: Final = 10_000


class XmlDamaged(Exception):
    """The XML ends too early, is not well-formed, or has an endless text or tag."""


class XmlUnsafe(XmlDamaged):
    """The XML declares entities, which can grow to any size (billion laughs) or name other files."""


class LocalNames(dict[str, str]):
    """Element names without their prefix, each computed once."""

    def __missing__(self, name: str) -> str:
        local = name.rpartition(":")[2]
        if len(self) < _MAX_NAMES:
            self[name] = local
        return local


def xml_parser(*, namespaces: bool = False) -> expat.XMLParserType:
    """Return a parser that refuses entity declarations; the caller sets the other handlers.

    Args:
        namespaces: Names are `URI name` with the URI of their namespace, not `prefix:name`.
    """
    parser = expat.ParserCreate(namespace_separator=" " if namespaces else None)
    parser.buffer_text = True
    parser.EntityDeclHandler = _refuse_entity
    return parser


def feed(parser: expat.XMLParserType, file: BinaryIO) -> Iterator[None]:
    """Feed a file to a parser, and yield after each piece, so that the caller takes what the handlers collected.

    Raises:
        XmlDamaged: The XML is not well-formed, or has an endless tag.
    """
    fed = 0
    try:
        while piece := file.read(PIECE_BYTES):
            parser.Parse(piece, False)
            fed += len(piece)
            if fed - max(parser.CurrentByteIndex, 0) > MAX_TAG_BYTES:
                raise XmlDamaged
            yield
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, LookupError):  # a codec that Python does not know raises the last two
        raise XmlDamaged from None
    yield


def _refuse_entity(*_: object) -> None:
    raise XmlUnsafe
