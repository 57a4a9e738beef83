"""As test_leftovers.py, in a bucket: by moto's server in this process, which speaks S3 over HTTP."""

import fsspec
import pytest
import s3fs

from armrest.outbox import Outbox, new_run_id, purge
from tests.outbox.conftest import CLIENT_NO, Clock

MONTH = 30 * 86_400.0


@pytest.fixture
def bucket(s3: None) -> str:
    s3fs.S3FileSystem().mkdir("armrest")
    return "s3://armrest/bodies"


def test_on_an_object_store_they_go_too(ledger_url: str, clock: Clock, bucket: str) -> None:
    clock.seconds = 4_000_000_000.0  # the store stamps what is written with its own time
    with Outbox.open(ledger_url, bucket, now=clock) as outbox:
        with outbox.bodies.writer("left") as writer:
            writer.write(b"Kari")
        store, path = fsspec.core.url_to_fs(f"{bucket}/left")
        assert store.find(path)

        assert purge(outbox, older_than_seconds=MONTH).unknown_runs == 1

        store.invalidate_cache()
        assert store.find(path) == []
        file = f"armrest/rejects/{new_run_id(CLIENT_NO, 0)}.csv"
        store.pipe_file(file, b"customerNo\n")
        assert purge(outbox, older_than_seconds=MONTH, rejects_folder="s3://armrest/rejects").rejects_files == 1
        assert not store.exists(file)
