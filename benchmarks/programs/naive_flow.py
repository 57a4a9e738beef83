"""The Prefect flow that one writes first: `.map`, customers as arguments, a task for each batch.

Rows become customers as in the afternoon script.
"""

import sys
from http import HTTPStatus
from typing import Any

import httpx
from prefect import flow, task

from benchmarks.programs.afternoon_script import BATCH_SIZE, body_of, read

RETRIES = 3


@task
def read_customers(source: str) -> list[Any]:
    """Read and check the file."""
    return list(read(source))


@task(retries=RETRIES, retry_delay_seconds=5)
def submit_batch(customers: list[Any], api_url: str, client_no: str) -> str:
    """Send a batch; return its batchUuid."""
    answer = httpx.put(f"{api_url}/clients/{client_no}/customers/batches", json=body_of(customers))
    return str(answer.raise_for_status().json()["batchUuid"])


@task(retries=RETRIES, retry_delay_seconds=5)
def poll_batch(batch_uuid: str, api_url: str, client_no: str) -> None:
    """Poll a batch; Prefect's retries poll again."""
    answer = httpx.get(f"{api_url}/clients/{client_no}/batches/{batch_uuid}")
    if answer.raise_for_status().status_code == HTTPStatus.ACCEPTED:
        raise RuntimeError("not processed yet")


@flow
def update(source: str, api_url: str, client_no: str) -> None:
    """Send a file, and wait until every batch is processed."""
    customers = read_customers(source)
    batches = [customers[at : at + BATCH_SIZE] for at in range(0, len(customers), BATCH_SIZE)]
    poll_batch.map(submit_batch.map(batches, api_url, client_no), api_url, client_no).result()


if __name__ == "__main__":
    update(*sys.argv[1:])
