"""A source's past: what is collected while it is planned, and held against the profiles of the last settled runs."""

from collections.abc import Sequence

from armrest.intake import CustomerSample, SampledRow
from armrest.outbox import Ledger, Run, settled_profiles
from armrest.planning.file_profile.differences import Differences, differences_between
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
        """Return the source's profile, as JSON, and what is different from the settled file that is most like it.

        A source that is like any of the last ones is not different: some clients send a full file once a week.

        Args:
            fields: The fields of the sampled rows.
            strangers_are_right: A person has confirmed that the customers belong to this client.
        """
        now = SampledFile(self._sample, fields, key=self._ledger.fingerprint_key)
        nearest: Differences | None = None
        for before in map(FileProfile.from_json, settled_profiles(self._ledger, self._run)):
            found = differences_between(now, counts, before, strangers_are_right=strangers_are_right)
            if nearest is None or len(found.said) < len(nearest.said):
                nearest = found
            if not nearest.said:
                break
        missing = nearest.same.missing if nearest else None
        return now.profile(counts, missing=missing).model_dump_json(), nearest.said if nearest else []
