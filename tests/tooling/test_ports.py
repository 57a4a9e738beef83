"""The ports of the tests' servers."""

from pathlib import Path

import pytest

from tests.ports import FIRST, free_port, two_free_ports

CONNECTIONS = Path("/proc/sys/net/ipv4/ip_local_port_range")


# only Linux says in a file which ports connections get; elsewhere they are higher, so the test would show nothing
@pytest.mark.skipif(not CONNECTIONS.exists(), reason="only Linux names the ports of connections in a file")
def test_no_connection_gets_a_port_that_was_chosen_for_a_server() -> None:
    lowest = int(CONNECTIONS.read_text().split()[0])

    assert all(FIRST <= port < lowest - 1 for port in (free_port(), two_free_ports()))
