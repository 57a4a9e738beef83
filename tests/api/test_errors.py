"""The error tree: drawn, picklable, and free of anything personal."""

import copy
import pickle
import re
from collections.abc import Iterator

import pytest

from armrest.api import ArmError, BatchRefused, CustomerFailure, RateLimited, errors


def tree(kind: type[ArmError]) -> Iterator[type[ArmError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from tree(child)


def drawn() -> list[tuple[str, int]]:
    """Each name of the drawing with the column it stands in."""
    return [
        (found["name"], found.start("name"))
        for line in (errors.__doc__ or "").splitlines()
        if (found := re.match(r"    (?:[│ ]*[├└]── )?(?P<name>[A-Z]\w+)", line))
    ]


def test_the_drawing_is_the_tree() -> None:
    parents: list[tuple[str, int]] = []
    for name, column in drawn():
        while parents and parents[-1][1] >= column:
            parents.pop()
        if parents:
            assert parents[-1][0] == getattr(errors, name).__base__.__name__
        parents.append((name, column))

    assert sorted(name for name, _ in drawn()) == errors.__all__


@pytest.mark.parametrize("kind", list(tree(ArmError)), ids=lambda kind: kind.__name__)
def test_every_error_survives_pickling_with_its_data(kind: type[ArmError]) -> None:
    failures = (CustomerFailure(customer_no="10001", index=3, reason="phoneNo is not valid"),)
    error = kind("what to do", status=400, request_id="r-1", evidence="{}", failures=failures)
    error.add_note("kept")

    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is kind
        assert str(again) == "what to do"
        assert (again.status, again.request_id, again.evidence, again.failures) == (400, "r-1", "{}", failures)
        assert again.__notes__ == ["kept"]


def test_what_an_answer_did_not_say_is_none() -> None:
    assert RateLimited("slower").retry_after_seconds is None
    assert BatchRefused("no").failures == ()
    assert ArmError("?").status is None
