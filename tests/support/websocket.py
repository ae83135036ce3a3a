"""A websocket client, as small as a test needs."""

from __future__ import annotations

import base64
import os
import socket
import struct
from typing import List


def talk(host: str, port: int, path: str, texts: List[str]) -> List[str]:
    """Sends each text and waits for the answer to it."""
    with socket.create_connection((host, port), timeout=30) as connection:
        key = base64.b64encode(os.urandom(16)).decode()
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            f"Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        stream = connection.makefile("rb")
        status = stream.readline()
        assert b" 101 " in status, status
        while stream.readline().strip():
            pass
        answers = []
        for text in texts:
            mask, data = os.urandom(4), text.encode()
            masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
            connection.sendall(struct.pack("!BB", 0x81, 0x80 | len(data)) + mask + masked)
            _, length = struct.unpack("!BB", stream.read(2))
            answers.append(stream.read(length).decode())
        return answers
