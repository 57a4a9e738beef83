"""Several processes read a source as one does: the same blocks, in the same order, with the same refusals."""

import os
import pickle
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from armrest.intake import Block, InputRefused, Policy, Source, open_source
from armrest.intake.formats.table import Chunk
from armrest.intake.parallel.chunk_codec import decode, encode
from armrest.intake.parallel.worker_pool import AHEAD, WAITING, WorkerLost, WorkerPool
from armrest.sandbox import write_sample
from tests.intake.customers import TODAY

KEY = b"a key of the ledger"
HEADER = "customerNo;name\n"


@pytest.fixture(scope="module")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("crew") / "customers.csv"
    write_sample(path, customers=6000, wrong=0.02)
    return path


def opened(path: Path, **policy: object) -> Source:
    return open_source(str(path), policy=Policy(today=TODAY, **policy))  # type: ignore[arg-type]


def told_by(source: Source, *, processes: int) -> tuple[list[Block], str]:
    """Its blocks, and what refused it."""
    blocks = []
    try:
        for block in source.sealed_blocks(KEY, processes=processes):
            blocks.append(block)  # noqa: PERF402  what came before a refusal counts
    except InputRefused as refusal:
        return blocks, f"{refusal.code} {refusal.rows}: {refusal.message}"
    return blocks, ""


def small_chunks(source: Source) -> Iterator[Chunk]:
    """Its rows by five hundred: more chunks than a worker takes at a time."""
    for chunk in source._chunks():
        for at in range(0, len(chunk), 500):
            yield Chunk(chunk.first_row + at, [column[at : at + 500] for column in chunk.columns])


def test_two_processes_make_the_blocks_that_one_makes(customers: Path) -> None:
    blocks, refusal = told_by(opened(customers), processes=2)

    assert (blocks, refusal) == told_by(opened(customers), processes=1)
    assert len(blocks) > 2
    assert sum(len(block.sealed) for block in blocks) > 5800


@pytest.mark.parametrize("policy", ["first", "last", "merge"])
def test_duplicates_are_resolved_alike(tmp_path: Path, policy: str) -> None:
    path = tmp_path / "customers.csv"
    path.write_text(HEADER + "".join(f"{number % 20_000};Kari Nordmann\n" for number in range(1, 20_011)))

    blocks, refusal = told_by(opened(path, duplicates=policy), processes=2)

    assert (blocks, refusal) == told_by(opened(path, duplicates=policy), processes=1)
    assert [found.code for block in blocks for found in block.warnings].count("duplicate-left-out") == 10


def test_duplicates_are_found_across_the_parts_of_a_folder(tmp_path: Path) -> None:
    for part in range(4):
        rows = "".join(f"{part}-{number};Kari Nordmann\n" for number in range(500))
        (tmp_path / f"part-{part}.csv").write_text(HEADER + rows + ("0-7;Ola Nordmann\n" if part == 3 else ""))

    _, refusal = told_by(opened(tmp_path), processes=2)

    assert "customerNo 0-7 is in rows part-0.csv:9 and part-3.csv:502" in refusal


@pytest.mark.parametrize(
    ("row", "code"),
    [("20;Kari;Storgata 1", "ragged"), ('20;"Kari', "quote"), ("10000;Kari", "duplicate-customer-no")],
    ids=["ragged", "open quote", "twice"],
)
def test_what_is_refused_is_refused_alike_after_the_same_blocks(tmp_path: Path, row: str, code: str) -> None:
    path = tmp_path / "customers.csv"
    rows = (f"{number};Kari Nordmann\n" for number in range(10_000, 40_000))
    path.write_text(HEADER + "".join(rows) + row + "\n")

    blocks, refusal = told_by(opened(path), processes=2)

    assert refusal.startswith(code)
    assert (blocks, refusal) == told_by(opened(path), processes=1)


def test_a_half_address_in_a_part_is_told_with_the_name_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("customerNo;addressLine1\n1;\n")
    (tmp_path / "b.csv").write_text("customerNo;addressLine1\n2;Storgata 1\n")

    _, refusal = told_by(opened(tmp_path), processes=2)

    assert "row b.csv:2 fills addressLine1" in refusal


@pytest.mark.parametrize(
    "cell",
    ["æ\n", None, "x" * 70_000, "\ud83d", "\0", ""],
    ids=["text", "nothing", "long", "half a pair", "NUL", "blank"],
)
def test_a_chunk_is_handed_over_as_it_is(cell: str | None) -> None:
    chunk = Chunk(17, [["1", "2"], ["", cell]])

    assert decode(pickle.loads(pickle.dumps(encode(chunk)))) == chunk


def test_while_its_workers_have_enough_to_do_the_first_process_makes_blocks_too(customers: Path) -> None:
    source = opened(customers)
    alone = [source._reader.read(chunk) for chunk in small_chunks(source)]
    made_here: list[int] = []

    def here(chunk: Chunk) -> Block:
        made_here.append(chunk.first_row)
        os.kill(crew._workers[0].process.pid, signal.SIGCONT)
        return source._reader.read(chunk)

    with WorkerPool(2, source._spec, key=KEY, build=here) as crew:
        os.kill(crew._workers[0].process.pid, signal.SIGSTOP)
        blocks = list(crew.read(small_chunks(source)))

    assert made_here[0] == 2 + sum(block.rows for block in alone[:AHEAD])
    assert [block.row_numbers for block in blocks] == [block.row_numbers for block in alone]


def test_it_makes_several_while_a_worker_is_not_there_yet_and_holds_a_bounded_number_of_them(customers: Path) -> None:
    source = opened(customers)
    made_here = 0

    def here(chunk: Chunk) -> Block:
        nonlocal made_here
        made_here += 1
        if made_here == WAITING - AHEAD:
            os.kill(crew._workers[0].process.pid, signal.SIGCONT)
        return source._reader.read(chunk)

    with WorkerPool(2, source._spec, key=KEY, build=here) as crew:
        os.kill(crew._workers[0].process.pid, signal.SIGSTOP)
        next(crew.read(small_chunks(source)))

        assert made_here in {WAITING - AHEAD, WAITING - AHEAD + 1}


def test_a_refusal_by_the_first_process_comes_after_the_blocks_before_it(customers: Path) -> None:
    source = opened(customers)

    def here(chunk: Chunk) -> Block:
        os.kill(crew._workers[0].process.pid, signal.SIGCONT)
        raise InputRefused("no", code="none")

    with WorkerPool(2, source._spec, key=KEY, build=here) as crew:
        os.kill(crew._workers[0].process.pid, signal.SIGSTOP)
        reading = crew.read(small_chunks(source))
        before = [next(reading) for _ in range(AHEAD)]

        with pytest.raises(InputRefused, match="no"):
            next(reading)

    assert [block.row_numbers[0] for block in before] == sorted(block.row_numbers[0] for block in before)


def test_a_worker_that_is_killed_ends_the_reading_with_one_line(customers: Path) -> None:
    source = opened(customers)
    with WorkerPool(2, source._spec, key=KEY, build=source._reader.read) as crew:
        os.kill(crew._workers[0].process.pid, signal.SIGKILL)

        with pytest.raises(WorkerLost, match=r"a planning process has ended \(-9\)"):
            list(crew.read(source._chunks()))


def test_no_worker_is_left_when_the_reading_is_broken_off(customers: Path) -> None:
    source = opened(customers)
    with WorkerPool(3, source._spec, key=KEY, build=source._reader.read) as crew:
        next(crew.read(source._chunks()))

    assert [worker.process.returncode for worker in crew._workers] == [0, 0]
