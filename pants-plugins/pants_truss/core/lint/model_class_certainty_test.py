"""A class that gets its `predict` in a way that the source does not spell out: nothing is
reported, because an error of this rule stops `pants package`."""

from __future__ import annotations

from typing import Dict, List

import pytest

from pants_truss.core.lint.model_class import ModelFile, check_model_class

ELSEWHERE: Dict[str, str] = {
    "a base that is patched": """\
        class Base:
            pass
        Base.predict = lambda self, x: x
        class Model(Base):
            pass
        """,
    "a base that is passed on": """\
        from kit import register
        class Base:
            pass
        register(Base)
        class Model(Base):
            pass
        """,
    "a class that is passed by keyword": """\
        from kit import register
        class Model:
            pass
        register(model=Model)
        """,
    "an object that is passed by keyword": """\
        from kit import register
        class Model:
            def __init__(self):
                register(model=self)
        """,
    "another class": """\
        from kit import Other
        class Model:
            def __init__(self):
                self.__class__ = Other
        """,
    "other attributes": """\
        from kit import attributes
        class Model:
            def __init__(self):
                self.__dict__ = attributes
        """,
    "another name of self": """\
        from kit import register
        class Model:
            def __init__(this):
                register(this)
        """,
    "another name of the class": """\
        class Model:
            pass
        M = Model
        M.predict = lambda self, x: x
        """,
    "another name, with its type": """\
        class Model:
            pass
        M: type = Model
        M.predict = lambda self, x: x
        """,
}

CERTAIN: Dict[str, str] = {
    "another class that is passed on": """\
        from kit import register
        class Other:
            pass
        register(Other)
        class Model:
            pass
        """,
    "another argument that is passed on": """\
        from kit import register
        class Model:
            def __init__(self, config):
                register(config)
        """,
    "a method that is passed on": """\
        from kit import register
        class Model:
            def load(self):
                register(self.load)
        """,
}


def told(source: str) -> List[str]:
    lines = source.splitlines()
    text = "\n".join(line[8:] for line in lines)
    model = ModelFile("model/model.py", text.encode(), "Model", (3, 9))
    return [finding.message for finding in check_model_class(model)]


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_is_uncertain_is_not_reported(name: str) -> None:
    assert not told(ELSEWHERE[name])


@pytest.mark.parametrize("name", CERTAIN)
def test_what_is_certain_is_reported(name: str) -> None:
    (message,) = told(CERTAIN[name])
    assert "has no method `predict`" in message
