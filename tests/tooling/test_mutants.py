"""The list of mutants is up to date: each applies, has its own promise, and names tests that exist. None is planted."""

from pathlib import Path

import pytest

from tests.mutants.all import MUTANTS
from tests.mutants.mutant import Mutant, Stale
from tests.tooling.test_guarantees import names_in

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.promise)
def test_every_mutant_applies_and_names_tests_that_exist(mutant: Mutant) -> None:
    assert compile(mutant.patched(), mutant.file, "exec")
    for test in mutant.tests:
        file, _, name = test.partition("::")
        assert (TESTS / file).exists()
        assert not name or name in names_in(TESTS / file)


def test_there_are_enough_and_each_has_a_promise_of_its_own() -> None:
    assert len(MUTANTS) >= 60
    assert len({mutant.promise for mutant in MUTANTS}) == len(MUTANTS)


def test_a_line_that_has_changed_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("a = 1\na = 1\n")
    mutant = Mutant(promise="something holds", file="x.py", old="a = 1", new="a = 2", tests=())

    with pytest.raises(Stale, match=r"^something holds: x\.py has changed: 'a = 1' is in it 2 times$"):
        mutant.patched(tmp_path)
