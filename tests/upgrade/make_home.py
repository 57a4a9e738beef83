# ruff: noqa: T201 - a program for people, which starts programs of its own
"""Makes `home-0.1.0.tar.xz`: a home and a Prefect database as version 0.1.0 leaves them, with one of everything.

Run it with the code and the locked packages of 0.1.0, whose commit is 4225881; nothing of today's code is imported:

    git worktree add DIR/base 4225881
    uv venv --python 3.11 DIR/py && uv pip install --python DIR/py/bin/python \
        --require-hashes --no-deps -r DIR/base/requirements.lock
    uv pip install --python DIR/py/bin/python --no-deps -e DIR/base
    cd DIR/base && PYTHONPATH=. DIR/py/bin/python REPO/tests/upgrade/make_home.py \
        REPO/tests/upgrade/home-0.1.0.tar.xz

Every client has a case of its own: see `CASES` in `unpack.py`. Addresses and paths are replaced by placeholders when it
is packed; `unpack.py` puts real ones in their place. Prefect encrypts what blocks hold, so that stays as it was made.
"""

import base64
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from armrest.sandbox import Fault, SandboxServer

BASE = Path.cwd()
HOST = "tests.flows.host"
CRM_SOURCE = "url='sqlite:///crm.db', query='customers'"
CRM = "INSERT INTO customers VALUES ('10001', 'Kunde 10001'), ('10002', 'Kunde 10002')"


def main(archive: Path) -> None:
    """Make the archive."""
    with tempfile.TemporaryDirectory() as folder, SandboxServer(seed=1) as arm:
        root = Path(folder).resolve()
        environment = environment_of(root, arm)
        with prefect_server(root, environment):
            Maker(root, arm, environment).make()
        replaced = {
            f"{root}": "/ROOT",
            f"{BASE}": "/PROJECT",
            f"{Path(sys.prefix)}": "/PYTHON",
            f"{Path(sys.base_prefix)}": "/PYTHON",
            arm.api_url: "http://sandbox.invalid/arm/v1",
            arm.url: "http://sandbox.invalid",
            socket.gethostname(): "machine",
        }
        save_arm(root, arm)
        pack(root, archive, replaced)


def environment_of(root: Path, arm: SandboxServer) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ARMREST_", "PREFECT_"))}
    return kept | {
        "PYTHONPATH": str(BASE),
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_HOME": str(root / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{free_port()}/api",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
        "ARMREST_HOME": str(root / "home"),
        "ARMREST_API_URL": arm.api_url,
        "ARMREST_TOKEN": arm.token,
        "ARMREST_USER_ID": "ola.nordmann",
        "ARMREST_POLL_FIRST_SECONDS": "0.1",
        "ARMREST_BATCH_SIZE": "2",
        "ARMREST_CONCURRENCY": "1",
    }


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


@contextmanager
def prefect_server(root: Path, environment: dict[str, str]) -> Iterator[None]:
    address = environment["PREFECT_API_URL"]
    port = address.rpartition(":")[2].partition("/")[0]
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=root)
    try:
        until(lambda: answers(f"{address}/health"))
        yield
    finally:
        server.terminate()
        server.wait(60)


def answers(address: str) -> bool:
    try:
        return httpx.get(address).status_code == 200
    except httpx.TransportError:
        return False


def until(happened: Callable[[], object]) -> None:
    end = time.monotonic() + 180
    while not happened():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.1)


class Maker:
    """Makes one case after the other."""

    def __init__(self, root: Path, arm: SandboxServer, environment: dict[str, str]) -> None:
        self._root = root
        self._arm = arm
        self._environment = environment
        self._cases: dict[str, Any] = {}

    def make(self) -> None:
        self._deploy()
        self._blocks()
        self._case("completed", self._flow("update-customers", source=self._file("completed", 4), client_no=2218))
        plan = self._flow("update-customers", source=self._file("plan", 4), client_no=2219, dry_run=True)
        self._case("plan", plan)
        self._case("paused", self._paused())
        self._arm.behaviour.refuse_customers = frozenset({"10002"})
        self._case("failed", self._flow("update-customers", source=self._file("failed", 4), client_no=2221))
        self._arm.behaviour.refuse_customers = frozenset()
        self._arm.behaviour.user_ids = frozenset({"nobody"})
        self._case("refused", self._flow("update-customers", source=self._file("refused", 4), client_no=2224))
        self._arm.behaviour.user_ids = None
        self._arm.behaviour.delay_seconds = 100_000.0
        opened = self._flow("update-customers", source=self._file("open", 2), client_no=2222, deadline="10s")
        self._case("open", opened)
        self._case("half_sent", self._half_sent())
        time.sleep(3)  # the server writes events and task runs a little later
        (self._root / "cases.json").write_text(json.dumps(self._cases, indent=1))

    def _deploy(self) -> None:
        command = [sys.executable, "-m", "deployments.set_up", "--sandbox"]
        subprocess.run(command, env=self._environment, cwd=BASE, check=True)

    def _blocks(self) -> None:
        with sqlite3.connect(self._root / "crm.db") as crm:
            crm.execute("CREATE TABLE customers (customerNo TEXT, name TEXT)")
            crm.execute(CRM)
        crm.close()
        code = (
            "from tasks.sql_source import SqlSource; SqlSource(url='sqlite:///crm.db', query='customers').save('crm')"
        )
        subprocess.run([sys.executable, "-c", code], env=self._environment, cwd=BASE, check=True)

    def _paused(self) -> dict[str, str]:
        """A run that a guard rail has stopped and that asks; its process is killed while it waits."""
        self._flow("update-customers", source=self._file("before", 10), client_no=2220)
        asks = {"min_rows": "50%", "on_guard": "ask", "approve_within": "3650d"}
        with self._host() as host:
            self._order(host, "update-customers", source=self._file("paused", 1), client_no=2220, **asks)
            until(lambda: self._runs_that_are("PAUSED"))
            time.sleep(2)
            host.send_signal(signal.SIGKILL)
        [paused] = self._runs_that_are("PAUSED")
        return {"flow_run_id": paused["id"], "name": "Paused", "message": ""}

    def _half_sent(self) -> dict[str, str]:
        """A run of four batches, killed once ARM has accepted two and the third is not begun, or in doubt."""
        source = self._file("half_sent", 8)
        self._arm.behaviour.slow_seconds = 2.0
        self._arm.behaviour.faults = {Fault.SLOW: 1.0}
        with self._host() as host:
            self._order(host, "update-customers", source=source, client_no=2223)
            until(lambda: self._accepted(2223) == 2)
            host.send_signal(signal.SIGKILL)
        assert self._accepted(2223) < 4
        [run] = self._runs_that_are("RUNNING")
        return {"flow_run_id": run["id"], "name": "Running", "message": ""}

    def _accepted(self, client_no: int) -> int:
        """How many batches of a client are accepted and not finished."""
        of_client = "FROM batches b JOIN clients c ON c.id = b.client_id WHERE c.client_no = ?"
        ledger = sqlite3.connect(self._root / "home" / "ledger.db", timeout=30)
        [[number]] = ledger.execute(f"SELECT count(*) {of_client} AND state = 'ACCEPTED'", [client_no]).fetchall()
        ledger.close()
        return int(number)

    def _runs_that_are(self, state: str) -> list[Any]:
        asked = {"flow_runs": {"state": {"type": {"any_": [state]}}}}
        found: list[Any] = httpx.post(f"{self._environment['PREFECT_API_URL']}/flow_runs/filter", json=asked).json()
        return found

    @contextmanager
    def _host(self) -> Iterator["subprocess.Popen[str]"]:
        command, pipe = [sys.executable, "-m", HOST], subprocess.PIPE
        host = subprocess.Popen(command, cwd=BASE, env=self._environment, stdin=pipe, stdout=pipe, text=True)
        try:
            yield host
        finally:
            host.kill()
            host.wait()

    def _order(self, host: "subprocess.Popen[str]", flow: str, **parameters: object) -> None:
        assert host.stdin
        host.stdin.write(json.dumps({"flow": flow, "parameters": parameters, "variables": {}}) + "\n")
        host.stdin.flush()

    def _flow(self, flow: str, **parameters: object) -> dict[str, str]:
        with self._host() as host:
            self._order(host, flow, **parameters)
            assert host.stdout
            ended: dict[str, str] = json.loads(host.stdout.readline())
        return ended

    def _case(self, name: str, ended: dict[str, str]) -> None:
        print(name, ended["name"], ended["message"])
        ledger = sqlite3.connect(self._root / "home" / "ledger.db", timeout=30)
        query = "SELECT run_id FROM runs JOIN flow_runs f ON f.run_seq = runs.seq WHERE flow_run_id = ? ORDER BY seq"
        run_ids = [run_id for (run_id,) in ledger.execute(query, [ended["flow_run_id"]])]
        ledger.close()
        self._cases[name] = {"flow_run_id": ended["flow_run_id"], "run_id": run_ids[-1], "ended": ended["name"]}

    def _file(self, name: str, number: int) -> str:
        path = self._root / "inbox" / f"{name}.csv"
        path.parent.mkdir(exist_ok=True)
        rows = [f"{no},Kunde {no}" for no in range(10001, 10001 + number)]
        path.write_text("\n".join(["customerNo,name", *rows, ""]))
        return str(path)


def save_arm(root: Path, arm: SandboxServer) -> None:
    """What ARM holds: every batch that it has accepted and not finished, and every customer."""
    clients = sorted({batch.client_no for batch in arm.books.batches()})
    held = {
        "customers": {no: list(arm.books.customers(no).values()) for no in clients},
        "open_batches": [
            {
                "client_no": batch.client_no,
                "batch_uuid": batch.batch_uuid,
                "method": batch.method,
                "body": base64.b64encode(batch.body).decode(),
            }
            for batch in arm.books.batches()
            if batch.rank is None
        ],
    }
    (root / "arm.json").write_text(json.dumps(held, indent=1))


def pack(root: Path, archive: Path, replaced: dict[str, str]) -> None:
    for database in (root / "home" / "ledger.db", root / "prefect" / "prefect.db"):
        replace_in_database(database, replaced)
    for file in [*(root / "prefect" / "storage").rglob("*"), *root.glob("*.json")]:
        if file.is_file():
            replace_in_file(file, replaced)
    names = ("home", "inbox", "prefect/prefect.db", "prefect/storage", "cases.json", "arm.json", "crm.db")
    with tarfile.open(archive, "w:xz") as tar:
        for name in names:
            tar.add(root / name, name, filter=anonymous)
    print(archive, archive.stat().st_size, "bytes")


def anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if member.name.endswith(("-wal", "-shm", ".lock")):
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def replace_in_database(database: Path, replaced: dict[str, str]) -> None:
    sql = sqlite3.connect(database, isolation_level=None)
    sql.execute("PRAGMA journal_mode=DELETE")
    tables = [name for (name,) in sql.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
    for table in tables:
        for column in [row[1] for row in sql.execute(f'PRAGMA table_xinfo("{table}")').fetchall() if row[6] == 0]:
            for old, new in replaced.items():
                sql.execute(
                    f'UPDATE "{table}" SET "{column}" = replace("{column}", ?, ?) '
                    f'WHERE typeof("{column}") = \'text\' AND instr("{column}", ?)',
                    (old, new, old),
                )
    sql.execute("VACUUM")
    sql.close()


def replace_in_file(file: Path, replaced: dict[str, str]) -> None:
    content = file.read_bytes()
    for old, new in replaced.items():
        content = content.replace(old.encode(), new.encode())
    file.write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
