from __future__ import annotations

import re
import socket
from typing import Iterator

import pytest

from pants_truss.serving.scripts import ports

LOOPBACK = "127.0.0.1"


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen()
        yield listener.getsockname()[1]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return int(listener.getsockname()[1])


def refused(host: str, port: int) -> str:
    with pytest.raises(ports.NoPort) as caught:
        ports.find_port("a/b:c", host, port)
    # The message of the system must not reach the user.
    assert caught.value.__suppress_context__
    return str(caught.value)


def test_zero_gives_a_free_port() -> None:
    port = ports.find_port("a:b", LOOPBACK, 0)
    with socket.socket() as listener:
        listener.bind((LOOPBACK, port))


def test_a_free_port_is_returned_and_stays_free() -> None:
    port = free_port()
    assert ports.find_port("a:b", LOOPBACK, port) == port
    assert ports.find_port("a:b", LOOPBACK, port) == port


def test_a_port_whose_last_server_has_just_ended_is_free() -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, 0))
        listener.listen()
        port = int(listener.getsockname()[1])
        with socket.create_connection((LOOPBACK, port)):
            # The side that closes first keeps its port for a while.
            listener.accept()[0].close()
    assert ports.find_port("a:b", LOOPBACK, port) == port


def test_a_port_in_use_gives_a_free_alternative(taken: int) -> None:
    message = refused(LOOPBACK, taken)
    found = re.fullmatch(
        rf"Cannot serve a/b:c on 127\.0\.0\.1:{taken}: Address already in use\. Use another port: "
        r"pants run a/b:c -- --port=(\d+)",
        message,
    )
    assert found, message
    other = int(found[1])
    assert other != taken
    assert ports.find_port("a:b", LOOPBACK, other) == other


def test_a_port_in_use_conflicts_on_all_addresses(taken: int) -> None:
    assert refused("0.0.0.0", taken).startswith(
        f"Cannot serve a/b:c on 0.0.0.0:{taken}: Address already in use. Use another port: "
    )


@pytest.mark.parametrize("port", [-1, 65536, 10**30])
def test_invalid_ports(port: int) -> None:
    message = refused(LOOPBACK, port)
    assert message.startswith(f"Cannot serve a/b:c on 127.0.0.1:{port}: ")
    assert re.search(r"[^.]\. Use another port: pants run a/b:c -- --port=\d+$", message), message


def test_invalid_hosts() -> None:
    assert refused("ü..b", 0) == (
        "Cannot serve a/b:c on ü..b:0: it is not a valid host name. Set `--host` to an address of "
        "this machine."
    )


def test_an_address_of_another_machine() -> None:
    # This network is reserved for documentation.
    assert refused("203.0.113.1", 0) == (
        "Cannot serve a/b:c on 203.0.113.1:0: Cannot assign requested address. Set `--host` to "
        "an address of this machine."
    )


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as listener:
            listener.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="This machine has no IPv6.")
def test_addresses_of_ipv6() -> None:
    port = ports.find_port("a:b", "::1", 0)
    with socket.socket(socket.AF_INET6) as listener:
        listener.bind(("::1", port))
        listener.listen()
        assert refused("::1", port).startswith(
            f"Cannot serve a/b:c on ::1:{port}: Address already in use. Use another port: "
        )


@pytest.mark.parametrize(
    "host, is_told",
    [
        ("127.0.0.1", False),
        ("127.8.9.1", False),
        ("localhost", False),
        ("::1", False),
        ("0.0.0.0", True),
        ("::", True),
        ("192.0.2.7", True),
        ("no such host", True),
    ],
)
def test_a_server_that_the_network_can_reach(host: str, is_told: bool) -> None:
    found = ports.describe_reach(host)
    assert bool(found) == is_told
    if found:
        assert f"The network can connect to {host}" in found
