"""A SAF-T file in a bucket: what follows its customers stays there, and what is replaced meanwhile is refused."""

import gzip
import io
import random
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
import s3fs

from armrest.intake import InputRefused, Policy, open_source
from tests.intake.formats.test_saft_table import END, MOST_BEYOND, START, customers

ADDRESS = "s3://inbox/saf-t"
COUNT = 3000


def transactions(size: int) -> Iterator[bytes]:
    """Transactions that hardly become smaller when they are compressed."""
    yield b"</n1:MasterFiles><n1:GeneralLedgerEntries>"
    digits = random.Random(1)
    for _ in range(size // 1000):
        yield (
            b"<n1:Transaction><n1:TransactionID>%s</n1:TransactionID></n1:Transaction>"
            % digits.randbytes(500).hex().encode()
        )
    yield b"</n1:GeneralLedgerEntries></n1:AuditFile>"


@cache
def saft_file() -> bytes:
    return b"".join([START, *customers(COUNT), *transactions(6_000_000)])


def as_it_is(file: bytes) -> bytes:
    return file


def zipped(file: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as opened:
        opened.writestr("saf-t.xml", file)
    return archive.getvalue()


def gzipped(file: bytes) -> bytes:
    return gzip.compress(file, 1)


@pytest.fixture
def fetched(s3: None, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The bytes of each answer of S3 that has some of an object's content."""
    sizes: list[int] = []
    call = s3fs.S3FileSystem._call_s3

    async def counted(system: s3fs.S3FileSystem, method: str, *args: Any, **kwargs: Any) -> Any:
        answer = await call(system, method, *args, **kwargs)
        if method == "get_object":
            sizes.append(answer["ContentLength"])
        return answer

    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", counted)
    s3fs.S3FileSystem().mkdir("inbox")
    return sizes


def put(content: bytes) -> None:
    s3fs.S3FileSystem().pipe("inbox/saf-t", content)


@pytest.mark.parametrize("duplicates", ["error", "first"])
@pytest.mark.parametrize("packed", [as_it_is, gzipped, zipped])
def test_of_a_saf_t_file_in_a_bucket_hardly_more_than_its_customers_is_fetched_and_only_once(
    fetched: list[int], packed: Callable[[bytes], bytes], duplicates: str
) -> None:
    file = packed(saft_file())
    put(file)

    source = open_source(ADDRESS, policy=Policy(duplicates="first" if duplicates == "first" else "error"))
    numbers = [customer["customerNo"] for block in source.blocks() for customer in block.customers]

    assert numbers == [f"{number:05}" for number in range(COUNT)]
    assert sum(fetched) < saft_file().index(END) + MOST_BEYOND
    assert len(file) > 2 * sum(fetched)


@pytest.mark.parametrize("size", [2_000_000, 6_000_000], ids=["a shorter one", "one of the same size"])
def test_a_saf_t_file_that_is_replaced_while_it_is_read_is_refused_by_its_etag(fetched: list[int], size: int) -> None:
    put(saft_file())
    blocks = open_source(ADDRESS).blocks()
    next(blocks)

    put(b"".join([START, *customers(COUNT - 1), *customers(1), *transactions(size)]))

    with pytest.raises(InputRefused, match=r"saf-t: it changed while it was read") as refused:
        list(blocks)
    assert refused.value.code == "changed-while-read"


def test_another_large_file_in_a_bucket_is_fetched_whole_and_may_be_replaced_then(fetched: list[int]) -> None:
    lines = b"customerNo,name\n" + b"".join(b"%06d,Testfirma Fjord AS\n" % number for number in range(80_000))
    put(lines)
    source = open_source(ADDRESS)

    put(b"customerNo,name\n1,A\n")

    assert sum(block.rows for block in source.blocks()) == 80_000
    assert sum(fetched) < len(lines) + MOST_BEYOND
