"""How deep a text from outside may nest: a bound of our own, so that it does not depend on the Python that reads it.

The interpreter's limit of recursion differs between versions, and with how deep the caller already is.
"""

import re
from typing import Final

MAX_NESTING: Final = 64
"""Objects and lists within each other. ARM's documented answers need five; a mapping file needs four."""

_STRINGS: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_ALIKE: Final = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))


def is_too_deep(json_text: bytes | str) -> bool:
    """Tell whether JSON nests deeper than `MAX_NESTING`, without parsing it; brackets within strings do not count.

    Linear in the length of the text. For a truncated text, only the existing part counts.
    """
    text = json_text.encode() if isinstance(json_text, str) else json_text
    if text.count(b"[") + text.count(b"{") <= MAX_NESTING:
        return False
    brackets = _STRINGS.sub(b"", text).translate(_ALIKE, _NO_BRACKETS)
    for _ in range(MAX_NESTING):  # each pass takes away what is innermost
        if b"[]" not in brackets:
            break
        brackets = brackets.replace(b"[]", b"")
    return b"[]" in brackets or brackets.count(b"[") > MAX_NESTING
