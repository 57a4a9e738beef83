"""An outage is not a fault of the source: it is told apart from what a user must correct."""

import errno
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from armrest.intake import Database, InputRefused, SourceUnavailable, open_source
from armrest.intake.locations.outage import is_outage
from tests.ports import NOBODY


def test_an_error_of_the_disk_is_an_outage_and_names_the_file_alone(tmp_path: Path) -> None:
    source = tmp_path / "customers.csv"
    source.symlink_to("/proc/self/mem")  # any read of its beginning is an input/output error

    with pytest.raises(SourceUnavailable) as told:
        open_source(str(source))

    assert str(told.value) == f"{source}: cannot be read at the moment (Input/output error); try again"


def test_a_bucket_that_does_not_answer_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    s3fs = pytest.importorskip("s3fs")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{NOBODY}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    s3fs.S3FileSystem.clear_instance_cache()

    with pytest.raises(SourceUnavailable, match=r"^s3://inbox/customers\.csv: cannot be read at the moment"):
        open_source("s3://inbox/customers.csv")


def test_a_locked_database_is_an_outage_and_a_wrong_query_a_fault(tmp_path: Path) -> None:
    url = make_url(f"sqlite:///{tmp_path}/source.db?timeout=0.01")
    with closing(sqlite3.connect(tmp_path / "source.db", isolation_level=None)) as other:
        other.execute("CREATE TABLE customers (customerNo TEXT)")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(SourceUnavailable, match="the database does not answer at the moment"):
            open_source("sql:one", databases={"one": Database(url, "customers")})
        other.execute("ROLLBACK")

    with pytest.raises(InputRefused) as refused:
        open_source("sql:one", databases={"one": Database(url, "no_such_table")})
    assert refused.value.code == "query-failed"


def test_a_database_that_is_down_is_an_outage() -> None:
    url = make_url(f"postgresql+psycopg://kari:hemmelig@127.0.0.1:{NOBODY}/db")

    with pytest.raises(SourceUnavailable) as told:
        open_source("sql:one", databases={"one": Database(url, "customers")})

    assert "hemmelig" not in str(told.value)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.EIO, "x"), True),
        (OSError(errno.ESTALE, "x"), True),
        (ConnectionResetError("x"), True),
        (TimeoutError("x"), True),
        (FileNotFoundError(errno.ENOENT, "x"), False),
        (PermissionError(errno.EACCES, "x"), False),
        (IsADirectoryError(errno.EISDIR, "x"), False),
        (OSError("Couldn't deserialize thrift"), False),
        (EOFError(), False),
        (ValueError("x"), False),
    ],
    ids=repr,
)
def test_errors_are_told_apart(error: Exception, expected: bool) -> None:
    assert is_outage(error) is expected
