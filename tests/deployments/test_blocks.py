"""`make deploy` registers every block that the project has."""

from prefect.blocks.core import Block

import tasks.blocks
from deployments.blocks import BLOCKS


def test_every_block_of_the_project_is_registered() -> None:
    public = (getattr(tasks.blocks, name) for name in tasks.blocks.__all__)

    assert set(BLOCKS) == {item for item in public if isinstance(item, type) and issubclass(item, Block)}
