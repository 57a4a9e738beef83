"""How tests with generated examples run: the same examples in every run; with `make test-random` many others.

`tests/conftest.py` loads this for all tests. A test that wants its own number of examples asks for `examples(15)`.
"""

import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants, _constants_from_source

ROOT: Final = Path(__file__).parents[1]
VARIABLE: Final = "RANDOM_EXAMPLES"
"""Environment variable of `make test-random`: how many times the usual number of examples, drawn at random."""
USUAL: Final = 60
CODE: Final = ("armrest", "tasks", "flows", "deployments")
HOME: Final = Path(tempfile.gettempdir(), f"armrest-tests-hypothesis-{os.getuid()}")

_times: Final = os.environ.get(VARIABLE)


def examples(usual: int) -> int:
    """How many examples a test tries: its usual number, or as many times that as `make test-random` asks for."""
    return usual * int(_times or 1)


def load_profile() -> None:
    """Set what all tests with generated examples inherit; call it before the first of them is imported."""
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(HOME))  # else it is a folder in this project
    providers._get_local_constants = _constants_of_the_code
    settings.register_profile(
        "armrest",
        settings.get_profile("default"),  # not the profile "ci", which hypothesis loads where it takes a machine for CI
        max_examples=examples(USUAL),
        derandomize=not _times,
        database=None,
        deadline=None,  # a busy machine is slow
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("armrest")


@cache
def _constants_of_the_code() -> Constants:
    """The texts and numbers in our code, which hypothesis likes to draw; none where examples have to stay the same.

    Hypothesis takes those of the modules that are imported at that moment. Then a test's examples, and what a seed
    means, would depend on the tests that the process ran before. So these are read from the files instead. The tests
    that always have the same examples draw none of them: a change elsewhere in the code would change their examples.
    """
    constants = Constants()
    for file in (path for folder in CODE for path in (ROOT / folder).rglob("*.py") if _times):
        constants |= _constants_from_source(file.read_bytes(), limit=True)
    # Hypothesis's own are empty here, and sorted: otherwise a draw would depend on the order of a set.
    return providers._local_constants | constants
