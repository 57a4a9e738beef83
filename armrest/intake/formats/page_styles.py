"""Which elements of a web page are hidden or struck out, by themselves, by their class, or by a style sheet.

Selectors are followed roughly, in one direction: an element may be taken for hidden although it is not. Of what stands
before the last part of a selector, it is only known that the page has it; pseudo-classes and later rules are not looked
at. So a value that a page does not show is found, and a row may be rejected for nothing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

ROW_GROUPS: Final = frozenset({"thead", "tbody", "tfoot"})
POSITION: Final = "nth-child-"
"""With the number behind it, the attribute by which a cell's position in its row is known here."""
Attributes = Sequence[tuple[str, str | None]]

_HIDDEN: Final = re.compile(
    r"(?<![\w-])(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|mso-hide\s*:\s*all|content-visibility\s*:\s*hidden"
    r"|(?:opacity|font-size)\s*:\s*0(?:\.0*)?(?![.\d])|clip\s*:\s*rect\([\s01px,]*\))",
    re.IGNORECASE,
)
_STRUCK: Final = re.compile(r"line-through", re.IGNORECASE)
_HIDING_CLASSES: Final = frozenset(
    ("d-none", "hidden", "invisible", "sr-only", "visually-hidden", "visuallyhidden", "screen-reader-text")
)
"""What usual style sheets hide, which a page may load from elsewhere: those of Bootstrap, Tailwind and WordPress."""
_FOR_WIDE_SCREENS: Final = re.compile(r"d-\w+-|.*:")
"""A class by which such a style sheet shows an element again, unless the screen is narrow."""

_COMMENT: Final = re.compile(r"/\*.*?\*/|<!--|-->", re.DOTALL)
_BRACE: Final = re.compile(r"([^{}]*)([{}])")
_ON_WIDE_SCREENS: Final = re.compile(
    r"\(\s*+(?:min-(?:device-)?(?:width|height)\s*:[^()]*|(?:device-)?width\s*>[^()<>]*|[^()<>:]*<=?\s*(?:device-)?width\s*)\)"
)
_ON_SCREENS: Final = re.compile(r"(?:only\s+)?(?:screen|all)?|not\s+(?:print|speech)")
_CELL_OF_COLUMN: Final = re.compile(r"(?<![\w.#-])(t[dh][\w.#-]*):nth-child\(\s*(\d+)\s*\)")
_IN_BRACKETS: Final = re.compile(r"\([^()]*\)")
_ATTRIBUTE: Final = re.compile(r"\[\s*([\w:-]+)[^\]]*\]")
_PART_OR_STATE: Final = re.compile(r"::|:(?:before|after|hover|focus|active|first-l)", re.IGNORECASE)
"""A selector with one of these is not for a whole element, or only while a mouse points at it."""
_PSEUDO_CLASS: Final = re.compile(r":[\w-]+")
_COMBINATOR: Final = re.compile(r"[\s>+~]+")
_PART: Final = re.compile(r"[.#\[]?[\w-]+")


class Effect(NamedTuple):
    """What is done to an element."""

    is_hidden: bool
    is_struck: bool


_NOTHING: Final = Effect(is_hidden=False, is_struck=False)
_HIDES: Final = Effect(is_hidden=True, is_struck=False)
_STRIKES: Final = Effect(is_hidden=False, is_struck=True)
_BY_NAME: Final = {
    **dict.fromkeys(("del", "s", "strike"), _STRIKES),
    **dict.fromkeys(("select", "datalist", "template"), _HIDES),
}
"""Elements that are struck out, that no browser displays, or of which it displays one option."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule of a style sheet that hides elements or strikes them out.

    Attributes:
        parts: What an element must have: `td`, `.class`, `#id` and `[attribute`, in small letters.
    """

    parts: frozenset[str]
    effect: Effect


class PageStyles:
    """The styles of one page."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._seen: set[str] = set()
        """The parts of selectors that the elements of the page have."""
        self.effect_on = lru_cache(4096)(self._effect_on)
        """By the name of an element and its attributes, as a tuple."""

    def __bool__(self) -> bool:
        return bool(self._rules)

    def add(self, sheet: str) -> None:
        """Read a style sheet of the page, whose elements are known."""
        for selectors, declarations in _rules(_COMMENT.sub("", sheet)):
            effect = _effect_of(declarations)
            if any(effect):
                compounds = _compounds_of(selectors)
                self._rules += [_Rule(it[-1], effect) for it in compounds if frozenset[str]().union(*it) <= self._seen]
        self.effect_on.cache_clear()

    def _effect_on(self, tag: str, attributes: tuple[tuple[str, str | None], ...]) -> Effect:
        values = dict(attributes)
        classes = (values.get("class") or "").casefold().split()
        effects = [_BY_NAME.get(tag, _NOTHING), _effect_of(values.get("style") or "")]
        if "hidden" in values or _is_hidden_by_class(classes):
            effects.append(_HIDES)
        identity = (values.get("id") or "").casefold()
        own = {tag, f"#{identity}", *(f".{name}" for name in classes), *(f"[{name}" for name in values)}
        self._seen |= own
        effects += [rule.effect for rule in self._rules if rule.parts <= own]
        return Effect(*map(any, zip(*effects, strict=True)))


def _effect_of(declarations: str) -> Effect:
    return Effect(_HIDDEN.search(declarations) is not None, _STRUCK.search(declarations) is not None)


def _is_hidden_by_class(classes: Sequence[str]) -> bool:
    return not _HIDING_CLASSES.isdisjoint(classes) and not any(map(_FOR_WIDE_SCREENS.match, classes))


def _rules(sheet: str) -> Iterator[tuple[str, str]]:
    """The selectors and the declarations of each rule that counts on a screen."""
    around: list[str | None] = []
    """What is open: selectors, "" for a block such as `@media`, and None for one that does not count."""
    for text, brace in _BRACE.findall(sheet):
        if brace == "{":
            prelude = text.rpartition(";")[2].strip()
            is_block = prelude.startswith("@")
            is_other = None in around or (is_block and not _counts(prelude))
            around.append(None if is_other else "" if is_block else prelude)
        elif around and (selectors := around.pop()):
            yield selectors, text


def _counts(prelude: str) -> bool:
    """Whether a block such as `@media` counts on a wide screen of usual settings."""
    name, *rest = prelude.casefold().replace("(", " (", 1).split(None, 1)
    condition = "".join(rest)
    if name == "@supports":
        return re.search(r"(?<!:)\bnot\b", condition) is None
    return name in {"@layer", "@scope"} or (name in {"@media", "@container"} and is_for_screens(condition))


def is_for_screens(media: str) -> bool:
    """Whether one of these media queries is true for a wide screen of usual settings."""
    return any(map(_is_true, media.casefold().split(",")))


def _is_true(query: str) -> bool:
    parts = [part.strip() for part in re.split(r"\band\b", _ON_WIDE_SCREENS.sub(" ", query))]
    return all(map(_ON_SCREENS.fullmatch, parts))


def _compounds_of(selectors: str) -> Iterator[list[frozenset[str]]]:
    """For each of these selectors, the parts that an element and those around it must have; the element is the last."""
    text = _CELL_OF_COLUMN.sub(rf"\1[{POSITION}\2]", selectors.casefold())
    while (shorter := _IN_BRACKETS.sub("", text)) != text:
        text = shorter
    for selector in _ATTRIBUTE.sub(r"[\1", text).split(","):
        if not _PART_OR_STATE.search(selector):
            compounds = _COMBINATOR.split(_PSEUDO_CLASS.sub("", selector).strip())
            yield [frozenset(parts) for it in compounds if (parts := _PART.findall(it))] or [frozenset()]


class ElementsAround:
    """The elements around a row that are hidden or struck out: a part of its table, the table, or what holds it."""

    def __init__(self) -> None:
        self._open: list[tuple[str, Effect]] = []
        """Those elements, and those of the same name inside them, so that each end is matched with its own element."""

    def begin(self, tag: str, effect: Effect) -> None:
        """Note an element; a part of a table ends the one before, whose end may be left out."""
        if tag in ROW_GROUPS:
            self._open = [it for it in self._open if it[0] not in ROW_GROUPS]
        is_inside = any(tag == name for name, _ in self._open)
        if tag != "p" and (any(effect) or is_inside):  # a paragraph holds no table
            self._open.append((tag, effect))

    def end(self, tag: str) -> None:
        """Forget the last element of this name, and those inside it, whose end may be left out."""
        for index in range(len(self._open) - 1, -1, -1):
            if self._open[index][0] == tag:
                del self._open[index:]
                return

    def effect_with(self, effect: Effect) -> Effect:
        """What is done to an element inside, with what is done to itself."""
        return Effect(*map(any, zip(effect, *(it for _, it in self._open), strict=True)))
