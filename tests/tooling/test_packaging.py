"""The wheel is the library; the command and the flows belong to the project, on a machine and in the image alike."""

import ast
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from email.parser import Parser
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deployments.launcher import shebang
from tests.conftest import Ended
from tests.tooling.venvs import all_but_the_project, make_venv, needed_by, run

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ENTRYPOINTS = sorted({one["entrypoint"] for one in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]})
SERVED_BY_THE_EXTRA = {"armrest.sandbox.asgi"}
IMPORT_ALL = """
import importlib, pkgutil, armrest
for one in pkgutil.walk_packages(armrest.__path__, "armrest."):
    try:
        importlib.import_module(one.name)
    except ModuleNotFoundError as error:
        print(one.name, error.name)
"""
LOAD = """
import sys
from prefect.flows import load_flow_from_entrypoint
for entrypoint in sys.argv[1:]:
    print(load_flow_from_entrypoint(entrypoint).name)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    words = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*words, "-w", folder, ROOT], check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def library(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the wheel and what the wheel asks for."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = Parser().parsestr(archive.read(name).decode())
    wanted = [Requirement(one) for one in metadata.get_all("Requires-Dist", [])]
    needed = needed_by(one for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""}))
    python = make_venv(tmp_path_factory.mktemp("library") / "venv", needed.values())
    words = ["-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel]
    subprocess.run([sys.executable, *words], check=True)
    return python


def test_the_wheel_holds_the_library_and_no_command(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"armrest"}
    assert "armrest/py.typed" in names
    assert not [name for name in names if name.endswith("entry_points.txt")]


def test_beside_another_project_there_is_armrest_and_nothing_else(library: Path, tmp_path: Path) -> None:
    asked = "from importlib.util import find_spec; print([n for n in ('armrest', 'tasks', 'flows', 'deployments', "
    ended = run(library, "-c", f"{asked}'tests', 'prefect', 'typer', 'uvicorn') if find_spec(n)])", folder=tmp_path)

    assert ended.stdout.strip() == "['armrest']"
    assert not library.with_name("armrest").exists()


def test_every_module_of_the_library_is_imported_without_prefect(library: Path, tmp_path: Path) -> None:
    ended = run(library, "-W", "error", "-c", IMPORT_ALL, folder=tmp_path)

    assert ended.stderr == ""
    assert {line.split()[0] for line in ended.stdout.splitlines()} == SERVED_BY_THE_EXTRA


def test_the_sandbox_without_the_extra_says_what_to_install(library: Path, tmp_path: Path) -> None:
    ended = run(library, "-c", "from armrest.sandbox import SandboxServer; SandboxServer()", folder=tmp_path)

    assert ended.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: the sandbox's server needs uvicorn: install armrest-flows[project]"
    )


def test_what_the_library_imports_is_what_it_asks_for() -> None:
    """Imports inside functions count too: no test of an import finds those."""
    asked_for = {canonicalize_name(Requirement(one).name) for one in PYPROJECT["dependencies"]}
    extra = {"fastapi", "starlette", "uvicorn", "opentelemetry-sdk"}  # imported if they are there
    owners = packages_distributions()
    used = {top for file in (ROOT / "armrest").rglob("*.py") for top in imported(file)}
    foreign = used - sys.stdlib_module_names - {"armrest", "compression"}

    assert {top for top in foreign if not {*map(canonicalize_name, owners[top])} & (asked_for | extra)} <= {
        "pydantic_core"  # pydantic's own other half
    }


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (one.name.partition(".")[0] for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that is /app in the image, made by the Dockerfile's own lines; the lock's packages are linked."""
    app = tmp_path_factory.mktemp("image") / "app"
    app.mkdir()
    for word, rest in instructions():
        if word == "COPY":
            *sources, _ = rest.split()
            for source in sources:
                copy(source, app)
        elif "requirements.lock" in rest:
            make_venv(app / "venv", all_but_the_project())
        else:
            command = rest.replace("/app/", f"{shlex.quote(str(app))}/")
            ended = run("bash", "-c", command, folder=app, PIP_NO_INDEX="1")
            assert ended.returncode == 0, ended.stderr
    return app


def instructions() -> Iterator[tuple[str, str]]:
    """The COPY and RUN of the Dockerfile's first stage."""
    stage = (ROOT / "Dockerfile").read_text().split("\nFROM ")[1].replace("\\\n", " ")
    for line in stage.splitlines()[1:]:
        word, _, rest = line.partition(" ")
        if word in {"COPY", "RUN"}:
            yield word, rest


def copy(source: str, app: Path) -> None:
    assert f"!{source}" in (ROOT / ".dockerignore").read_text().splitlines()
    if (ROOT / source).is_dir():
        shutil.copytree(ROOT / source, app / source, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(ROOT / source, app / source)


def in_image(image: Path, *words: str | Path, folder: Path, **variables: str) -> Ended:
    ended = run(*words, folder=folder, PATH=f"{image}/venv/bin:/usr/bin:/bin", **variables)
    return Ended(ended.returncode, ended.stdout, ended.stderr)


ONE_CLIENT = {"ARMREST_CLIENTS": "2218"}


def test_in_the_image_the_command_runs_anywhere(image: Path, settings: Mapping[str, str], tmp_path: Path) -> None:
    ended = in_image(
        image,
        image / "venv/bin/armrest",
        "doctor",
        folder=tmp_path,
        **settings,
        **ONE_CLIENT,
        PREFECT_HOME=str(tmp_path / "prefect"),
    )

    assert ended.exit_code == 0, ended.out + ended.err
    assert f"armrest-flows {PYPROJECT['version']}" in ended.out
    assert "✗" not in ended.out


def test_in_the_image_every_entrypoint_of_prefect_yaml_is_loaded_anywhere(image: Path, tmp_path: Path) -> None:
    python = image / "venv/bin/python"
    ended = in_image(image, python, "-c", LOAD, *ENTRYPOINTS, folder=tmp_path, PREFECT_HOME=str(tmp_path / "prefect"))
    where = in_image(
        image, python, "-c", "import flows, armrest; print(flows.__file__, armrest.__file__)", folder=tmp_path
    )

    assert ended.out.split() == [one.rpartition(".")[2].replace("_", "-") for one in ENTRYPOINTS], ended.err
    assert where.out.split() == [f"{image}/flows/__init__.py", f"{image}/armrest/__init__.py"]


def test_an_interpreter_outside_a_virtual_environment_is_left_alone(tmp_path: Path) -> None:
    system = Path(sys.base_prefix, "bin", "python3")
    ended = run(system, "-m", "deployments.launcher", folder=ROOT)

    assert ended.returncode == 2
    assert "is not in a virtual environment: run `make setup`" in ended.stderr


@pytest.mark.parametrize("name", ["venv", "venv of mine", "v" * 130], ids=["short", "with blanks", "long"])
def test_the_command_runs_wherever_the_environment_lies(name: str, tmp_path: Path) -> None:
    """The system reads an interpreter's path up to a blank, and 127 bytes of it."""
    folder = tmp_path / name / "bin"
    folder.mkdir(parents=True)
    (folder / "python").symlink_to(sys.executable)
    script = folder / "command"
    script.write_text(f"{shebang(str(folder / 'python'))}\nimport sys\nprint(*sys.argv[1:], sep='|')\n")
    script.chmod(0o755)

    assert run(script, "a b", "æ", folder=tmp_path).stdout == "a b|æ\n"
