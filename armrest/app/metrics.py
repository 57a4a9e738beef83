"""The ledger's figures as OpenMetrics text, for Prometheus: a file for node-exporter's text collector, or stdout.

All figures are gauges, so the text is also valid in Prometheus' older format, which node-exporter reads. The labels are
client number, code and state: no customer, no file name, and no text from ARM. docs/monitoring.md lists the figures.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector

from armrest.app.environment import SettingsRefused
from armrest.outbox import FAILURE_CODES, OPEN, ClientFigures, LastRun, Ledger, State, client_figures, known_apis
from armrest.settings import Settings
from armrest.tabular import AtomicFile

MOST_CODES: Final = 60
"""The maximum number of codes for one figure of a client; the rest is counted as `other`. Today there are fewer."""

READABLE_BY_ALL: Final = 0o644
"""node-exporter runs as another user, and the file holds no personal data."""

Samples = Iterable[tuple[Sequence[str], float]]


def read_metrics(settings: Settings, ledger: Ledger) -> str:
    """Return the figures of all clients as OpenMetrics text.

    Raises:
        SettingsRefused: The ledger has runs of several ARMs, and the settings name none.
    """
    figures = client_figures(ledger, _api_url(settings, ledger), only=settings.clients)
    return metrics_text(figures, now=ledger.now())


def _api_url(settings: Settings, ledger: Ledger) -> str:
    if settings.api_url:
        return settings.api_url
    apis = [url for url in known_apis(ledger) if url]
    if len(apis) > 1:
        raise SettingsRefused(
            f"the ledger has runs of {len(apis)} ARMs ({', '.join(apis)}): set ARMREST_API_URL to one of them"
        )
    return apis[0] if apis else ""


def metrics_text(figures: Sequence[ClientFigures], *, now: float) -> str:
    """Return figures as OpenMetrics text.

    Args:
        now: Seconds since 1970, from which ages are counted.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(figures, now))
    return str(generate_latest(registry).decode())  # type: ignore[no-untyped-call]


def write_metrics(text: str, file: Path) -> None:
    """Replace a file with the text at once: a reader sees the old text or the new one.

    Raises:
        OSError: The file cannot be written.
    """
    writing = AtomicFile(file)
    try:
        os.fchmod(writing.handle.fileno(), READABLE_BY_ALL)
        writing.handle.write(text.encode())
    except OSError:
        writing.discard()
        raise
    writing.commit()


class _Figures(Collector):
    """Turns the figures of one moment into families of samples."""

    def __init__(self, figures: Sequence[ClientFigures], now: float) -> None:
        self._figures = figures
        self._now = now

    def collect(self) -> Iterator[GaugeMetricFamily]:
        last, c = self._of_last_run, "client_no"
        yield _family("read_timestamp_seconds", "When the ledger was read.", [], [([], self._now)])
        yield _family(
            "last_good_run_timestamp_seconds", "When the last run ended of which ARM has everything.", [c], self._good()
        )
        yield _family(
            "last_good_run_age_seconds",
            "Time since then, when the ledger was read.",
            [c],
            [(labels, self._now - at) for labels, at in self._good()],
        )
        yield _family(
            "last_run_timestamp_seconds",
            "When the last run of the client's source ended.",
            [c],
            last(lambda run: [([], run.ended_at)]),
        )
        yield _family(
            "last_run_state", "1 for the state it ended in.", [c, "state"], last(lambda run: [([run.state], 1)])
        )
        yield _family(
            "last_run_customers",
            "Its customers: read, rejected, unchanged, planned; and the outcome of those.",
            [c, "state"],
            last(lambda run: [([state], number) for state, number in asdict(run.customers).items()]),
        )
        yield _family("last_run_seconds", "How long it sent and waited.", [c], last(_seconds))
        yield _family("last_run_customers_per_second", "How fast its customers settled.", [c], last(_pace))
        yield from self._failures()
        yield from self._open()

    def _failures(self) -> Iterator[GaugeMetricFamily]:
        labels = ["client_no", "code"]
        yield _family(
            "failed_customers",
            "Customers that failed in the last run, and were not sent again since.",
            labels,
            self._of_last_run(lambda run: _by_code(dict.fromkeys(FAILURE_CODES, 0) | dict(run.failed))),
        )
        yield _family(
            "rejected_rows",
            "Rows of the last run's source with an error.",
            labels,
            self._of_last_run(lambda run: _by_code(run.rejected)),
        )
        yield _family(
            "refused_requests",
            "Requests to send a batch of the last run that ARM did not accept.",
            labels,
            self._of_last_run(lambda run: _by_code(run.refused_requests)),
        )

    def _open(self) -> Iterator[GaugeMetricFamily]:
        states = (*OPEN, State.HELD)
        yield _family(
            "waiting_batches",
            "Batches of all runs that ARM has not finished, or that are held.",
            ["client_no", "state"],
            [
                ([str(client.client_no), state], client.waiting.get(state, 0))
                for client in self._figures
                for state in states
            ],
        )
        yield _family(
            "oldest_open_batch_age_seconds",
            "Time since the oldest batch was sent that ARM has not finished; 0 without any.",
            ["client_no"],
            [([str(client.client_no)], self._age(client.oldest_open_at)) for client in self._figures],
        )

    def _age(self, since: float | None) -> float:
        return 0.0 if since is None else max(0.0, self._now - since)

    def _good(self) -> list[tuple[list[str], float]]:
        return [
            ([str(client.client_no)], client.last_good_at)
            for client in self._figures
            if client.last_good_at is not None
        ]

    def _of_last_run(self, samples: Callable[[LastRun], Samples]) -> Iterator[tuple[list[str], float]]:
        for client in self._figures:
            if client.last_run:
                for labels, value in samples(client.last_run):
                    yield [str(client.client_no), *labels], value


def _family(name: str, text: str, labels: Sequence[str], samples: Samples) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"armrest_{name}", text, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def _seconds(run: LastRun) -> Samples:
    return [] if run.seconds is None else [([], run.seconds)]


def _pace(run: LastRun) -> Samples:
    return [] if run.customers_per_second is None else [([], run.customers_per_second)]


def _by_code(codes: Mapping[str, int]) -> Samples:
    """Return the most frequent codes, and the sum of the others."""
    ranked = sorted(codes.items(), key=lambda code: (-code[1], code[0]))
    others = sum(number for _, number in ranked[MOST_CODES:])
    return [([code], number) for code, number in [*ranked[:MOST_CODES], *([("other", others)] if others else [])]]
