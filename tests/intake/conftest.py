from collections.abc import Callable
from pathlib import Path

import pytest

from armrest.intake import Source, open_source
from tests.intake.customers import TODAY


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., Source]:
    """Opens what is given as a file."""

    def opened(content: str | bytes, name: str = "customers.csv", **options: str) -> Source:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return open_source(str(path), today=TODAY, **options)

    return opened
