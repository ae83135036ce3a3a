"""Runs the Truss release's own command line in this process, and returns how it ended.

It runs in this process because the exception says more than the command's output: only its type
shows if a retry can help.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import io
import json
import os
import re
import sys
import tarfile
import urllib.parse
from typing import (
    Any,
    Callable,
    Dict,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    TextIO,
)

# HTTP statuses and GraphQL error codes for which a retry can help.
_TRANSIENT_STATUSES = (408, 425, 429)
_TRANSIENT_CODES = (
    "GATEWAY_TIMEOUT",
    "INTERNAL_SERVER_ERROR",
    "RATE_LIMITED",
    "SERVICE_UNAVAILABLE",
    "TIMEOUT",
)
# Names of errors of `requests`, `urllib3`, `http.client`, `boto3` and `botocore`, or base classes.
_TRANSIENT_ERRORS = {
    "ChunkedEncodingError",
    "ConnectionClosedError",
    "ConnectionError",
    "ConnectTimeout",
    "ConnectTimeoutError",
    "ContentDecodingError",
    "EndpointConnectionError",
    "HTTPClientError",
    "HTTPException",
    "IncompleteReadError",
    "InvalidJSONError",
    "JSONDecodeError",
    "ProtocolError",
    "ReadTimeoutError",
    "ResponseStreamingError",
    "Timeout",
}
# Errors whose base classes are in the list above, but for which a retry cannot help.
_FINAL_ERRORS = {"InvalidURL", "MissingSchema", "LocationParseError"}


class Ended(NamedTuple):
    """`result` is the command's answer. `error` is one line, or None on success."""

    result: Dict[str, Any]
    error: Optional[str] = None
    is_transient: bool = False


class MissingOption(Exception):
    """The Truss release does not have the option."""


def load() -> Any:
    """Returns the `click` group of the command `truss`."""
    entry_points: Any = importlib.metadata.entry_points()
    (entry_point,) = entry_points.select(group="console_scripts", name="truss")
    return entry_point.load()


def check_options(group: Any, arguments: Sequence[str]) -> None:
    """Raises `MissingOption` for options that `truss push` of this release does not have."""
    known: Set[str] = set()
    for parameter in group.commands["push"].params:
        known.update(parameter.opts)
        known.update(parameter.secondary_opts)
    for argument in arguments:
        name = argument.partition("=")[0]
        if name.startswith("--") and name not in known:
            version = importlib.metadata.version("truss")
            raise MissingOption(
                f"`truss push` of Truss {version} has no option `{name}`. Set `[truss-cli]."
                f"install_from_resolve` to a release that has it."
            )


class WaitEnded(BaseException):
    """A wait took too long. Not an `Exception`, because Truss continues after most of these."""


def run(group: Any, arguments: Sequence[str], log: TextIO, credentials: str) -> Ended:
    """Runs `truss` with these arguments, which include `--output=json`. All output goes to `log`;
    for `credentials` see `describe`."""
    output = io.StringIO()
    error: Optional[BaseException] = None
    with _streams(output, log), deterministic_archives():
        try:
            group.main(args=list(arguments), prog_name="truss", standalone_mode=False)
        except WaitEnded as e:
            return Ended({}, str(e))
        except SystemExit as e:
            # With `--output=json` Truss prints the error, and exits while handling it.
            error = e.__context__ if e.code else None
            if e.code and error is None:
                return Ended({}, f"`truss push` exited with code {e.code}")
        except Exception as e:
            error = e
    if error is not None:
        if any(isinstance(each, KeyboardInterrupt) for each in _chain(error)):
            # `click` turns the interrupt into another error.
            raise KeyboardInterrupt
        return Ended(_json(output.getvalue()), describe(error, credentials), is_transient(error))
    return Ended(_json(output.getvalue()))


@contextlib.contextmanager
def _streams(output: TextIO, log: TextIO) -> Iterator[None]:
    before = sys.stdin, sys.stdout, sys.stderr
    with open(os.devnull) as nothing:
        sys.stdin, sys.stdout, sys.stderr = nothing, output, log
        try:
            yield
        finally:
            sys.stdin, sys.stdout, sys.stderr = before


def _json(output: str) -> Dict[str, Any]:
    """Returns the JSON object at the end of the output."""
    start = output.rfind("\n{") + 1
    try:
        found = json.loads(output[start:])
    except (ValueError, RecursionError):
        found = {}
    return found if isinstance(found, dict) else {}


@contextlib.contextmanager
def deterministic_archives() -> Iterator[None]:
    """Makes archives reproducible. Truss packs files in the order, and with the times and owners,
    that they have on disk; this normalises all three."""
    walk, gettarinfo = os.walk, tarfile.TarFile.gettarinfo

    def sorted_walk(*arguments: Any, **options: Any) -> Iterator[Any]:
        for root, folders, files in walk(*arguments, **options):
            folders.sort()
            files.sort()
            yield root, folders, files

    def plain_info(self: tarfile.TarFile, *arguments: Any, **options: Any) -> tarfile.TarInfo:
        info = gettarinfo(self, *arguments, **options)
        info.mtime = info.uid = info.gid = 0
        info.uname = info.gname = ""
        info.mode = 0o755 if info.mode & 0o100 else 0o644
        return info

    os.walk, tarfile.TarFile.gettarinfo = sorted_walk, plain_info  # type: ignore
    try:
        yield
    finally:
        os.walk, tarfile.TarFile.gettarinfo = walk, gettarinfo  # type: ignore


# Statuses of gateways that gave up on the server; the server may still be working.
_GATEWAY_ERRORS = (502, 503, 504)
# The requests that make a deployment: of GraphQL, and of the REST API for `bis_llm`.
_CREATE = re.compile(rb"\bcreate_model(_version)?_from_truss\(")
_CREATE_LLM = re.compile(r"/v1/(teams/[^/]+/)?llm_models(/[^/]+/deployments)?/?$")


class Answer(NamedTuple):
    """The answer to a request that makes a deployment. `is_whole` is False if the answer broke off,
    or says neither which deployment it made nor that it made none: then there may be one. A
    connection that ends among the headers gives an empty answer with status 200."""

    status: int
    is_whole: bool
    model_id: Optional[str] = None
    deployment_id: Optional[str] = None

    @property
    def is_refusal(self) -> bool:
        return self.is_whole and self.status < 500 and self.deployment_id is None


@contextlib.contextmanager
def watch_creation(before: Callable[[], None], after: Callable[[Answer], None]) -> Iterator[None]:
    """Calls `before` just before a request that makes a deployment is sent, and `after` when it is
    answered."""
    session: Any = importlib.import_module("requests").Session
    send = session.send

    def watching_send(self: Any, request: Any, **options: Any) -> Any:
        creates = _creates(request)
        if creates:
            before()
        response = send(self, request, **options)
        if creates:
            after(_read(response))
        return response

    session.send = watching_send
    try:
        yield
    finally:
        session.send = send


def _creates(request: Any) -> bool:
    if _CREATE_LLM.search(urllib.parse.urlsplit(str(request.url)).path):
        return request.method == "POST"
    body = request.body or b""
    return bool(_CREATE.search(body.encode() if isinstance(body, str) else bytes(body)))


def _deployment(status: int, model: Any, deployment: Any) -> Answer:
    """Raises `TypeError` for ids that are no text: the state file could not be read again."""
    if not (isinstance(model, str) and isinstance(deployment, str)):
        raise TypeError
    return Answer(status, True, model, deployment)


def _read(response: Any) -> Answer:
    status = response.status_code
    is_error = status >= 400 and status not in _GATEWAY_ERRORS
    try:
        data = response.json()
    except (ValueError, RecursionError):
        # An error without JSON is still an answer.
        return Answer(status, is_whole=is_error)
    with contextlib.suppress(LookupError, TypeError):
        return _deployment(status, data["model_id"], data["version_id"])
    try:
        (answer,) = data["data"].values()
        version = answer["model_version"]
        return _deployment(status, version["oracle"]["id"], version["id"])
    except (ValueError, LookupError, TypeError, AttributeError):
        has_errors = isinstance(data, dict) and "errors" in data
        return Answer(status, is_whole=is_error or has_errors)


def describe(error: BaseException, credentials: str) -> str:
    """Describes the error in one line. `credentials` names the source of the credentials."""
    text = " ".join(str(error).split()) or type(error).__name__
    if _status(error) in (401, 403):
        text += f". The remote rejects the credentials from {credentials}"
    return text


def is_transient(error: BaseException) -> bool:
    """Returns True if a retry may help: for server errors, timeouts and broken connections, but not
    for requests that the server refuses."""
    for each in _chain(error):
        names = {kind.__name__ for kind in type(each).__mro__}
        if names & _FINAL_ERRORS or "CERTIFICATE_VERIFY_FAILED" in str(each):
            return False
        status = _status(each)
        if status is not None:
            return status >= 500 or status in _TRANSIENT_STATUSES
        code = getattr(each, "graphql_error_code", None)
        if code is not None:
            return code in _TRANSIENT_CODES
        # Truss ends a wait with Python's own `TimeoutError`; the deployment exists then.
        if isinstance(each, TimeoutError) and type(each) is TimeoutError:
            return False
        if names & _TRANSIENT_ERRORS:
            return True
    return False


def _chain(error: BaseException) -> List[BaseException]:
    """Returns the error, and the errors that it was raised from."""
    found: List[BaseException] = []
    current: Optional[BaseException] = error
    while current is not None and current not in found:
        found.append(current)
        current = current.__cause__ or current.__context__
    return found


def _status(error: BaseException) -> Optional[int]:
    """Returns the HTTP status, from an error of `requests` or `botocore`."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    else:
        status = getattr(response, "status_code", None)
    return status if isinstance(status, int) else None
