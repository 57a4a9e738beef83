"""`make bench-profile`: how many harmed files the guard rails find, and how often they stop an honest one.

HALF=development (the default) may be run while the check is built. HALF=held-out is run once, at the end. Each half has
five companies with sixty honest nights, and a hundred harmed files: twenty kinds, each in five companies. Fails if less
than 95% are found, or if more than one night is stopped.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from benchmarks.file_nights.file_mutations import MUTATIONS
from benchmarks.file_nights.trials import SEEDS, NightOutcome, Outcomes, TrialOutcome, Verdict, has_profile, try_half
from benchmarks.table import machine

AT_LEAST_FOUND: Final = 0.95
MOST_FALSE_ALARMS: Final = 1

Trials = Sequence[TrialOutcome]


def found(verdicts: Iterable[Verdict | None]) -> int:
    """Return how many harmed files were refused."""
    return sum(verdict is not None and verdict.refusal is not None for verdict in verdicts)


def false_alarms(nights: Iterable[NightOutcome]) -> list[NightOutcome]:
    """Return the honest nights that were refused."""
    return [night for night in nights if night.refusal is not None]


def is_good_enough(outcomes: Outcomes) -> bool:
    """Whether the nightly finds enough, and stops little enough for nothing."""
    enough = found(trial.nightly for trial in outcomes.trials) >= AT_LEAST_FOUND * len(outcomes.trials)
    return enough and len(false_alarms(outcomes.nights)) <= MOST_FALSE_ALARMS


def report(outcomes: Outcomes) -> str:
    """Return the table by kind, what was missed, the false alarms, and the two figures."""
    return "\n".join([*_table(outcomes.trials), "", *_misses(outcomes.trials), *_alarms(outcomes.nights)])


def _table(trials: Trials) -> list[str]:
    kinds = [mutation.__name__ for mutation in MUTATIONS]
    lines = [_line(kind, [trial for trial in trials if trial.kind == kind]) for kind in kinds]
    share = found(trial.nightly for trial in trials) / len(trials)
    heading = f"{'':24}{'nightly':>10}{'profile':>12}  found by"
    return [heading, *lines, _line("all", trials), f"The nightly finds {share:.0%}; {AT_LEAST_FOUND:.0%} are required."]


def _line(what: str, trials: Trials) -> str:
    nightly, profile = [trial.nightly for trial in trials], [trial.profile for trial in trials]
    alone = f"{found(profile)} of {len(trials)}" if any(profile) else "none"
    codes = Counter(verdict.refusal for verdict in [*nightly, *profile] if verdict and verdict.refusal)
    by = ", ".join(f"{code} {times}" for code, times in codes.most_common())
    return f"{what:24}{f'{found(nightly)} of {len(trials)}':>10}{alone:>12}  {by}"


def _misses(trials: Trials) -> list[str]:
    missed = [trial for trial in trials if trial.nightly.refusal is None]
    return ["The nightly would send:"] * bool(missed) + [
        f"  seed {trial.seed}, {trial.kind}, after {trial.nights} nights: {trial.done}; "
        f"{trial.nightly.would_send} customers"
        for trial in missed
    ]


def _alarms(nights: Sequence[NightOutcome]) -> list[str]:
    alarms = false_alarms(nights)
    return [
        f"False alarms: {len(alarms)} in {len(nights)} honest nights; {MOST_FALSE_ALARMS} is allowed.",
        *(
            f"  seed {alarm.seed}, night {alarm.night}: {alarm.event}, {alarm.rows} rows: "
            f"{alarm.refusal}: {alarm.message}"
            for alarm in alarms
        ),
    ]


def messages(trials: Trials) -> Iterator[str]:
    """Yield what each refusal says."""
    for trial in trials:
        for name, verdict in (("nightly", trial.nightly), ("profile", trial.profile)):
            if verdict:
                yield f"seed {trial.seed}, {trial.kind}, {name}: {trial.done}: {verdict.message or 'would be sent'}"


def main() -> int:
    """Try one half, and print what was found."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--half", choices=list(SEEDS), default="development")
    options.add_argument("--companies", type=int, help="how many of the half's companies (default: all)")
    options.add_argument("--messages", action="store_true", help="print the message of each refusal")
    chosen = options.parse_args()
    profile = "" if has_profile() else "; no detector: this version has no check of a file against its own past"
    print(f"{machine()}; half: {chosen.half}{profile}", flush=True)
    outcomes = try_half(chosen.half, _show_progress, companies=chosen.companies)
    print(report(outcomes))
    if chosen.messages:
        print(*messages(outcomes.trials), sep="\n")
    return 0 if is_good_enough(outcomes) else 1


def _show_progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
