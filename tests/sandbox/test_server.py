"""The sandbox over real HTTP: what a framework would not do is done to the connection, and other processes steer it."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from armrest.sandbox import API, CLIENT_ID, CLIENT_SECRET, Fault, SandboxServer
from tests.sandbox.asking import BATCHES

BODY = {"metadata": {"userId": "ola.nordmann"}, "customers": [{"customerNo": "10001", "name": "Åse"}]}


@pytest.fixture(scope="module")
def running() -> Iterator[SandboxServer]:
    with SandboxServer(seed=1) as server:
        yield server


@pytest.fixture
def server(running: SandboxServer) -> SandboxServer:
    running.reset()
    return running


@pytest.fixture
def http(server: SandboxServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.api_url, headers={"Authorization": f"Bearer {server.token}"}) as client:
        yield client


def test_it_starts_and_stops_at_once() -> None:
    started = time.perf_counter()
    with SandboxServer() as server:
        assert httpx.get(server.url + "/sandbox/behaviour").status_code == 200

    assert time.perf_counter() - started < 30  # a busy machine has its time; a shutdown that waits has none of it


def test_a_batch_goes_from_http_into_the_books(server: SandboxServer, http: httpx.Client) -> None:
    accepted = http.put(BATCHES, json=BODY)
    get_result = accepted.json()["getResult"]

    assert (accepted.status_code, get_result.startswith(server.api_url)) == (202, True)
    assert http.get(get_result).status_code == 200
    assert server.records.customers(2218)["10001"]["name"] == "Åse"


def test_a_client_that_dies_in_its_request_is_no_event(
    server: SandboxServer, http: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    head = f"PUT {API}{BATCHES} HTTP/1.1\r\nHost: arm\r\nContent-Length: 1000\r\n\r\n"
    with socket.create_connection((httpx.URL(server.url).host, httpx.URL(server.url).port)) as dying:
        dying.sendall(head.encode() + b"{")

    assert http.put(BATCHES, json=BODY).status_code == 202
    assert len(server.records.batches()) == 1
    assert caplog.records == []


def test_a_login_opens_it(server: SandboxServer) -> None:
    form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    token = httpx.post(f"{server.identity_url}/token", data=form).json()["access_token"]

    answer = httpx.put(server.api_url + BATCHES, json=BODY, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 202


@pytest.mark.parametrize("fault", [Fault.RESET_BEFORE, Fault.RESET_AFTER])
def test_a_reset_is_a_reset(server: SandboxServer, http: httpx.Client, fault: Fault) -> None:
    server.behaviour.faults = {fault: 1.0}
    with pytest.raises(httpx.ReadError, match="reset by peer"):
        http.put(BATCHES, json=BODY)


def test_a_cut_answer_ends_before_its_length(server: SandboxServer, http: httpx.Client) -> None:
    server.behaviour.faults = {Fault.CUT: 1.0}
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        http.put(BATCHES, json=BODY)


def test_a_slow_answer_outlasts_a_short_timeout(server: SandboxServer, http: httpx.Client) -> None:
    server.behaviour.faults = {Fault.SLOW: 1.0}
    server.behaviour.slow_seconds = 2
    with pytest.raises(httpx.ReadTimeout):
        http.put(BATCHES, json=BODY, timeout=httpx.Timeout(60, read=0.05))
    server.behaviour.slow_seconds = 0.2
    assert http.put(BATCHES, json=BODY, timeout=60).status_code == 202


def test_it_answers_on_after_it_broke_connections(server: SandboxServer, http: httpx.Client) -> None:
    for fault in (Fault.RESET_BEFORE, Fault.CUT, Fault.RESET_AFTER):
        server.behaviour.faults = {fault: 1.0}
        with pytest.raises(httpx.TransportError):
            http.put(BATCHES, json=BODY)
    server.behaviour.faults = {}

    assert http.put(BATCHES, json=BODY).status_code == 202


def test_other_processes_steer_it(server: SandboxServer, http: httpx.Client) -> None:
    control = server.url + "/sandbox"
    http.post(f"{control}/clients/2218/customers", json=[{"customerNo": "1", "name": "Per"}])
    changed = http.put(f"{control}/behaviour", json={"refuse_customers": ["1"], "delay_seconds": 60})
    http.put(BATCHES, json={**BODY, "customers": [{"customerNo": "1", "name": "Pål"}]})
    http.post(f"{control}/drain")

    assert changed.json()["delay_seconds"] == 60
    assert http.get(f"{control}/clients/2218/customers").json()["1"]["name"] == "Per"
    stats: dict[str, Any] = http.get(f"{control}/stats").json()
    assert stats["faults"] == {"refused": {"times": 1, "customers": 1}}
    assert [(batch["customers"], batch["outcome"]) for batch in stats["batches"]] == [(1, "partial")]
    assert stats["answers"]["PUT /arm/v1/clients/{clientno}/customers/batches 202"] == 1

    http.post(f"{control}/reset")
    assert http.get(f"{control}/clients/2218/customers").json() == {}


def test_a_wrong_behaviour_changes_nothing(server: SandboxServer, http: httpx.Client) -> None:
    answer = http.put(f"{server.url}/sandbox/behaviour", json={"rate": 5, "delay_seconds": -1})

    assert answer.status_code == 422
    assert server.behaviour.rate is None


@pytest.mark.parametrize(("path", "status"), [("/sandbox/nothing", 404), ("/", 404), ("/sandbox/openapi.json", 200)])
def test_it_says_which_paths_it_has(server: SandboxServer, path: str, status: int) -> None:
    assert httpx.get(server.url + path).status_code == status


def test_it_listens_on_this_machine_only(server: SandboxServer) -> None:
    assert server.url.startswith("http://127.0.0.1:")
