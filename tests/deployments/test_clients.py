"""`make deploy` and `make up` want to know which clients may be touched."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from deployments.local_stack import LocalStack, client_numbers
from tests.conftest import plain_environment

ROOT = Path(__file__).parents[2]


@pytest.mark.xdist_group("prefect-flows")
def test_nothing_is_deployed_until_somebody_names_the_clients(prefect_server: Mapping[str, str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "deployments.deploy"],
        cwd=ROOT,
        env=plain_environment() | dict(prefect_server),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 2
    assert "no client is named that runs may touch: `make deploy CLIENTS=2218,2219`" in ended.stderr
    assert ended.stdout == ""


def test_make_up_names_the_sample_s_client_unless_others_are_given(tmp_path: Path) -> None:
    assert LocalStack(tmp_path).environment()["ARMREST_CLIENTS"] == "2218"
    assert LocalStack(tmp_path, 4200, client_numbers("2218, 2219")).environment()["ARMREST_CLIENTS"] == "2218,2219"


@pytest.mark.parametrize("text", ["all", "0", "2218;2219"])
def test_what_is_no_list_of_clients_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  argparse tells it
        client_numbers(text)
