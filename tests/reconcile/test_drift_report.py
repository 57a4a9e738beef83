"""The file with what differs."""

import stat
from pathlib import Path

import pytest

from armrest.reconcile import Verification
from armrest.reconcile.drift_report import DriftLog


def verification() -> Verification:
    return Verification(client_no=2218, source="customers.csv")


class Broken(Exception):
    """Ends a verification."""


def test_it_takes_its_place_at_the_end_for_its_owner_alone(tmp_path: Path) -> None:
    file, result = tmp_path / "drift.csv", verification()
    file.write_text("old")

    with DriftLog(result, file) as log:
        log.different("1", {"name": ("@Home AS", "'@Home AS")})
        assert (file.read_text(), result.file) == ("old", None)

    assert file.read_text(encoding="utf-8-sig").splitlines() == [
        "customerNo,drift,field,wanted,held,_guarded",
        "1,different,name,'@Home AS,''@Home AS,yes",
    ]
    assert (result.file, stat.S_IMODE(file.stat().st_mode)) == (file, 0o600)


def test_a_verification_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    file, result = tmp_path / "drift.csv", verification()
    file.write_text("old")

    def verify() -> None:
        with DriftLog(result, file) as log:
            log.missing("1")
            raise Broken

    with pytest.raises(Broken):
        verify()

    assert (file.read_text(), result.file) == ("old", None)
    assert list(tmp_path.iterdir()) == [file]


def test_without_a_difference_nothing_is_written(tmp_path: Path) -> None:
    with DriftLog(verification(), tmp_path / "drift.csv"):
        pass

    assert list(tmp_path.iterdir()) == []
