"""The list of mutants is up to date: each applies, has its own promise, and names tests that exist. None is planted.

The bugs that the simulation has to find are up to date, too.
"""

from pathlib import Path

import pytest

from tests.mutants.all import MUTANTS
from tests.mutants.mutant import Mutant, Stale
from tests.simulation.planted import PLANTED, PLANTED_ON_POSTGRES, plant
from tests.tooling.test_guarantees import names_in

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.promise)
def test_every_mutant_applies_and_names_tests_that_exist(mutant: Mutant) -> None:
    assert compile(mutant.patched(), mutant.file, "exec")
    for test in mutant.tests:
        file, _, name = test.partition("::")
        assert (TESTS / file).exists()
        assert not name or name in names_in(TESTS / file)


@pytest.mark.parametrize("name", PLANTED | PLANTED_ON_POSTGRES)
def test_every_bug_that_is_planted_in_the_simulation_applies(name: str, tmp_path: Path) -> None:
    for replacement in (PLANTED | PLANTED_ON_POSTGRES)[name]:
        copy = tmp_path / replacement.file
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text((TESTS.parent / replacement.file).read_text(encoding="utf-8"), encoding="utf-8")
        plant(tmp_path, replacement)
        assert compile(copy.read_text(encoding="utf-8"), replacement.file, "exec")


def test_there_are_enough_and_each_has_a_promise_of_its_own() -> None:
    assert len(MUTANTS) >= 60
    assert len({mutant.promise for mutant in MUTANTS}) == len(MUTANTS)


def test_a_line_that_has_changed_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("a = 1\na = 1\n")
    mutant = Mutant(promise="something holds", file="x.py", old="a = 1", new="a = 2", tests=())

    with pytest.raises(Stale, match=r"^something holds: x\.py has changed: 'a = 1' is in it 2 times$"):
        mutant.patched(tmp_path)
