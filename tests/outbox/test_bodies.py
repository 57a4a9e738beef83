"""Bodies: exactly what was put in comes out, or nothing."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from armrest.outbox import BodyUnusable
from armrest.outbox.bodies import BodyRef, BodyStore
from tests.file_trouble import synced_sizes


@pytest.fixture(params=["a folder", "file://", "memory://"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BodyStore:
    urls = {"a folder": str(tmp_path), "file://": tmp_path.as_uri(), "memory://": f"memory://{tmp_path.name}"}
    return BodyStore(urls[request.param])


def written(store: BodyStore, *bodies: bytes) -> list[BodyRef]:
    with store.writer("run") as writer:
        return [writer.write(body) for body in bodies]


def names(refs: Sequence[BodyRef]) -> list[str]:
    """Return the numbers of the files, without the mark of who wrote them."""
    return [ref.file.removeprefix("run/").split("-")[0] for ref in refs]


def test_each_body_is_found_by_where_it_lies(store: BodyStore) -> None:
    bodies = [b"one", "åtte".encode(), b"", b"three"]

    refs = written(store, *bodies)

    assert [store.read(ref) for ref in refs] == bodies
    assert names(refs) == ["00000"] * 4


def test_a_second_writer_overwrites_nothing(store: BodyStore) -> None:
    [first], [second] = written(store, b"one"), written(store, b"two")

    assert (store.read(first), store.read(second)) == (b"one", b"two")


def test_two_writers_that_begin_at_the_same_moment_overwrite_nothing(store: BodyStore) -> None:
    written(store, b"plan")
    with store.writer("run") as one, store.writer("run") as other:
        refs = one.write(b"one"), other.write(b"two")

    assert [store.read(ref) for ref in refs] == [b"one", b"two"]


def test_a_full_file_is_followed_by_another(store: BodyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("armrest.outbox.bodies.FILE_BYTES", 5)

    refs = written(store, b"one", b"two", b"three")

    assert names(refs) == ["00000", "00000", "00001"]
    assert [store.read(ref) for ref in refs] == [b"one", b"two", b"three"]


def test_a_folder_is_removed_with_all_its_bodies_and_again(store: BodyStore) -> None:
    [ref] = written(store, b"one")

    store.remove("run")
    store.remove("run")

    with pytest.raises(BodyUnusable, match=r"^the body in run/00000-\w+\.bodies is gone: send from the source again$"):
        store.read(ref)


def test_a_body_that_is_not_the_planned_one_is_not_given_out(tmp_path: Path) -> None:
    store = BodyStore(str(tmp_path))
    [ref] = written(store, b'{"customers":[1]}')
    file = tmp_path / ref.file
    file.write_bytes(file.read_bytes().replace(b"1", b"2"))

    with pytest.raises(BodyUnusable, match="is not the one that was planned: nothing of it is sent"):
        store.read(ref)


def test_a_body_that_was_cut_off_is_not_given_out(tmp_path: Path) -> None:
    store = BodyStore(str(tmp_path))
    [ref] = written(store, b"one and a half")
    (tmp_path / ref.file).write_bytes(b"one")

    with pytest.raises(BodyUnusable, match="is not the one that was planned"):
        store.read(ref)


def test_a_local_body_is_on_the_disk_once_its_writer_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with synced_sizes(monkeypatch) as synced:
        [ref] = written(BodyStore(str(tmp_path / "new" / "bodies")), b"one")

    file = tmp_path / "new" / "bodies" / ref.file
    assert synced[file] == len(b"one")
    assert {file.parent, file.parent.parent, file.parent.parent.parent} <= synced.keys()
