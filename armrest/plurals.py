"""Numbers of things in messages: `1 customer`, `4,975 customers`, `1 batch`, `0 batches`."""

from typing import Final

_HISSING: Final = ("s", "x", "ch", "sh")


def quantity(number: int, noun: str) -> str:
    """Return a number with its noun, which is given in the singular: `quantity(2, "batch")` is `2 batches`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun}{'es' if noun.endswith(_HISSING) else 's'}"
