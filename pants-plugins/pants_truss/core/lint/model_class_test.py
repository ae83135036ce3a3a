from __future__ import annotations

import sys
from typing import List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pants_truss.core.lint.model_class import ModelFile, check_model_class

PREDICT = "    def predict(self, x):\n        return x\n"


def told(source: str, name: str = "Model", python: Tuple[int, int] = (3, 9)) -> List[str]:
    model = ModelFile("model/model.py", source.encode(), name, python)
    return [f"{finding.line}: {finding.message}" for finding in check_model_class(model)]


def test_the_class_has_another_name() -> None:
    (message,) = told("class Sentiment:\n" + PREDICT)
    assert message == (
        "1: it has no class `Model`, which the server loads. It has `Sentiment`: rename it to "
        "`Model`, or write `model_class_name: Sentiment` in the config."
    )
    assert not told("class Sentiment:\n" + PREDICT, "Sentiment")


def test_the_line_is_that_of_the_method() -> None:
    (message,) = told("class Model:\n    x = 1\n\n    def predict(self, a, b):\n        pass\n")
    assert message.startswith("4: `predict` of `Model` takes a, b: of two")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", "None: {start} Write `class Model:` with a method `predict`."),
        ("Model: type\ndef f():\n    class Model: pass\n", "None: {start} Write `class Model:`"),
        # The nearest name; else the first.
        ("class Base: pass\nclass MyModel: pass\n", "2: {start} It has `MyModel`: rename it to"),
        ("class Zz: pass\n\nclass Yy: pass\n", "3: {start} It has `Yy`: rename it to `Model`, or"),
        ("if x:\n    class Zz: pass\n", "2: {start} It has `Zz`"),
    ],
)
def test_no_such_class(source: str, expected: str) -> None:
    (message,) = told(source)
    start = "it has no class `Model`, which the server loads."
    assert message.startswith(expected.format(start=start))


@pytest.mark.parametrize(
    "source",
    [
        "from base import *\n",
        "from base import Other as Model\n",
        "import base as Model\n",
        "Model = make()\n",
        "Model = None\nclass Model:\n    pass\n",
        "def __getattr__(name):\n    return make(name)\n",
        "globals()['Model'] = make()\n",
        "with x as (Model, y):\n    pass\n",
        "class Model(base.Model):\n    pass\n",
        "class Model(make()):\n    pass\n",
        "class Model(metaclass=Meta):\n    pass\n",
        "class Model:\n    pass\nregister(Model)\n",
        "class Model:\n    def __init__(self):\n        extend(self)\n",
        "class Model:\n    predict = make()\n",
        "class Model:\n    from base import predict\n",
        "class Model:\n    @property\n    def predict(self):\n        return f\n",
        "class Model:\n    if x:\n        def predict(self, x): pass\n    else:\n        predict = f\n",
    ],
)
def test_what_may_be_a_model_is_taken_for_one(source: str) -> None:
    assert not told(source)


def test_a_method_of_a_base_is_reported_where_it_is() -> None:
    base = "class Base:\n    def predict(self, a, b):\n        pass\n"
    (message,) = told(base + "class Model(Base):\n    pass\n")
    assert message.startswith("2: `predict` of `Model` takes a, b")
    assert not told(base + "class Model(Base):\n" + PREDICT)
    assert not told(base + "class Model(Base):\n    predict = make()\n")


def test_a_result_that_would_be_lost_is_reported_at_the_method_that_loses_it() -> None:
    source = "from fastapi import Request\nclass Model:\n    def {}(self, r: Request): pass\n"
    (message,) = told(source.format("predict") + "    def preprocess(self, x): pass\n")
    assert message.startswith("3: `predict` of `Model` takes only the request")
    (message,) = told(source.format("postprocess") + PREDICT)
    assert message.startswith("3: `postprocess` of `Model` takes only the request")


def test_a_finding_is_about_the_file_and_fatal() -> None:
    (finding,) = check_model_class(ModelFile("a b/é.py", b"", "Model", (3, 9)))
    assert (finding.path, finding.rule, finding.is_fatal) == ("a b/é.py", "model-class", True)


def test_newer_syntax_excuses_no_python_that_is_as_old() -> None:
    source = "def f[T](x: T): pass\n" if sys.version_info < (3, 12) else "def f(: pass\n"
    current = (sys.version_info[0], sys.version_info[1])
    (message,) = told(source + "class Model:\n" + PREDICT, python=current)
    assert message.startswith("1: it cannot be parsed as Python: ")


@pytest.mark.parametrize(
    "line",
    [
        "match x:\n    case 1:\n        pass",
        "try:\n    pass\nexcept* ValueError:\n    pass",
        "type A = int",
        "with (open(a) as b, open(c) as d):\n    pass",
        "def f[T](x: T): pass",
        "class A[T]: pass",
        "f'{x[\"a\"]!r:{y}} {'",
        "def g(x, *, i):\n    return x[*i]",
        "def g(x, y):\n    return x[y, *y]",
        "def g(*args: *Ts): pass",
        "x = [1][i := 0]",
        "x = {i := 1}",
        "x = {1, i := 1}",
        "try:\n    pass\nexcept A, B:\n    pass",
        "x\U0001e030 = 1",
    ],
)
def test_newer_syntax_is_not_an_error(line: str) -> None:
    newer = (sys.version_info[0], sys.version_info[1] + 1)
    assert not told(f"{line}\nclass Model:\n{PREDICT}", python=newer)


def test_a_syntax_error_in_any_python() -> None:
    source = "class Model:\n    def predict(self, x)\n        pass\n"
    for python in ((3, 9), (3, 14)):
        (message,) = told(source, python=python)
        assert message.startswith("2: it cannot be parsed as Python")


def test_trt_llm_wants_its_argument() -> None:
    model = ModelFile("m.py", b"class Model:\n" + PREDICT.encode(), "Model", (3, 9), ("trt_llm",))
    assert not check_model_class(model)
    source = b"class Model:\n    def __init__(self, config):\n        pass\n" + PREDICT.encode()
    (finding,) = check_model_class(ModelFile("m.py", source, "Model", (3, 9), ("trt_llm",)))
    assert "has no argument `trt_llm`" in finding.message


DIAMONDS = "class A0:\n    pass\n" + "".join(
    f"class L{n}(A{n}):\n    pass\nclass R{n}(A{n}):\n    pass\nclass A{n + 1}(L{n}, R{n}):\n    pass\n"
    for n in range(60)
)


@pytest.mark.parametrize(
    "source",
    [
        # Which of several bases a method comes from, Python's own order says.
        "class Base:\n    def predict(self, a, b, c):\n        pass\n"
        "class A(Base):\n    pass\nclass B(Base):\n" + PREDICT + "class Model(A, B):\n    pass\n",
        DIAMONDS + "class Model(A60):\n    pass\n",
        "class Model(Model):\n    pass\n",
        "class A(B):\n    pass\nclass B(A):\n    pass\nclass Model(A):\n    pass\n",
        "if x:\n    pass\n" + "elif x:\n    pass\n" * 3000 + "class Model:\n" + PREDICT,
        "x = " + "a." * 5000 + "b\nclass Model:\n" + PREDICT,
        "x = " + "(" * 150 + ")" * 150 + "\nclass Model:\n" + PREDICT,
        "".join(f"class C{n + 1}(C{n}):\n    pass\n" for n in range(3000))
        + "class Model(C3000):\n    pass\n",
    ],
    ids=range(8),
)
def test_what_is_uncertain_is_not_reported(source: str) -> None:
    assert not told(source)


def test_nul_bytes_and_odd_encodings() -> None:
    for content in (b"class Model:\0", b"# coding: nonsense\n", b"\xff\xfe", b"# coding: utf-7\n+"):
        (finding,) = check_model_class(ModelFile("m.py", content, "Model", (3, 9)))
        assert "cannot be parsed as Python" in finding.message
    source = "# coding: latin-1\n# \xe9\nclass Model:\n" + PREDICT
    assert not check_model_class(ModelFile("m.py", source.encode("latin-1"), "Model", (3, 9)))
    bom = b"\xef\xbb\xbfclass Model:\r\n" + PREDICT.replace("\n", "\r\n").encode()
    assert not check_model_class(ModelFile("m.py", bom, "Model", (3, 9)))


PIECES = st.lists(
    st.sampled_from(
        [
            "class Model",
            "(",
            ")",
            ":",
            "\n    ",
            "\n",
            "def predict(self, ",
            "x",
            "request: Request",
        ]
        + [
            "async ",
            "import *",
            "from a ",
            "@b\n",
            "= ",
            "**k",
            "*a, ",
            "if x:",
            "lambda: ",
            "[",
            "]",
        ]
        + ["self.predict = 1", "pass", "yield", "global Model", "\t", "'", '"""', "#", "é"]
    ),
    max_size=25,
).map("".join)


@given(PIECES)
@settings(max_examples=800)
def test_any_source_gives_findings_only(source: str) -> None:
    told(source)
