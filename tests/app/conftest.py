import pytest


@pytest.fixture(autouse=True)
def _settings(set_up: None) -> None:
    """Every test here reads the environment of this process."""
