"""A way to a server on loopback, which ends in the middle."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Callable, Optional


class Cut:
    """Forwards connections to `target`, a host and port. Once `after` bytes have been sent there,
    `on_cut` is called, once, and all connections end; from then on there are none, until `mend`.
    Each forwarded piece of data takes `delay` seconds."""

    def __init__(self, target: str, on_cut: Callable[[], None]) -> None:
        host, _, port = target.partition(":")
        self._target = (host, int(port))
        self._on_cut = on_cut
        self._left: Optional[int] = None
        self._is_cut = False
        self.delay = 0.0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, after: int) -> None:
        self._left = after

    def mend(self) -> None:
        self._left, self._is_cut = None, False

    def stop(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    if self._is_cut:
                        raise OSError
                    server = socket.create_connection(self._target)
                except OSError:
                    client.close()
                    continue
                for pair in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._forward, args=pair, daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        with suppress(OSError):
            while not self._is_cut:
                data = source.recv(65536)
                if not data:
                    break
                if counts and self._reached(len(data)):
                    break
                if self.delay:
                    time.sleep(self.delay)
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _reached(self, count: int) -> bool:
        with self._lock:
            if self._left is None:
                return False
            self._left -= count
            if self._left <= 0 and not self._is_cut:
                self._is_cut = True
                self._on_cut()
            return self._is_cut
