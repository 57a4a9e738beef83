"""`make demo-files`: ten awkward customer files, as a user sees them. Nothing is sent, and no server is needed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

KINDS: Final = Path(__file__).parent / "kinds"
COMMAND: Final = Path(sys.executable).parent / "armrest"
STOPS: Final = (
    ("A list that ends with a sum", "01-totals-row/med-sum.csv", "mapping.yaml"),
    ("Two exports joined, with a header in the middle", "02-repeated-header/januar-og-februar.csv", "mapping.yaml"),
    ('A system that writes ="0010" for Excel', "03-formula-text/eksport.csv", "mapping.yaml"),
    ("Customer numbers that became decimals", "04-float-numbers/from_pandas.csv", "init"),
    ("Country names", "06-country-names/land.csv", "init"),
    ("Titles above the header", "07-header-below-title/tittel.csv", "init"),
    ("A second table below the customers", "08-second-table/leverandorer.csv", "mapping.yaml"),
    ("Birth numbers in free text", "14-birth-numbers/fritekst.csv", ""),
    ("NULL, nan and - for no value", "15-placeholders/null.csv", "null.yaml"),
    ("A stray quote that swallowed a row", "16-stray-quote/svelget.csv", ""),
)
"""What the file is, where it is, and its mapping: a file beside it, or `init` to let the command suggest one."""


def main() -> None:
    """Show each file, the commands a user types, and their output."""
    with TemporaryDirectory() as home:
        folder = Path(home)
        for number, (title, file, mapping) in enumerate(STOPS, start=1):
            _show(number, title, KINDS / file, mapping, folder)
    sys.stdout.write("\nAll kinds of files, and what to type for each: docs/files.md\n")


def _show(number: int, title: str, file: Path, mapping: str, folder: Path) -> None:
    shutil.copy(file, folder / file.name)
    _say(f"\n── {number}. {title} {'─' * (70 - len(title))}")
    _say(
        "\n".join(
            f"  {line}" for line in file.read_bytes().decode("cp1252" if _is_ansi(file) else "utf-8").splitlines()
        )
    )
    arguments = ["check", file.name]
    if mapping == "init":
        rules = f"{file.stem}.yaml"
        _run(["check", file.name], folder)
        _run(["mapping", "init", file.name, "-o", rules], folder)
        arguments += ["--mapping", rules]
    elif mapping:
        shutil.copy(file.parent / mapping, folder / "kunder.yaml")
        arguments += ["--mapping", "kunder.yaml"]
    _run(arguments, folder)


def _is_ansi(file: Path) -> bool:
    try:
        file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return True
    return False


def _run(arguments: list[str], folder: Path) -> None:
    _say(f"\n$ armrest {' '.join(arguments)}")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ARMREST_", "PREFECT_"))}
    environment["ARMREST_HOME"] = str(folder / "home")
    ended = subprocess.run(
        [str(COMMAND), *arguments], cwd=folder, env=environment, check=False, text=True, capture_output=True
    )
    _say((ended.stdout + ended.stderr).rstrip())


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
