"""What `model_class` says of methods, held against what Python itself makes of their signatures."""

from __future__ import annotations

import inspect
import itertools
from typing import Any, Callable, Dict, List, Mapping, Tuple

import pytest

from pants_truss.core.lint.model_class import INIT_ARGUMENTS, ModelFile, check_model_class

PREDICT = "def predict(self, x): return x"


def told(*members: str, before: str = "", extra: Tuple[str, ...] = ()) -> List[str]:
    body = "\n".join(members).replace("\n", "\n    ")
    source = f"{before}\nclass Model:\n    {body}\n"
    model = ModelFile("model/model.py", source.encode(), "Model", (3, 9), extra)
    return [finding.message for finding in check_model_class(model)]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            ["def predict(self, a, b, *, c): pass"],
            "`predict` of `Model` takes 3 arguments (a, b, c). The server passes at most two: the "
            "inputs, and the request.",
        ),
        (
            ["def predict(): pass"],
            "`predict` of `Model` takes no `self`: the server cannot call it.",
        ),
        (
            ["def predict(self, request: Request, x: dict): pass"],
            "`predict` of `Model` takes the request first. The server passes the inputs first, the "
            "request second.",
        ),
        (
            ["def predict(self, a, b): pass"],
            "`predict` of `Model` takes a, b: of two arguments the second must be the request, "
            "annotated as `fastapi.Request`.",
        ),
        (
            [PREDICT, "def preprocess(self, a, b: 'Request'): pass"],
            "`preprocess` of `Model` takes a, b: of two arguments the second must be the request, "
            "annotated as `fastapi.Request`. An annotation as text does not count, so remove `from "
            "__future__ import annotations`.",
        ),
        (
            [PREDICT, "def is_healthy(self, deep=False): pass"],
            "`is_healthy` of `Model` takes deep, but the server passes no argument.",
        ),
        (
            ["async def websocket(self): pass"],
            "`websocket` of `Model` takes no argument, but must take one: the websocket.",
        ),
        (
            ["async def websocket(self, request: Request): pass"],
            "`websocket` of `Model` takes request, but must take one: the websocket.",
        ),
        (
            ["def websocket(self, socket): pass"],
            "`websocket` of `Model` must be a coroutine: write `async def websocket`, without "
            "`yield`.",
        ),
        (
            ["def predict(self, request: Request): pass", "def preprocess(self, x): pass"],
            "`predict` of `Model` takes only the request, so the result of `preprocess` would be "
            "lost; the server refuses that. Add a parameter for it.",
        ),
        (
            [PREDICT, "def postprocess(self, request: Request): pass"],
            "`postprocess` of `Model` takes only the request, so the result of `predict` would be "
            "lost; the server refuses that. Add a parameter for it.",
        ),
        (
            [PREDICT, "def __init__(self, weights): pass"],
            "`__init__` of `Model` requires `weights`, which the server does not pass. It passes, "
            "by keyword, those that are there of: config, data_dir, environment, "
            "lazy_data_resolver, secrets.",
        ),
        (
            [PREDICT, "def __init__(self, environment=None, /): pass"],
            "`__init__` of `Model` takes `environment` by position alone, and the server passes it "
            "by keyword. Remove the `/`.",
        ),
        (
            [PREDICT, "def __init__(): pass"],
            "`__init__` of `Model` takes no `self`: the server cannot call it.",
        ),
        (
            [PREDICT, "async def __init__(self): pass"],
            "`__init__` of `Model` is `async`: the server cannot call it.",
        ),
        (
            [PREDICT, "def load(self, path, *, device): pass"],
            "`load` of `Model` takes path, device, but the server calls it without.",
        ),
        (
            [PREDICT, "def load(): pass"],
            "`load` of `Model` takes no `self`, but the server calls it without.",
        ),
        (
            [PREDICT, "async def load(self): pass"],
            "`load` of `Model` is `async`: the server does not await it, so nothing is loaded. "
            "Remove `async`.",
        ),
        (
            ["def websocket(self, socket): pass", "def postprocess(self, x): pass"],
            "the class `Model` has `websocket` and `postprocess`, which exclude each other.",
        ),
        (
            ["def embeddings(self, x): pass", "def predikt(self, x): pass"],
            "the class `Model` has no method `predict`, and no `websocket`: the server refuses it. "
            "`embeddings` alone is not enough. Is `predikt` meant to be it?",
        ),
    ],
)
def test_messages_say_what_to_do(members: List[str], message: str) -> None:
    assert told(*members, before="from fastapi import Request")[0] == message


def test_each_method_is_reported() -> None:
    names = ("preprocess", "predict", "postprocess", "completions", "messages", "responses")
    found = told(*(f"def {name}(self, a, b): pass" for name in names), "def load(self, c): pass")
    assert {message.split("`")[1] for message in found} == {*names, "load"}


@pytest.mark.parametrize(
    ("annotation", "second", "first", "alone"),
    [
        # True if it is reported: as the second argument, as both, and as the only one after
        # `preprocess`. An unknown class may be the request.
        ("Request", False, True, True),
        ("dict", True, True, False),
        ("'Request'", True, True, False),
        ("Optional[Request]", True, True, False),
        ("Unknown", False, False, False),
    ],
)
def test_where_the_request_may_be(annotation: str, second: bool, first: bool, alone: bool) -> None:
    before = "from fastapi import Request"
    preprocess = "def preprocess(self, x): pass"
    for members, is_told in (
        ([f"def predict(self, x, r: {annotation}): pass"], second),
        ([f"def predict(self, r: {annotation}, x: {annotation}): pass"], first),
        ([f"def predict(self, r: {annotation}): pass", preprocess], alone),
        ([f"def predict(self, r: {annotation}): pass"], False),
        ([PREDICT, f"def postprocess(self, r: {annotation}): pass"], alone),
    ):
        assert len(told(*members, before=before)) == is_told


@pytest.mark.parametrize(
    ("member", "is_told"),
    [
        ("async def websocket(self, w): pass", False),
        ("async def websocket(self, w):\n    yield 1", True),
        ("async def websocket(self, w):\n    if w:\n        x = [(yield)]", True),
        ("async def websocket(self, w):\n    def f():\n        yield 1", False),
        ("async def websocket(self, w):\n    async def f():\n        yield 1", False),
        ("async def websocket(self, w):\n    f = lambda: (yield 1)", False),
        ("@decorate\ndef websocket(self): pass", False),
        ("websocket = make()", False),
    ],
)
def test_a_websocket_is_a_coroutine(member: str, is_told: bool) -> None:
    assert bool(told(member)) is is_told


def test_an_argument_of_an_extension() -> None:
    extra = ("trt_llm",)
    assert not told(PREDICT, "def __init__(self, *, trt_llm, **rest): pass", extra=extra)
    for parameters in ("self", "self, **trt", "self, engine=None"):
        (message,) = told(PREDICT, f"def __init__({parameters}): pass", extra=extra)
        assert message.endswith("which Truss requires of a model with `trt_llm` in its config.")
    (message,) = told(PREDICT, "def __init__(self, trt_llm): pass")
    assert "requires `trt_llm`" in message


def test_an_init_that_is_not_called_with_what_the_server_has() -> None:
    init = "def __init__(self, path): pass"
    assert len(told(PREDICT, init)) == 1
    assert not told(PREDICT, init, "def __new__(cls, config): pass")
    assert not told(PREDICT, f"@inject\n{init}")
    assert not told(PREDICT, "def __init__(self, environment=None, /, **rest): pass")


# --- Python's own answer.

TOKENS = "self config / path environment=None *args * secrets c d=2 **kwargs".split()


def _is_valid(parameters: str) -> bool:
    try:
        compile(f"def f({parameters}): pass", "f", "exec")
    except SyntaxError:
        return False
    return True


PARAMETERS = [
    parameters
    for count in range(len(TOKENS))
    for parameters in map(", ".join, itertools.combinations(TOKENS, count))
    if _is_valid(parameters)
]


def run(member: str) -> Any:
    namespace: Dict[str, Any] = {}
    exec("class Model:\n    " + f"{member}\n{PREDICT}".replace("\n", "\n    "), namespace)
    return namespace["Model"]


@pytest.mark.parametrize("decorator", ["", "@staticmethod\n", "@classmethod\n"])
def test_load_is_reported_if_python_cannot_call_it(decorator: str) -> None:
    members = [f"{decorator}def load({parameters}): pass" for parameters in PARAMETERS]
    assert len(members) > 300
    assert [m for m in members if len(told(m, PREDICT)) != _is_refused(run(m)().load, {})] == []


def test_init_is_reported_if_python_cannot_call_it() -> None:
    wrong = []
    for parameters in PARAMETERS:
        if parameters.startswith(INIT_ARGUMENTS):
            # Without `self`, the server would pass what is in its place once more.
            continue
        member = f"def __init__({parameters}): pass"
        model = run(member)
        try:
            taken = inspect.signature(model).parameters
        except ValueError:
            # It has no place for `self`.
            is_refused = True
        else:
            # As `_prepare_init_args` of the server does.
            takes_all = any(p.kind is p.VAR_KEYWORD for p in taken.values())
            names = [name for name in INIT_ARGUMENTS if takes_all or name in taken]
            is_refused = _is_refused(model, dict.fromkeys(names))
        if bool(told(member, PREDICT)) != is_refused:
            wrong.append(parameters)
    assert wrong == []


def _is_refused(function: Callable[..., object], arguments: Mapping[str, None]) -> bool:
    try:
        function(**arguments)
    except TypeError:
        return True
    return False
