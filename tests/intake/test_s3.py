"""Sources in a bucket, by moto's server in this process, which speaks S3 over HTTP."""

import gzip
import io

import pyarrow as pa
import pyarrow.parquet
import pytest
import s3fs
from moto import settings as moto_settings
from moto.core.responses import ActionAuthenticatorMixin

from armrest.intake import InputRefused, open_source
from tests.intake.reading import read

KARE = [{"customerNo": "0010", "name": "Kåre"}]


@pytest.fixture
def bucket(s3: None) -> None:
    table = io.BytesIO()
    pa.parquet.write_table(pa.table({"customerNo": ["0010"], "name": ["Kåre"]}), table)
    system = s3fs.S3FileSystem()
    system.mkdir("inbox")
    system.pipe("inbox/customers.csv.gz", gzip.compress("customerNo,name\n0010,Kåre\n".encode()))
    system.pipe("inbox/parts/customers.parquet", table.getvalue())


@pytest.mark.parametrize("path", ["customers.csv.gz", "*.gz", "parts", "parts/customers.parquet"])
def test_a_file_a_glob_and_a_folder_of_a_bucket_are_sources(bucket: None, path: str) -> None:
    source = open_source(f"s3://inbox/{path}")

    assert read(source)[0] == KARE
    assert source.modified_at is not None


def test_what_is_not_in_the_bucket_is_told(bucket: None) -> None:
    with pytest.raises(InputRefused, match=r"s3://inbox/none\.csv: there is no such file"):
        open_source("s3://inbox/none.csv")


@pytest.mark.parametrize("path", ["customers.csv.gz", "parts", "*.gz"])
def test_a_bucket_without_rights_is_refused_in_one_line(
    bucket: None, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(moto_settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)
    monkeypatch.setattr(ActionAuthenticatorMixin, "request_count", 0)
    s3fs.S3FileSystem.clear_instance_cache()

    with pytest.raises(InputRefused) as refused:
        open_source(f"s3://inbox/{path}")

    assert refused.value.message == f"s3://inbox/{path}: you may not read it; ask its owner for access"


def test_an_object_that_is_replaced_while_it_is_fetched_is_refused_by_its_etag(
    bucket: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens = s3fs.S3FileSystem.open

    def open_and_be_overtaken(system: s3fs.S3FileSystem, path: str, mode: str = "rb", **options: object) -> object:
        file = opens(system, path, mode, **options)
        if mode == "rb":
            system.pipe(path, b"customerNo,name\n0010,Kari\n")
        return file

    monkeypatch.setattr(s3fs.S3FileSystem, "open", open_and_be_overtaken)

    with pytest.raises(InputRefused, match=r"customers\.csv\.gz: it changed while it was read") as refused:
        open_source("s3://inbox/customers.csv.gz")
    assert refused.value.code == "changed-while-read"
