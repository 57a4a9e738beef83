"""In a deployment a source comes from the inbox, and no path, link or address leads anywhere else."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from armrest.intake import InputRefused, Places, open_source
from armrest.intake.locations.allowed_places import open_within
from tests.intake.reading import read

CSV = "customerNo,name\n1,Kari\n"
SECRET = "customerNo,name\n666,Secret\n"


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    (folder / "parts").mkdir(parents=True)
    for name in ("customers.csv", "parts/1.csv", "parts/2.csv"):
        (folder / name).write_text(CSV.replace("1", name[6:7] if "parts" in name else "1"))
    return folder


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A well-formed customer file that nobody has put into the inbox."""
    (tmp_path / "elsewhere").mkdir()
    path = tmp_path / "elsewhere" / "secret.csv"
    path.write_text(SECRET)
    return path


def opened(source: str, places: Places) -> list[str]:
    """Read a source, and return its customer numbers."""
    return [customer["customerNo"] for customer in read(open_source(source, places=places))[0]]


def refused(source: str, places: Places) -> InputRefused:
    with pytest.raises(InputRefused) as error:
        opened(source, places)
    assert "666" not in error.value.message
    return error.value


ALLOWED = {
    "a plain name": ("customers.csv", ["1"]),
    "a folder of the inbox": ("parts", ["1", "2"]),
    "a file in it": ("parts/2.csv", ["2"]),
    "a glob": ("parts/*.csv", ["1", "2"]),
    "a way around": ("parts/../customers.csv", ["1"]),
}


@pytest.mark.parametrize(("source", "numbers"), ALLOWED.values(), ids=ALLOWED)
def test_what_lies_in_the_inbox_is_read(inbox: Path, source: str, numbers: list[str]) -> None:
    places = Places(inbox=inbox)

    assert opened(source, places) == numbers
    assert opened(str(inbox / source), places) == numbers
    assert opened(places.located(source), places) == numbers


def leads_out(inbox: Path, secret: Path) -> Iterator[tuple[str, str]]:
    yield "an absolute path", str(secret)
    yield "a password file", "/etc/passwd"
    yield "a path through ..", "../elsewhere/secret.csv"
    yield "a path through .. and back", str(inbox / ".." / "elsewhere" / "secret.csv")
    yield "a glob elsewhere", str(secret.parent / "*.csv")
    yield "a glob through ..", "../elsewhere/*.csv"
    yield "a folder elsewhere", str(secret.parent)
    yield "a folder whose name begins alike", str(inbox) + "-old/customers.csv"
    yield "a home", "~/secret.csv"
    yield "standard input", "-"
    yield "a device", "/dev/stdin"
    yield "an address of a file", f"file://{secret}"
    yield "an address of a file in the inbox", f"file://{inbox}/customers.csv"
    yield "a chained address", f"simplecache::file://{secret}"
    yield "another host", "http://169.254.169.254/latest/meta-data"
    (inbox / "link.csv").symlink_to(secret)
    yield "a link", "link.csv"
    (inbox / "far").symlink_to(secret.parent)
    yield "a link to a folder", "far/secret.csv"
    yield "a glob behind a link", "far/*.csv"
    yield "a linked folder as a whole", "far"
    (inbox / "broken.csv").symlink_to(secret.parent / "none.csv")
    yield "a link to nothing elsewhere", "broken.csv"
    os.link(secret, inbox / "hard.csv")
    yield "a hard link", "hard.csv"
    yield "a glob that meets a link", "lin*.csv"
    yield "the whole inbox, links among it", "."
    os.mkfifo(inbox / "pipe.csv")
    yield "a pipe", "pipe.csv"
    yield "no name that a file can have", "custo\0mers.csv"


def test_nothing_leads_out_of_the_inbox(inbox: Path, secret: Path) -> None:
    (inbox.parent / "inbox-old").mkdir()
    (inbox.parent / "inbox-old" / "customers.csv").write_text(SECRET)
    results: dict[str, object] = {}
    for name, source in leads_out(inbox, secret):
        try:
            results[name] = opened(source, Places(inbox=inbox))
        except InputRefused as refusal:
            results[name] = refusal.code

    looked_for_in_the_inbox = dict.fromkeys(("a home", "standard input"), "no-such-file")
    assert results == dict.fromkeys(results, "outside-inbox") | looked_for_in_the_inbox


def test_a_refusal_lists_what_lies_in_the_inbox(inbox: Path) -> None:
    (inbox / ".hidden").touch()
    elsewhere, missing = refused("/etc/passwd", Places(inbox=inbox)), refused("custmers.csv", Places(inbox=inbox))

    assert elsewhere.code == "outside-inbox"
    assert f"the inbox {inbox} holds customers.csv, parts/" in elsewhere.message
    assert missing.code == "no-such-file"
    assert "holds customers.csv, parts/" in missing.message
    assert ".hidden" not in elsewhere.message
    for number in range(30):
        (inbox / f"a{number:02}.csv").touch()
    assert "a19.csv and 12 more" in refused("/etc/passwd", Places(inbox=inbox)).message
    assert "no inbox is set (ARMREST_INBOX)" in refused("customers.csv", Places()).message


def test_a_refusal_does_not_say_whether_a_file_elsewhere_exists(inbox: Path, secret: Path) -> None:
    there = refused(str(secret), Places(inbox=inbox)).message
    not_there = refused(str(secret.parent / "nobody.csv"), Places(inbox=inbox)).message

    assert there.replace("secret.csv", "") == not_there.replace("nobody.csv", "")


def test_a_link_that_stays_in_the_inbox_is_followed(inbox: Path) -> None:
    (inbox / "current.csv").symlink_to(inbox / "parts" / "2.csv")

    assert opened("current.csv", Places(inbox=inbox)) == ["2"]


def test_a_file_is_checked_each_time_that_it_is_opened(inbox: Path, secret: Path) -> None:
    """It is opened several times: for its format, its encoding, its rows. A link may take its place in between."""
    source = open_source("customers.csv", places=Places(inbox=inbox))
    (inbox / "customers.csv").unlink()
    (inbox / "customers.csv").symlink_to(secret)

    with pytest.raises(InputRefused, match="none that a link leads to elsewhere"):
        read(source)


def test_a_link_that_changes_all_the_time_never_gives_anything_else(inbox: Path, secret: Path) -> None:
    """A folder in the path is, by turns, one of the inbox and a link out of it."""
    ours = inbox / "turn"
    (inbox / "real").mkdir()
    (inbox / "real" / "secret.csv").write_text(CSV)
    stop = threading.Event()

    def turn() -> None:
        while not stop.is_set():
            for target in (inbox / "real", secret.parent):
                fresh = inbox / "fresh"
                fresh.symlink_to(target)
                fresh.replace(ours)

    turning = threading.Thread(target=turn)
    turning.start()
    texts, refusals = set(), 0
    try:
        for _ in range(2_000):
            try:
                with open_within(ours / "secret.csv", inbox) as file:
                    texts.add(file.read().decode())
            except Exception:  # noqa: BLE001  a path that changes under it may fail in many ways
                refusals += 1
    finally:
        stop.set()
        turning.join()

    assert texts <= {CSV}
    assert refusals


PREFIXES = ("memory://exports/2218/", "s3://bucket/in/")


@pytest.fixture
def stored() -> Iterator[None]:
    store = fsspec.filesystem("memory")
    for path, text in {"2218/x.csv": CSV, "secret.csv": SECRET, "2218-old/x.csv": SECRET}.items():
        with store.open(f"/exports/{path}", "w") as file:
            file.write(text)
    yield
    store.rm("/exports", recursive=True)


def test_an_address_begins_with_one_that_is_allowed(stored: None, inbox: Path) -> None:
    places = Places(inbox=inbox, prefixes=PREFIXES)

    assert opened("memory://exports/2218/x.csv", places) == ["1"]
    for source in (
        "memory://exports/secret.csv",
        "memory://exports/2218/../secret.csv",
        "memory://exports/2218/%2e%2e/secret.csv",
        "memory://exports/2218-old/x.csv",
        "MEMORY://exports/2218/x.csv",
        "memory://exports/2218/x.csv::memory://exports/secret.csv",
        "simplecache::memory://exports/2218/x.csv",
    ):
        refusal = refused(source, places)
        assert refusal.code == "outside-inbox"
        assert "begins with memory://exports/2218/ or s3://bucket/in/" in refusal.message


def test_a_prefix_may_be_a_further_folder(inbox: Path, tmp_path: Path, secret: Path) -> None:
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "x.csv").write_text(CSV)
    (exports / "link.csv").symlink_to(secret)
    places = Places(inbox=inbox, prefixes=(f"{exports}/",))

    assert opened(str(exports / "x.csv"), places) == ["1"]
    assert refused(str(exports / "link.csv"), places).code == "outside-inbox"
    assert refused(str(tmp_path / "exports-old.csv"), places).code == "outside-inbox"


MAPPING = "columns:\n  Kundenr: customerNo\n"


@pytest.fixture
def mappings(tmp_path: Path) -> Path:
    folder = tmp_path / "mappings"
    folder.mkdir()
    (folder / "crm.yaml").write_text(MAPPING, encoding="utf-8-sig")
    (folder / "link.yaml").symlink_to("/etc/passwd")
    return folder


def test_a_mapping_comes_from_its_own_folder(mappings: Path) -> None:
    places = Places(mappings=mappings)

    assert places.mapping_text("crm.yaml") == MAPPING
    assert places.mapping_text(str(mappings / "crm.yaml")) == MAPPING


@pytest.mark.parametrize(
    "mapping", ["/etc/passwd", "../inbox/evil.yaml", "link.yaml", "none.yaml", "", ".", "~/crm.yaml", "cr\0m.yaml"]
)
def test_no_other_mapping_is_read_and_those_that_may_be_are_listed(mappings: Path, mapping: str, inbox: Path) -> None:
    (inbox / "evil.yaml").write_text(MAPPING)
    with pytest.raises(InputRefused, match=r"holds crm\.yaml, link\.yaml") as error:
        Places(inbox=inbox, mappings=mappings).mapping_text(mapping)

    assert error.value.code == "bad-mapping"
    assert "root:" not in error.value.message


def test_without_a_folder_of_mappings_none_is_read(inbox: Path) -> None:
    with pytest.raises(InputRefused, match="the folder of ARMREST_MAPPINGS, which is not set"):
        Places(inbox=inbox).mapping_text("customers.csv")
