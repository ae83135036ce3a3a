"""Finds the port that a server listens on."""

import errno
import ipaddress
import socket
from typing import Optional


class NoPort(Exception):
    """The message gives the cause and the fix."""


def find_port(address: str, host: str, port: int) -> int:
    """Returns a port that is free now; any free port for 0. `address` is the target's address.

    The check runs before the model loads, which may take long. The server binds the port itself.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            return int(listener.getsockname()[1])
        except (OSError, OverflowError, TypeError, UnicodeError) as e:
            what = f"Cannot serve {address} on {host}:{port}"
            if isinstance(e, (TypeError, UnicodeError)) or (
                isinstance(e, OSError) and e.errno not in (errno.EADDRINUSE, errno.EACCES)
            ):
                why = getattr(e, "strerror", None) or "it is not a valid host name"
                raise NoPort(
                    f"{what}: {why}. Set `--host` to an address of this machine."
                ) from None
            with socket.socket(family, socket.SOCK_STREAM) as other:
                other.bind(("::1" if ":" in host else "127.0.0.1", 0))
                free = other.getsockname()[1]
            why = str(getattr(e, "strerror", e)).rstrip(".")
            raise NoPort(
                f"{what}: {why}. Use another port: pants run {address} -- --port={free}"
            ) from None


def describe_reach(host: str) -> Optional[str]:
    """Who can connect, if not only this machine."""
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None)}
        is_local = all(ipaddress.ip_address(str(a).partition("%")[0]).is_loopback for a in found)
    except (OSError, UnicodeError, ValueError):
        is_local = False
    if is_local:
        return None
    return (
        f"The network can connect to {host}, and the server has no authentication. Without "
        f"`--host` only this machine can."
    )
