"""Tests with generated examples have the same ones in every run; `make test-random` draws others, by its seed."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DRAWING = """
import json, sys
from hypothesis import given, seed, settings, strategies as st
from tests import generated

generated.load_profile()
for module in sys.argv[2:]:
    __import__(module)
drawn = []

@settings(max_examples=generated.examples(500))
@given(st.text(max_size=20), st.integers())
def draw(text, number):
    drawn.append([text, number])

seed(int(sys.argv[1]))(draw)() if sys.argv[1] else draw()
assert settings.default.database is None
print(json.dumps(drawn))
"""


def drawn(tmp_path: Path, *modules: str, hash_seed: int, seed: str = "", **variables: str) -> list[list[str | int]]:
    script = tmp_path / "drawing.py"
    script.write_text(DRAWING, encoding="utf-8")
    given = {name: value for name, value in os.environ.items() if name not in {"RANDOM_EXAMPLES", "CI"}}
    environment = given | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(hash_seed)} | variables
    command = [sys.executable, str(script), seed, *modules]
    output = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
    return json.loads(output)  # type: ignore[no-any-return]


def test_the_examples_are_the_same_in_every_run_whatever_is_imported_and_wherever(tmp_path: Path) -> None:
    plain = drawn(tmp_path, hash_seed=1)

    assert len(plain) >= 500
    assert drawn(tmp_path, "armrest.intake", hash_seed=2, CI="true") == plain


def test_random_examples_are_those_of_their_seed_whatever_is_imported(tmp_path: Path) -> None:
    first = drawn(tmp_path, hash_seed=1, seed="1", RANDOM_EXAMPLES="2")

    assert drawn(tmp_path, "armrest.intake", hash_seed=2, seed="1", RANDOM_EXAMPLES="2") == first
    assert drawn(tmp_path, hash_seed=1, seed="2", RANDOM_EXAMPLES="2") != first
    assert len(first) >= 1000
    words = [text for text, _ in first if re.search("[a-z]{6}", str(text))]  # letters drawn at random make none
    assert words, "none of the words in our code"


def test_no_test_has_a_number_of_examples_that_make_test_random_cannot_multiply() -> None:
    files = {file: file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("*.py")}
    own = [
        f"{file.relative_to(ROOT)}: {match.group()}"
        for file, text in files.items()
        if file.name not in {"generated.py", "test_generated.py"}
        for match in re.finditer(r"max_examples=(?!examples\()|derandomize=|deadline=None|load_profile\(\"", text)
    ]

    assert own == []
