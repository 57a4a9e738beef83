from random import Random

import pytest

from armrest.sandbox import Sandbox
from tests.sandbox.asking import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Sandbox:
    return Sandbox(now=clock, random=Random(1), keep_bodies=True)
