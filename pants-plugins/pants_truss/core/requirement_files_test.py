from __future__ import annotations

import pytest

from pants_truss.core.environment import Wanted
from pants_truss.core.errors import TrussError
from pants_truss.core.requirement_files import is_beside, read_requirements

PROJECT = '[project]\nname = "x"\ndependencies = ["rich>=13", "numpy"]\n'
LOCK = """\
version = 1

[[package]]
name = "x"
version = "0.1.0"
source = { virtual = "." }

[[package]]
name = "rich"
version = "13.9.4"
source = { registry = "https://example.com/simple" }

[[package]]
name = "numpy"
version = "1.26.4"
source = { registry = "https://example.com/simple" }

[[package]]
name = "numpy"
version = "2.1.0"
source = { registry = "https://example.com/simple" }

[[package]]
name = "mine"
version = "1.0"
source = { path = "wheels/mine.whl" }
"""


def test_a_pip_file() -> None:
    assert is_beside("t/requirements.txt") == ("t/requirements.txt",)
    wanted = read_requirements("t/requirements.txt", {"t/requirements.txt": "rich\n# why\n"})
    assert wanted == Wanted(("rich", "# why"))


def test_a_pyproject() -> None:
    assert read_requirements("t/pyproject.toml", {"t/pyproject.toml": PROJECT}) == Wanted(
        ("rich>=13", "numpy")
    )


def test_a_uv_lock_pins_what_it_has_once() -> None:
    assert is_beside("uv.lock") == ("uv.lock", "pyproject.toml")
    assert is_beside("t/uv.lock") == ("t/uv.lock", "t/pyproject.toml")
    contents = {"t/uv.lock": LOCK, "t/pyproject.toml": PROJECT}
    assert read_requirements("t/uv.lock", contents) == Wanted(
        ("rich>=13", "numpy"), ("rich==13.9.4",)
    )


@pytest.mark.parametrize(
    "text", ["", "[project]\n", '[project]\ndependencies = "rich"\n', "[tool.x]\na = 1\n"]
)
def test_a_pyproject_without_dependencies(text: str) -> None:
    assert read_requirements("pyproject.toml", {"pyproject.toml": text}) == Wanted(())


def test_bad_files() -> None:
    with pytest.raises(TrussError, match="pyproject.toml is not TOML"):
        read_requirements("pyproject.toml", {"pyproject.toml": "[project\n"})
    with pytest.raises(TrussError, match="t/uv.lock has no pyproject.toml beside it"):
        read_requirements("t/uv.lock", {"t/uv.lock": LOCK})
