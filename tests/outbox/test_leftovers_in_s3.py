"""As test_leftovers.py, in a bucket: by moto's server in this process, which speaks S3 over HTTP."""

from collections.abc import Iterator

import fsspec
import pytest
import s3fs
from moto.server import ThreadedMotoServer

from armrest.outbox import Outbox, new_run_id, purge
from tests.outbox.conftest import CLIENT_NO, Clock

MONTH = 30 * 86_400.0


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem().mkdir("armrest")
    yield "s3://armrest/bodies"
    s3fs.S3FileSystem.clear_instance_cache()
    moto.stop()


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
