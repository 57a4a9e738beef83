"""What a source gives, in a form that tests compare."""

from typing import Any

from armrest.intake import Source


def read(source: Source) -> tuple[list[dict[str, Any]], list[tuple[int, str, str]]]:
    """The customers, and the rejects as rows."""
    blocks = list(source.blocks())
    assert all(block.rows == len(block.customers) + len(block.rejects) for block in blocks)
    assert all(len(block.row_numbers) == len(block.customers) for block in blocks)
    return (
        [dict(one) for block in blocks for one in block.customers],
        [(reject.row, reject.field, reject.code) for block in blocks for reject in block.rejects],
    )


def warnings(source: Source) -> list[tuple[int, str, str]]:
    return [(found.row, found.field, found.code) for block in source.blocks() for found in block.warnings]
