"""The port that a server is to listen on."""

import errno
import socket


class NoPort(Exception):
    """The message says why, and what to do."""


def find_port(address: str, host: str, port: int) -> int:
    """One that can be listened on now; for 0 one that is free. `address` is that of the target.
    Before the model loads, which may take long; the server binds the port itself."""
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
                why = getattr(e, "strerror", None) or "it is no name of a host"
                raise NoPort(f"{what}: {why}. `--host` is an address of this machine.") from None
            with socket.socket(family, socket.SOCK_STREAM) as other:
                other.bind(("::1" if ":" in host else "127.0.0.1", 0))
                free = other.getsockname()[1]
            why = str(getattr(e, "strerror", e)).rstrip(".")
            raise NoPort(
                f"{what}: {why}. Take another port: pants run {address} -- --port={free}"
            ) from None
