"""The folder, the two ports and the environment of everything that `make up` starts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deployments.local_server import HOST, environment

HOME: Final = Path(".armrest")
TOKEN: Final = "sandbox-token"  # noqa: S105  the stand-in's, on this machine only
CLIENT_NO: Final = 2218
POOL: Final = "armrest"


def client_numbers(text: str) -> tuple[int, ...]:
    """Return the client numbers of a list such as `2218,2219`.

    Raises:
        ValueError: It is none.
    """
    numbers = tuple(int(part) for part in text.replace(",", " ").split())
    if any(number < 1 for number in numbers):
        raise ValueError
    return numbers


@dataclass(frozen=True, slots=True)
class LocalStack:
    """The stack's folder, its two adjacent ports, and the clients that its runs may update."""

    home: Path
    port: int = 4200
    clients: tuple[int, ...] = (CLIENT_NO,)

    @property
    def ui(self) -> str:
        """The address of the Prefect UI."""
        return f"http://{HOST}:{self.port}"

    @property
    def sandbox_port(self) -> int:
        """The port of the sandbox."""
        return self.port + 1

    @property
    def sandbox(self) -> str:
        """The address of the sandbox."""
        return f"http://{HOST}:{self.sandbox_port}"

    @property
    def sample(self) -> Path:
        """A customer file, in the inbox."""
        return self.home / "inbox" / "customers.csv"

    @property
    def sandbox_records(self) -> Path:
        """The customers that the sandbox holds at its start."""
        return self.home / "books.csv"

    @property
    def pids(self) -> Path:
        """The file that lists the running processes."""
        return self.home / "processes.json"

    def log(self, name: str) -> Path:
        """The log file of a process."""
        return self.home / "logs" / f"{name}.log"

    def environment(self) -> dict[str, str]:
        """Return the environment of server, worker and runs: everything here, whatever else the user has set."""
        return {
            **environment(self.home / "prefect", self.port),
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "ARMREST_HOME": str(self.home / "home"),
            "ARMREST_INBOX": str(self.home / "inbox"),
            "ARMREST_MAPPINGS": str(self.home / "mappings"),
            "ARMREST_CLIENTS": ",".join(map(str, self.clients)),
            "ARMREST_API_URL": f"{self.sandbox}/arm/v1",
            "ARMREST_TOKEN": TOKEN,
            "ARMREST_USER_ID": "ola.nordmann",
            "ARMREST_BATCH_SIZE": "500",
        }

    def make_folders(self) -> None:
        """Create the missing folders, accessible to their owner only."""
        for folder in ("home", "inbox", "logs", "mappings", "prefect"):
            (self.home / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
