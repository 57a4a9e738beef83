"""Flame graphs: the width of a box shows the time in a function and in its callees."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Final

Stack = tuple[str, ...]
"""Names, the outermost first."""

WIDTH: Final = 1400
ROW: Final = 18
NARROWEST: Final = 1.5
LETTER: Final = 6.2
COLOURS: Final = ("#f6c667", "#f2a65a", "#ee8959", "#e9c46a", "#f4a261", "#e7b678")
_BOX: Final = (
    '<g><title>{title}</title><rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{height}" fill="{fill}" rx="2"/>'
    '<text x="{text_x:.1f}" y="{text_y}">{label}</text></g>'
)


@dataclass(slots=True)
class _Box:
    spent: float = 0.0
    on_it: dict[str, "_Box"] = field(default_factory=dict)

    def add(self, stack: Stack, spent: float) -> None:
        self.spent += spent
        if stack:
            self.on_it.setdefault(stack[0], _Box()).add(stack[1:], spent)

    def height(self, narrowest: float) -> int:
        """Number of rows with boxes wide enough to draw."""
        return 1 + max((box.height(narrowest) for box in self.on_it.values() if box.spent >= narrowest), default=0)


def drawn(spent: Mapping[Stack, float], *, unit: str) -> str:
    """Return a graph of the time in each stack, as SVG, without boxes narrower than a pixel or two."""
    ground = _Box()
    for stack, amount in spent.items():
        ground.add(stack, amount)
    scale = WIDTH / ground.spent
    height = ground.height(NARROWEST / scale) * ROW
    boxes = _boxes(ground, f"all: {ground.spent:.1f} {unit}", 0.0, height - ROW, scale)
    style = "text{font:11px sans-serif}rect{stroke:#fff;stroke-width:.5}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}">'
    return "\n".join([head, f"<style>{style}</style>", *boxes, "</svg>", ""])


def _boxes(box: _Box, name: str, x: float, y: int, scale: float) -> Iterator[str]:
    width = box.spent * scale
    if width < NARROWEST:
        return
    letters = int(width / LETTER) - 1
    label = name if len(name) <= letters else name[: letters - 1] + "…" if letters > 3 else ""  # noqa: PLR2004
    yield _BOX.format(
        title=escape(f"{name} ({box.spent:.2f})"),
        x=x,
        y=y,
        width=width,
        height=ROW - 1,
        fill=COLOURS[sum(name.encode()) % len(COLOURS)],
        text_x=x + 4,
        text_y=y + 13,
        label=escape(label),
    )
    for above, its_box in sorted(box.on_it.items()):
        yield from _boxes(its_box, above, x, y - ROW, scale)
        x += its_box.spent * scale
