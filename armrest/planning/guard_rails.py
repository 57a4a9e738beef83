"""Guard rails: limits above which a plan is not sent without approval.

A source that is empty, has shrunk or is old must not overwrite ARM's records, and a change to half of the customers is
more often a mistake than intended. All guard rails are off unless a run sets them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

from armrest.intake import InputRefused, RowLimit
from armrest.model import SourceRequest
from armrest.outbox import PlanFigures
from armrest.plurals import quantity

MOST_SAID: Final = 3
"""The most differences that a message names; the plan lists all."""


class GuardRailHit(InputRefused):
    """A plan hit a guard rail; nothing of it is sent without a person's approval. `code` names the guard rail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRails:
    """The limits of one run; None: no limit.

    Attributes:
        max_changed: The largest share of the known customers that may change, in percent.
        min_rows: The smallest number of rows, in percent of the last run's rows.
        max_source_age_seconds: The greatest age of the source.
        max_warned: The most rows with a warning: a number (`12`) or a share (`5%`).
        checks_profile: Whether a file that is unlike the last ones is refused. None: only one whose customers have
            other numbers; False: not even that.
    """

    max_changed: float | None = None
    min_rows: float | None = None
    max_source_age_seconds: float | None = None
    max_warned: str | None = None
    checks_profile: bool | None = None

    @classmethod
    def of(cls, request: SourceRequest) -> Self:
        """Return the limits of a run's request."""
        return cls(
            max_changed=_percent(request.max_changed),
            min_rows=_percent(request.min_rows),
            max_source_age_seconds=request.max_source_age_seconds,
            max_warned=request.max_warned,
            checks_profile=request.check_profile,
        )

    def check_age(self, source: str, modified_at: datetime | None, *, now: float) -> None:
        """Refuse a source that is too old, or whose age is unknown.

        Raises:
            GuardRailHit: The source is refused.
        """
        if self.max_source_age_seconds is None:
            return
        if modified_at is None:
            raise GuardRailHit(
                f"{source}: its age is not known, so --max-source-age cannot be checked: leave it out for this source",
                code="source-too-old",
            )
        age_seconds = now - modified_at.timestamp()
        if age_seconds > self.max_source_age_seconds:
            raise GuardRailHit(
                f"{source}: last written {modified_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, {_hours(age_seconds)} ago, "
                f"more than the {_hours(self.max_source_age_seconds)} of --max-source-age: export it again",
                code="source-too-old",
            )

    def check_warned(self, source: str, *, warned: int, read: int) -> None:
        """Refuse a source with too many rows that have a warning.

        Raises:
            GuardRailHit: It has too many.
        """
        if self.max_warned is not None and RowLimit.parse(self.max_warned).is_exceeded(warned, read=read):
            raise GuardRailHit(
                f"{source}: warnings in {warned} of {quantity(read, 'row')}, more than --max-warned {self.max_warned} "
                "allows: `armrest check` names them; fix the source, or raise the limit",
                code="too-many-warned",
            )

    def check_numbers(self, source: str, difference: str | None) -> None:
        """Refuse a source whose customers have other numbers than before.

        Args:
            difference: How new numbers differ from vanished ones; None: they are not alike.

        Raises:
            GuardRailHit: The numbers are alike.
        """
        if difference is not None and self.checks_profile is not False:
            raise GuardRailHit(
                f"{source}: {difference}: ARM would take them for others; export the numbers as before, or "
                "--no-check-profile if these are other customers",
                code="renumbered",
            )

    def check_profile(self, source: str, differences: Sequence[str]) -> None:
        """Refuse a source that is unlike the last ones that settled.

        Raises:
            GuardRailHit: It differs.
        """
        if differences and self.checks_profile:
            text = "; ".join(differences[:MOST_SAID])
            more = f"; and {len(differences) - MOST_SAID} more" if len(differences) > MOST_SAID else ""
            raise GuardRailHit(
                f"{source}: not like the last file that settled: {text}{more}: check the system that exported it, or "
                "--no-check-profile if it is right",
                code="unlike-its-past",
            )

    def check_rows(self, source: str, *, read: int, last_read: int | None) -> None:
        """Refuse a source that has shrunk since the client's last run.

        Raises:
            GuardRailHit: The source has too few rows.
        """
        if self.min_rows is not None and last_read and read < last_read * self.min_rows / 100:
            raise GuardRailHit(
                f"{source}: {quantity(read, 'row')}, but {last_read:,} in the last run; --min-rows requires "
                f"{self.min_rows:g}% of them: check the system that exported it",
                code="too-few-rows",
            )

    def check_changes(self, source: str, figures: PlanFigures) -> None:
        """Refuse a plan that changes too many of the known customers.

        Raises:
            GuardRailHit: The plan changes too many.
        """
        if self.max_changed is not None and figures.changed > figures.known * self.max_changed / 100:
            raise GuardRailHit(
                f"{source}: {figures.changed:,} of {quantity(figures.known, 'known customer')} would change, more than "
                f"the {self.max_changed:g}% of --max-changed: look at `armrest plan`, then raise it or fix the source",
                code="too-many-changed",
            )


def _percent(text: str | None) -> float | None:
    return None if text is None else float(text.removesuffix("%"))


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.0f} h" if seconds >= 2 * 3600 else f"{seconds / 60:.0f} min"
