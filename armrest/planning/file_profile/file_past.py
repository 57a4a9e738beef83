"""A source's past: what is collected while it is planned, and held against the profiles of the last settled runs."""

from collections.abc import Sequence

from armrest.intake import CustomerSample, SampledRow
from armrest.outbox import Ledger, Run, settled_profiles
from armrest.planning.file_profile.differences import describe_columns, describe_counts
from armrest.planning.file_profile.profile import Counts, FileProfile, SampledFile
from armrest.planning.file_profile.renumbering import Renumbering


class FilePast:
    """Collects a sample of one source and its new numbers, in bounded memory, and compares them with the past."""

    def __init__(self, ledger: Ledger, run: Run) -> None:
        self._ledger = ledger
        self._run = run
        self._sample = CustomerSample()
        self._renumbering = Renumbering()

    def note_rows(self, rows: Sequence[SampledRow]) -> None:
        """Take the sampled rows of a block."""
        self._sample.add(rows)

    def note_new(self, numbers: Sequence[str]) -> None:
        """Take the numbers of customers that nothing was sent for before."""
        self._sample.note_new(numbers)
        self._renumbering.note_new(numbers)

    def note_vanished(self, number: str) -> None:
        """Take the number of a known customer that the source lacks; all new ones have been noted before."""
        self._renumbering.note_vanished(number)

    def renumbered(self) -> str | None:
        """Return how new numbers differ from vanished ones, in words; None if they do not look alike."""
        return self._renumbering.difference()

    def compare(
        self, fields: Sequence[str], counts: Counts, *, strangers_are_right: bool = False
    ) -> tuple[str, list[str]]:
        """Return the source's profile, as JSON, and what is different from the last files that settled.

        Columns that are like those of any of these files are not different: some sources come in turns.

        Args:
            fields: The fields of the sampled rows.
            strangers_are_right: A person has confirmed that the customers belong to this client.
        """
        now = SampledFile(self._sample, fields, key=self._ledger.fingerprint_key)
        past = [FileProfile.from_json(text) for text in settled_profiles(self._ledger, self._run)]
        if not past:
            return now.profile(counts, missing=None).model_dump_json(), []
        same = now.customers_of(past[0])
        differences = describe_counts(counts, past, same.missing, strangers_are_right=strangers_are_right)
        differences += _different_columns(now, past, rows=counts.rows)
        return now.profile(counts, missing=same.missing).model_dump_json(), differences


def _different_columns(now: SampledFile, past: Sequence[FileProfile], *, rows: int) -> list[str]:
    """Return what is different from the file that has the fewest differences, the newest of these."""
    fewest: list[str] | None = None
    for before in past:
        differences = describe_columns(now, before, now.customers_of(before), rows=rows)
        if fewest is None or len(differences) < len(fewest):
            fewest = differences
        if not fewest:
            break
    return fewest or []
