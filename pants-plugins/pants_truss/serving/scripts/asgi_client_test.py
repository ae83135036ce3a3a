"""Uses small applications of the same kind as the server's own."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Awaitable, Callable, Dict, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.serving.scripts import asgi_client

Message = Dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


def post(application: Application, body: bytes = b"{}") -> Tuple[int, str, List[bytes]]:
    client = asgi_client.Client(application)
    answer: Tuple[int, str, List[bytes]] = asyncio.run(
        asyncio.wait_for(client.post(body), timeout=10)
    )
    return answer


def talk(application: Application, *texts: str) -> List[Any]:
    client = asgi_client.Client(application)
    answers: List[Any] = asyncio.run(asyncio.wait_for(client.talk(list(texts)), timeout=10))
    return answers


def response(status: int, *headers: Tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def chunk(body: bytes, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


def answering(*messages: Message) -> Application:
    async def application(scope: Message, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return application


def test_the_application_sees_a_whole_request() -> None:
    seen: List[Any] = []

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        seen.extend([scope, await receive()])

    assert post(application, b'{"text": "\xc3\xa4"}') == (0, "", [])
    scope, request = seen
    assert (scope["type"], scope["method"], scope["path"], scope["raw_path"]) == (
        "http",
        "POST",
        "/v1/models/model:predict",
        b"/v1/models/model:predict",
    )
    assert dict(scope["headers"]) == {b"content-type": b"application/json", b"host": b"localhost"}
    assert (scope["query_string"], scope["root_path"], scope["scheme"]) == (b"", "", "http")
    assert request == {"type": "http.request", "body": b'{"text": "\xc3\xa4"}', "more_body": False}


@pytest.mark.parametrize(
    "messages, expected",
    [
        ([], (0, "", [])),
        ([response(204), chunk(b"", False)], (204, "", [])),
        (
            [response(200, (b"Content-Type", b"application/json")), chunk(b"[1]", False)],
            (200, "application/json", [b"[1]"]),
        ),
        (
            [response(200, (b"x", b"y"), (b"CONTENT-TYPE", b"text/x; a=\xe4"))],
            (200, "text/x; a=ä", []),
        ),
        # Chunks stay separate; empty chunks do not count.
        (
            [response(200), chunk(b"a"), chunk(b""), chunk(b"b\n"), chunk(b"", False)],
            (200, "", [b"a", b"b\n"]),
        ),
        ([response(200), {"type": "http.response.body"}], (200, "", [])),
        ([response(200), chunk(bytearray(b"a"))], (200, "", [b"a"])),
    ],
)
def test_answers_to_requests(
    messages: List[Message], expected: Tuple[int, str, List[bytes]]
) -> None:
    assert post(answering(*messages)) == expected


def test_the_client_stays_connected_until_it_has_its_answer() -> None:
    """The server's streams also watch for a disconnected client."""
    ended: List[str] = []

    async def watch(receive: Receive) -> None:
        await receive()
        ended.append("disconnected")

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        watching = asyncio.ensure_future(watch(receive))
        await send(response(200))
        for number in range(3):
            await asyncio.sleep(0)
            await send(chunk(str(number).encode()))
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching
        ended.append("cancelled")

    assert post(application) == (200, "", [b"0", b"1", b"2"])
    assert ended == ["cancelled"]


def test_one_client_sends_several_requests() -> None:
    async def application(scope: Message, receive: Receive, send: Send) -> None:
        await send(response(200))
        await send(chunk((await receive())["body"][::-1]))

    async def both() -> List[Any]:
        client = asgi_client.Client(application)
        return [(await client.post(body))[2] for body in (b"12", b"34")]

    assert asyncio.run(both()) == [[b"21"], [b"43"]]


def test_errors_of_the_application_are_raised() -> None:
    async def application(scope: Message, receive: Receive, send: Send) -> None:
        raise KeyError(scope["type"])

    with pytest.raises(KeyError, match="^'http'$"):
        post(application)
    with pytest.raises(KeyError, match="^'websocket'$"):
        talk(application)


async def echo(scope: Message, receive: Receive, send: Send) -> None:
    assert await receive() == {"type": "websocket.connect"}
    await send({"type": "websocket.accept"})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            assert message["code"] == 1000
            return
        await send({"type": "websocket.send", "text": message["text"]})


@pytest.mark.parametrize(
    "texts, expected",
    [
        ([], []),
        (["a"], ["a"]),
        (["", " "], ["", " "]),
        (['{"a": [1, null]}', "1", '"x"', "{"], [{"a": [1, None]}, 1, "x", "{"]),
        (["ä\n☃"], ["ä\n☃"]),
    ],
)
def test_a_websocket_receives_texts_in_order(texts: List[str], expected: List[Any]) -> None:
    assert talk(echo, *texts) == expected


def test_a_websocket_has_a_path_of_its_own() -> None:
    seen: List[Message] = []

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        seen.append(scope)

    assert talk(application, "never read") == []
    (scope,) = seen
    assert (scope["type"], scope["path"], scope["subprotocols"]) == (
        "websocket",
        "/v1/websocket",
        [],
    )
    assert "method" not in scope


def test_bytes_of_a_websocket_become_text() -> None:
    application = answering(
        {"type": "websocket.accept"},
        {"type": "websocket.send", "bytes": b'{"a": 1}'},
        {"type": "websocket.send", "text": None, "bytes": "ä".encode()},
        {"type": "websocket.send", "bytes": b"\xff"},
        {"type": "websocket.close"},
    )
    assert talk(application) == [{"a": 1}, "ä", "�"]


def test_unrequested_answers_count_until_the_disconnect() -> None:
    told: List[str] = []

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "websocket.receive":
            pass
        # All texts are sent, but the disconnect is not received yet.
        await send({"type": "websocket.send", "text": "1"})
        await send({"type": "websocket.send", "text": "2"})
        told.extend([(await receive())["type"], (await receive())["type"]])
        while True:
            await send({"type": "websocket.send", "text": "endless"})

    client = asgi_client.Client(application)
    with pytest.raises(OSError, match=r"^The client has closed the websocket\.$"):
        asyncio.run(asyncio.wait_for(client.talk(["x"]), timeout=10))
    # A repeated call returns the same message without waiting.
    assert told == ["websocket.disconnect"] * 2


def test_a_model_that_handles_the_disconnect_keeps_its_answers() -> None:
    async def application(scope: Message, receive: Receive, send: Send) -> None:
        try:
            while True:
                kind = (await receive())["type"]
                await send({"type": "websocket.send", "text": kind})
        except OSError:
            return

    assert talk(application, "x") == ["websocket.connect", "websocket.receive"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_json_is_decoded(value: Any) -> None:
    assert asgi_client.decode(json.dumps(value)) == value


@pytest.mark.parametrize("text", ["", "{", "a", "{'a': 1}", "1 2", "[1,]", "\ufeff1"])
def test_text_that_is_not_json_stays_unchanged(text: str) -> None:
    assert asgi_client.decode(text) == text
