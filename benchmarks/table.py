"""The table of a size, as printed and as stored."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from benchmarks.contestants import EMPTY, LOWER_BOUND, PLAN, SCRIPT, WHOLE
from benchmarks.cost import Cost

COLUMNS: Final = (
    "CPU s",
    "µs a customer",
    "customers a CPU second",
    "wall s",
    "peak MB",
    "requests",
    "task runs",
    "Prefect's server, CPU s",
)


class Table:
    """The costs of every contestant at one size."""

    def __init__(self, customers: int, rounds: Sequence[Mapping[str, Cost]]) -> None:
        self.customers = customers
        self.rounds = len(rounds)
        self.costs = {name: Cost.median([one[name] for one in rounds]) for name in rounds[0]}

    def per_customer(self, name: str) -> float:
        """Return the CPU per customer, in µs."""
        return self.costs[name].cpu_seconds / self.customers * 1e6

    @property
    def of_script(self) -> float | None:
        """Cost of planning as a share of the afternoon script, which does less; None if that was not run."""
        return self.costs[PLAN].cpu_seconds / self.costs[SCRIPT].cpu_seconds if SCRIPT in self.costs else None

    @property
    def of_bound(self) -> float:
        """Cost of the whole run as a multiple of the lower bound, planning and Prefect's start."""
        least = sum(self.costs[name].cpu_seconds for name in (LOWER_BOUND, PLAN, EMPTY))
        return self.costs[WHOLE].cpu_seconds / least

    def as_text(self) -> str:
        """Return it in Markdown."""
        lines = [
            f"{self.customers:,} customers, medians of {self.rounds}",
            "",
            f"| | {' | '.join(COLUMNS)} |",
            f"|---|{'---:|' * len(COLUMNS)}",
            *(self._line(name, cost) for name, cost in self.costs.items()),
            "",
            *(
                [f"Planning takes {self.of_script:.2f} times the CPU of the afternoon script, which does less."]
                if self.of_script
                else []
            ),
            (
                f"The whole run takes {self.of_bound:.2f} times the CPU of these three together: "
                "the lower bound, planning and Prefect's start."
            ),
        ]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Return its figures."""
        costs = {name: asdict(cost) for name, cost in self.costs.items()}
        ratios = {"plan_of_script": self.of_script, "whole_of_bound": self.of_bound}
        return {"customers": self.customers, "rounds": self.rounds, "costs": costs, "ratios": ratios}

    def _line(self, name: str, cost: Cost) -> str:
        each = self.per_customer(name)
        figures = (
            f"{cost.cpu_seconds:.1f}",
            f"{each:.1f}",
            f"{1e6 / each:,.0f}",
            f"{cost.wall_seconds:.1f}",
            f"{cost.peak_mb:.0f}",
            f"{cost.requests:,.0f}" if cost.requests else "",
            f"{cost.task_runs:,.0f}" if cost.task_runs else "",
            f"{cost.server_seconds:.1f}" if cost.task_runs else "",
        )
        return f"| {name} | {' | '.join(figures)} |"


def machine() -> str:
    """Describe the machine of the measurement."""
    return f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
