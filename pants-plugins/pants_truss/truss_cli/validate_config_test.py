"""Stand-in distributions provide the parts of Truss that the script uses, as its releases do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

SCRIPT = Path(__file__).resolve().parent / "validate_config.py"

CONFIG = """\
import warnings
from pathlib import Path

print("Truss says something.")

class Invalid(Exception):
    def __init__(self, entries):
        self.entries = entries
    def errors(self):
        return self.entries

class TrussConfig:
    @classmethod
    def from_yaml(cls, path):
        assert isinstance(path, Path)
        warnings.warn("deprecated")
        print("Loading.")
        config = cls()
        exec(path.read_text("utf-8"))
        return config
"""


def validate(folder: Path, config: str, **modules: str) -> Any:
    """`config` is code that runs where Truss would look at the config."""
    files = {"truss/__init__.py": "", "truss/base/__init__.py": "", **modules}
    files.setdefault("truss/base/truss_config.py", CONFIG)
    for name, content in files.items():
        path = folder / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    return subprocess.run(
        [sys.executable, str(SCRIPT), "config.yaml"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "site")},
        capture_output=True,
        text=True,
    )


def errors(run: Any) -> List[Dict[str, Any]]:
    assert run.returncode == 0, run.stderr
    answer: List[List[Dict[str, Any]]] = json.loads(run.stdout)
    (found,) = answer
    return found


def test_a_valid_config(tmp_path: Path) -> None:
    run = validate(tmp_path, "")
    assert run.stdout == "[[]]"
    # Output and warnings of Truss are not part of the answer.
    assert run.stderr == "Truss says something.\nLoading.\n"


@pytest.mark.parametrize(
    "code, expected",
    [
        ("raise ValueError('no')", [{"key": [], "message": "ValueError: no"}]),
        ("raise KeyError('a')", [{"key": [], "message": "KeyError: 'a'"}]),
        ("raise ValueError", [{"key": [], "message": "ValueError: "}]),
        ("raise ValueError('ä\\n☃')", [{"key": [], "message": "ValueError: ä\n☃"}]),
        ("raise Invalid([])", []),
        (
            "raise Invalid([{'loc': ('a', 0, 'b'), 'msg': 'm', 'input': {1}}, "
            "{'loc': (), 'msg': 'n'}])",
            [{"key": ["a", 0, "b"], "message": "m"}, {"key": [], "message": "n"}],
        ),
        # An attribute of that name that is not a method is ignored.
        (
            "e = ValueError('x')\ne.errors = ['y']\nraise e",
            [{"key": [], "message": "ValueError: x"}],
        ),
    ],
)
def test_invalid_configs(tmp_path: Path, code: str, expected: List[Dict[str, Any]]) -> None:
    assert errors(validate(tmp_path, code)) == expected


def test_unknown_keys_are_reported_if_truss_supports_it(tmp_path: Path) -> None:
    method = (
        "config.validate_forbid_extra = lambda: (_ for _ in ()).throw(ValueError('unknown key'))"
    )
    assert errors(validate(tmp_path, method)) == [{"key": [], "message": "ValueError: unknown key"}]


def test_the_rest_of_truss_is_not_imported(tmp_path: Path) -> None:
    run = validate(tmp_path, "", **{"truss/__init__.py": "raise SystemExit('all of Truss')\n"})
    assert errors(run) == []


@pytest.mark.parametrize(
    "needs",
    [
        "from truss import NAME\n",
        "import truss\ntruss.NAME\n",
        "import truss.missing\n",
    ],
)
def test_a_release_whose_config_needs_the_rest(tmp_path: Path, needs: str) -> None:
    init = "import sys\nNAME = 1\nsys.modules['truss.missing'] = sys\n"
    config = f"{needs}{CONFIG}"
    run = validate(
        tmp_path, "", **{"truss/__init__.py": init, "truss/base/truss_config.py": config}
    )
    assert errors(run) == []


def test_a_release_that_asks_for_its_own_version(tmp_path: Path) -> None:
    config = f"import truss\nassert truss.__version__ == ''\n{CONFIG}"
    assert errors(validate(tmp_path, "", **{"truss/base/truss_config.py": config})) == []


def test_a_tool_without_truss_fails(tmp_path: Path) -> None:
    run = validate(tmp_path, "", **{"truss/base/truss_config.py": "import lacking\n"})
    assert (run.returncode, run.stdout) == (1, "")
    # `TrussScriptResult.last_line` shows this.
    assert run.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'lacking'"


def test_a_missing_config(tmp_path: Path) -> None:
    run = validate(tmp_path, "path = Path('nowhere')\npath.read_text()\n")
    assert errors(run) == [
        {
            "key": [],
            "message": "FileNotFoundError: [Errno 2] No such file or directory: 'nowhere'",
        }
    ]
