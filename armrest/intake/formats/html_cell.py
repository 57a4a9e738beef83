"""What a browser shows of a table's cell: which elements are displayed, and the chosen one of a list of options."""

import re
from collections.abc import Sequence
from typing import Final

_HIDDEN: Final = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_NOT_SHOWN: Final = frozenset({"del", "s", "strike", "datalist", "template"})
"""Elements that are struck out, or that no browser displays."""
_VOID: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
_LISTS: Final = frozenset({"ul", "ol", "dl", "select"})
_BLOCKS: Final = (
    "address article aside blockquote details div dl fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr main "
    "menu nav ol p pre section ul"
)
_ENDS: Final = {
    "p": frozenset(_BLOCKS.split()),
    "li": frozenset({"li"}),
    "dt": frozenset({"dt", "dd"}),
    "dd": frozenset({"dt", "dd"}),
    "option": frozenset({"option", "optgroup"}),
}
"""For each element whose end may be left out, those whose start ends it."""
_ENDING: Final = frozenset().union(*_ENDS.values())


class Choice:
    """A list of options in a cell, of which a person sees one: the chosen one, or the first.

    Attributes:
        texts: Takes the texts of the current option; None outside of a list.
    """

    def __init__(self) -> None:
        self.texts: list[str] | None = None
        self._shown: list[str] | None = None

    def begin(self, tag: str, *, is_selected: bool) -> None:
        """Begin the list or an option."""
        self.texts = []
        if tag == "option" and (is_selected or self._shown is None):
            self._shown = self.texts

    def end(self) -> str:
        """End the list; return the text of the option that is shown."""
        shown, self.texts, self._shown = self._shown, None, None
        return "".join(shown or ()).strip()


class Elements:
    """The elements that are open inside a cell."""

    def __init__(self) -> None:
        self._open: list[str] = []
        self._hidden: int | None = None
        """The place of the outermost one that is not displayed."""

    @property
    def depth(self) -> int:
        """How many are open."""
        return len(self._open)

    @property
    def are_hidden(self) -> bool:
        """Whether the current place is not displayed."""
        return self._hidden is not None

    def begin(self, tag: str, *, is_hidden: bool) -> bool:
        """Begin an element; return whether it is not displayed."""
        for place in range(len(self._open) - 1, -1, -1) if tag in _ENDING else ():
            if tag in _ENDS.get(self._open[place], ()):
                self._end(place)
                break
            if self._open[place] in _LISTS:
                break
        if tag in _VOID:
            return is_hidden or self._hidden is not None
        if is_hidden and self._hidden is None:
            self._hidden = len(self._open)
        self._open.append(tag)
        return self._hidden is not None

    def end(self, tag: str) -> bool:
        """End an element, and those in it whose ends were left out; return whether it was not displayed."""
        place = len(self._open) - 1
        while place >= 0 and self._open[place] != tag:
            place -= 1
        if place < 0:
            return self._hidden is not None
        was_hidden = self._hidden is not None and self._hidden <= place
        self._end(place)
        return was_hidden

    def _end(self, place: int) -> None:
        del self._open[place:]
        if self._hidden is not None and self._hidden >= place:
            self._hidden = None


def is_hidden(tag: str, attributes: Sequence[tuple[str, str | None]]) -> bool:
    """Whether an element is not displayed, or struck out."""
    if tag in _NOT_SHOWN or not attributes:
        return tag in _NOT_SHOWN
    return any(name == "hidden" or (name == "style" and _HIDDEN.search(text or "")) for name, text in attributes)
