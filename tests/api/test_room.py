"""The room's door: what it exports, and what opening it costs."""

import subprocess
import sys

import pytest

from armrest import api


def test_the_list_of_names_is_sorted_and_true() -> None:
    assert len(set(api.__all__)) == len(api.__all__)
    assert all(getattr(api, name) is not None for name in api.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'ArmClint'"):
        api.ArmClint  # noqa: B018


def test_reading_a_file_needs_no_httpx() -> None:
    asked = "import sys; from armrest.api import ArmError, mask; sys.exit('httpx' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0
