"""The public names of the library, and what their import costs."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import armrest
from armrest.app.source_parameters import SourceParameters
from armrest.facade.options import PlanOptions

HEAVY = {"httpx", "numpy", "pandas", "polars", "prefect", "pyarrow", "pydantic", "sqlalchemy", "typer", "uvicorn"}
LISTING = Path(__file__).with_name("surface.txt")


def listing() -> str:
    """Every public name with its signature, one a line."""
    return "".join(f"{line}\n" for name in armrest.__all__ for line in _lines(name, getattr(armrest, name)))


def _lines(name: str, value: object) -> list[str]:
    if not isinstance(value, type):
        return [f"{name}{_signature(value)}"]
    if issubclass(value, BaseException):
        return [f"{name}({', '.join(base.__name__ for base in value.__bases__)})"]
    ours = [kind for kind in value.__mro__ if kind.__module__.startswith("armrest.facade.")]
    members = {member: it for kind in reversed(ours) for member, it in vars(kind).items() if not member.startswith("_")}
    annotated = dict.fromkeys(member for kind in ours for member in vars(kind).get("__annotations__", ()))
    names = sorted({**annotated, **members})
    return [name, *(f"{name}.{member}{_signature(members.get(member))}" for member in names)]


def _signature(value: object) -> str:
    """The names of the arguments; types are written in other words by each Python."""
    if not callable(value):
        return ""
    signature = inspect.signature(value)
    plain = [it.replace(annotation=inspect.Parameter.empty) for it in signature.parameters.values()]
    options = {
        it.annotation.__args__[0]
        for it in signature.parameters.values()
        if it.kind is it.VAR_KEYWORD and hasattr(it.annotation, "__args__")
    }
    names = "".join(f" {kind.__name__}: {', '.join(kind.__annotations__)}" for kind in options)
    return f"{inspect.Signature(plain)}{names}"


def test_a_change_of_the_public_names_is_seen() -> None:
    """After a change that is meant: `python -m tests.facade.test_surface`, and a line in the changelog."""
    assert listing() == LISTING.read_text(encoding="utf-8")


def test_the_public_names_are_sorted_and_all_there() -> None:
    assert armrest.__all__ == sorted(armrest.__all__)
    assert set(armrest.__all__) <= set(dir(armrest))


def test_every_function_has_a_twin_for_an_event_loop() -> None:
    functions = {name for name in armrest.__all__ if name.islower()} - {"connect"}
    waiting = {name for name in functions if not inspect.iscoroutinefunction(getattr(armrest, name))}

    assert functions - waiting == {f"a{name}" for name in waiting}
    for name in waiting:
        sync, twin = (inspect.signature(getattr(armrest, it)) for it in (name, f"a{name}"))
        assert sync == twin


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'palm'"):
        armrest.palm  # noqa: B018


def test_importing_the_library_loads_nothing_heavy() -> None:
    code = "import sys, armrest; dir(armrest); print(*{name.partition('.')[0] for name in sys.modules})"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert HEAVY & set(ended.stdout.split()) == set()


def test_a_plan_of_a_text_loads_neither_prefect_nor_what_reads_frames(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("customerNo,name\n10001,Kari\n", encoding="utf-8")
    code = (
        f"import sys, armrest; armrest.connect(home={str(tmp_path)!r}).plan('customers.csv', client_no=2218);"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)

    assert {"prefect", "pandas", "polars", "typer", "pyarrow", "numpy"} & set(ended.stdout.split()) == set()


def test_the_arguments_of_a_plan_are_the_flags_of_the_command() -> None:
    assert set(SourceParameters.model_fields) - {"source"} <= set(PlanOptions.__annotations__)


if __name__ == "__main__":
    LISTING.write_text(listing(), encoding="utf-8")
