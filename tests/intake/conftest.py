from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from armrest.intake import Policy, Source, open_source, parse_mapping
from armrest.model import FileReading
from tests.intake.customers import TODAY


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., Source]:
    """Opens what is given as a file; `mapping` is YAML."""

    def opened(
        content: str | bytes, name: str = "customers.csv", *, mapping: str | None = None, **options: Any
    ) -> Source:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        if mapping is not None:
            options["mapping"], faults = parse_mapping(mapping)
            assert not faults
        policy = replace(options.pop("policy", Policy()), today=TODAY)
        reading = FileReading(**{name: options.pop(name) for name in FileReading.model_fields if name in options})
        return open_source(str(path), reading=reading, policy=policy, **options)

    return opened
