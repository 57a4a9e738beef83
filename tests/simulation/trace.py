"""What happened in a simulation, line by line."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Trace:
    """Lines of virtual seconds, who and what; and how often each kind of thing happened.

    Args:
        aloud: Print each line as it comes.
    """

    aloud: bool = False
    lines: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def tell(self, who: str, what: str, *, counted: str = "") -> None:
        """Add a line; and one to a count, where one is named."""
        line = f"{asyncio.get_running_loop().time():10.3f}  {who:<10} {what}"
        self.lines.append(line)
        if counted:
            self.counts[counted] += 1
        if self.aloud:
            print(line)  # noqa: T201 - that is what a replay is for
