"""Model classes: what linting says of each, which the real server must agree with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Tuple

HEAD = "import fastapi\nfrom fastapi import Request, WebSocket\n"
PREDICT = "    def predict(self, x):\n        return x\n"


@dataclass(frozen=True)
class ModelCase:
    """`message` is part of what linting says, and empty for a near miss, which the server must load
    and, where it gives `answer` to the request 1, answer."""

    name: str
    source: str
    message: str = ""
    answer: Any = None


def _model(body: str, before: str = "", after: str = "", bases: str = "") -> str:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"{HEAD}{before}class Model{bases}:\n{lines}{after}"


BAD: Tuple[ModelCase, ...] = (
    ModelCase("other_class", "class Other:\n" + PREDICT, "has no class `Model`"),
    ModelCase("nested_class", "class A:\n    class Model:\n        pass\n", "has no class `Model`"),
    ModelCase("annotation_only", "Model: type\n", "has no class `Model`"),
    ModelCase("empty_file", "", "has no class `Model`"),
    ModelCase("syntax", "class Model(:\n", "cannot be parsed as Python"),
    ModelCase("no_method", _model("pass"), "has no method `predict`"),
    ModelCase(
        "misspelt", _model("def preditc(self, x):\n    return x"), "Is `preditc` meant to be it?"
    ),
    ModelCase(
        "chat_alone",
        _model("def chat_completions(self, x):\n    return x"),
        "`chat_completions` alone is not enough",
    ),
    ModelCase(
        "both",
        _model("async def websocket(self, w):\n    pass\ndef predict(self, x):\n    return x"),
        "exclude each other",
    ),
    ModelCase("no_self", _model("def predict():\n    return 1"), "takes no `self`"),
    ModelCase("three", _model("def predict(self, a, b, c):\n    return a"), "takes 3 arguments"),
    ModelCase(
        "two_plain",
        _model("def predict(self, a, b):\n    return a"),
        "of two arguments the second must be the request",
    ),
    ModelCase(
        "default_counts",
        _model("def predict(self, a, temperature=1.0):\n    return a"),
        "of two arguments the second must be the request",
    ),
    ModelCase(
        "two_typed",
        _model("def predict(self, a: dict, b: dict):\n    return a"),
        "of two arguments the second must be the request",
    ),
    ModelCase(
        "optional_request",
        _model(
            "def predict(self, a, r: Optional[Request] = None):\n    return a",
            "from typing import Optional\n",
        ),
        "of two arguments the second must be the request",
    ),
    ModelCase(
        "text_annotation",
        "from __future__ import annotations\n"
        + _model("def predict(self, a, request: Request):\n    return a"),
        "An annotation as text does not count",
    ),
    ModelCase(
        "request_first",
        _model("def predict(self, request: Request, a):\n    return a"),
        "takes the request first",
    ),
    ModelCase("args", _model("def predict(self, *a, **k):\n    return a"), "takes a, k"),
    ModelCase(
        "lost_preprocess",
        _model(
            "def preprocess(self, x):\n    return x\n"
            "def predict(self, request: Request):\n    return 1"
        ),
        "the result of `preprocess` would be lost",
    ),
    ModelCase(
        "lost_predict",
        _model(
            "def predict(self, x):\n    return x\n"
            "def postprocess(self, request: Request):\n    return 1"
        ),
        "the result of `predict` would be lost",
    ),
    ModelCase(
        "healthy",
        _model("def predict(self, x):\n    return x\ndef is_healthy(self, x):\n    return True"),
        "the server passes no argument",
    ),
    ModelCase("sync_websocket", _model("def websocket(self, w):\n    pass"), "must be a coroutine"),
    ModelCase(
        "websocket_generator", _model("async def websocket(self, w):\n    yield 1"), "coroutine"
    ),
    ModelCase("websocket_alone", _model("async def websocket(self):\n    pass"), "must take one"),
    ModelCase(
        "init_requires",
        _model("def __init__(self, path):\n    pass\ndef predict(self, x):\n    return x"),
        "requires `path`",
    ),
    ModelCase(
        "async_init",
        _model("async def __init__(self):\n    pass\ndef predict(self, x):\n    return x"),
        "is `async`",
    ),
    ModelCase(
        "load_requires",
        _model("def load(self, path):\n    pass\ndef predict(self, x):\n    return x"),
        "takes path, but the server calls it without",
    ),
    ModelCase(
        "local_base",
        _model(
            "pass", "class Base:\n    def predict(self, a, b):\n        return a\n", bases="(Base)"
        ),
        "of two arguments the second must be the request",
    ),
)

# It loads, and what it should have loaded is not there.
NOT_AWAITED = ModelCase(
    "async_load",
    _model(
        "ready = False\nasync def load(self):\n    self.ready = True\n"
        "def predict(self, x):\n    return self.ready"
    ),
    "does not await it",
    False,
)

GOOD: Tuple[ModelCase, ...] = (
    ModelCase("plain", _model("def predict(self, x):\n    return x"), answer=1),
    ModelCase("async", _model("async def predict(self, x):\n    return x"), answer=1),
    ModelCase("request", _model("def predict(self, x, request: Request):\n    return x")),
    ModelCase("dotted", _model("def predict(self, x, r: fastapi.Request):\n    return x")),
    ModelCase("only_request", _model("async def predict(self, request: Request):\n    return 1")),
    ModelCase("websocket", _model("async def websocket(self, w: WebSocket):\n    pass")),
    ModelCase("static", _model("@staticmethod\ndef predict(x):\n    return x"), answer=1),
    ModelCase("class_method", _model("@classmethod\ndef predict(cls, x):\n    return x"), answer=1),
    ModelCase("lambda_", _model("predict = lambda self, x: x"), answer=1),
    ModelCase("renamed", "class A:\n" + PREDICT + "Model = A\n", answer=1),
    ModelCase("factory", "class A:\n" + PREDICT + "def Model(config):\n    return A()\n", answer=1),
    ModelCase("inherited", _model("pass", "class A:\n" + PREDICT, bases="(A)"), answer=1),
    ModelCase(
        "conditional",
        "try:\n    import nope_xyz\nexcept ImportError:\n    class Model:\n"
        "        def predict(self, x):\n            return x\n",
        answer=1,
    ),
    ModelCase(
        "set_in_init",
        _model("def __init__(self):\n    self.predict = lambda x: x"),
        answer=1,
    ),
    ModelCase(
        "set_on_class", _model("pass", after="Model.predict = lambda self, x: x\n"), answer=1
    ),
    ModelCase(
        "decorated",
        _model(
            "@fix\ndef predict(self, a, b, c):\n    return a",
            "def fix(f):\n    def predict(self, x):\n        return x\n    return predict\n",
        ),
        answer=1,
    ),
    ModelCase(
        "class_decorator",
        "def add(c):\n    c.predict = lambda self, x: x\n    return c\n"
        "@add\nclass Model:\n    pass\n",
        answer=1,
    ),
    ModelCase(
        "dynamic",
        _model(
            "def __getattr__(self, name):\n    if name != 'predict':\n"
            "        raise AttributeError(name)\n    return lambda x: x"
        ),
        answer=1,
    ),
    ModelCase(
        "overload",
        _model(
            "@typing.overload\ndef predict(self, a, b):\n    ...\n"
            "def predict(self, a):\n    return a",
            "import typing\n",
        ),
        answer=1,
    ),
    ModelCase(
        "global_statement",
        "def make():\n    global Model\n    class Model:\n        def predict(self, x):\n"
        "            return x\nmake()\n",
        answer=1,
    ),
    ModelCase(
        "all_kwargs",
        _model(
            "def __init__(self, config, data_dir=None, *, secrets, **kwargs):\n    pass\n"
            "def predict(self, x):\n    return x"
        ),
        answer=1,
    ),
    ModelCase(
        "load_with_default",
        _model("def load(self, path=None):\n    pass\ndef predict(self, x):\n    return x"),
        answer=1,
    ),
    ModelCase(
        "alias_of_request",
        _model("def predict(self, x, r: R):\n    return x", "from fastapi import Request as R\n"),
    ),
)
