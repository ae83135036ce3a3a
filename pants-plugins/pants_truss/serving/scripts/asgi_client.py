"""Calls the server's own application without a network. Part of `run_examples.py`."""

import asyncio
import json
from typing import Any, Dict, List, Tuple

PREDICT = "/v1/models/model:predict"
WEBSOCKET = "/v1/websocket"


class Client:
    def __init__(self, application: Any) -> None:
        self._application = application

    async def post(self, body: bytes) -> Tuple[int, str, List[bytes]]:
        """Returns status, content type and the chunks of the body."""
        status, content_type, chunks = 0, "", []
        requests = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Dict[str, Any]:
            if requests:
                return requests.pop()
            # Waits until it is cancelled: the client stays connected.
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Dict[str, Any]) -> None:
            nonlocal status, content_type
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = {name.lower(): value for name, value in message["headers"]}
                content_type = headers.get(b"content-type", b"").decode("latin-1")
            elif message.get("body"):
                chunks.append(bytes(message["body"]))

        headers = [(b"content-type", b"application/json"), (b"host", b"localhost")]
        scope = {"type": "http", "method": "POST", "headers": headers, **_scope(PREDICT)}
        await self._application(scope, receive, send)
        return status, content_type, chunks

    async def talk(self, texts: List[str]) -> List[Any]:
        """Returns the answers of a websocket to `texts`, sent in order before it is closed."""
        answers: List[Any] = []
        messages: List[Dict[str, Any]] = [{"type": "websocket.connect"}]
        messages += [{"type": "websocket.receive", "text": text} for text in texts]
        messages.append({"type": "websocket.disconnect", "code": 1000})

        disconnected = [False]

        async def receive() -> Dict[str, Any]:
            if len(messages) > 1:
                return messages.pop(0)
            disconnected[0] = True
            return messages[0]

        async def send(message: Dict[str, Any]) -> None:
            if len(messages) == 1 and disconnected[0]:
                # Ends a model that would otherwise send without end.
                raise OSError("The client has closed the websocket.")
            if message["type"] == "websocket.send":
                text = message.get("text")
                if text is None:
                    text = message["bytes"].decode("utf-8", "replace")
                answers.append(decode(text))

        scope = {"type": "websocket", "headers": [], "subprotocols": [], **_scope(WEBSOCKET)}
        await self._application(scope, receive, send)
        return answers


def _scope(path: str) -> Dict[str, Any]:
    return {
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
        "extensions": {},
    }


def decode(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
