"""Uses a stand-in distribution with the parts of Truss that the script needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

SCRIPTS = Path(__file__).resolve().parent
VALIDATE = SCRIPTS.parent.parent / "truss_cli/validate_config.py"

TRUSS_CONFIG = """\
import warnings
import yaml

class Invalid(Exception):
    def errors(self):
        return [
            {"loc": ("resources", 0), "msg": "is too large", "type": "x"},
            {"loc": (), "msg": "is wrong", "type": "x"},
        ]

class TrussConfig:
    @classmethod
    def from_yaml(cls, path):
        config = cls()
        with path.open(encoding="utf-8") as file:
            config.data = yaml.safe_load(file)
        if "invalid" in config.data:
            raise Invalid
        warnings.warn("deprecated")
        return config

    def to_dict(self, verbose):
        return {"verbose": verbose, **self.data}
"""


def dump(folder: Path, config: str) -> Any:
    for script in (SCRIPTS / "dump_config.py", VALIDATE):
        shutil.copy(script, folder)
    package = folder / "site/truss/base"
    package.mkdir(parents=True)
    (package / "truss_config.py").write_text(TRUSS_CONFIG)
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    path = os.pathsep.join([str(folder / "site"), str(Path(yaml.__file__).parent.parent)])
    return subprocess.run(
        [sys.executable, "dump_config.py", "config.yaml", "app/deep/config.yaml"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )


def test_a_config_with_its_defaults(tmp_path: Path) -> None:
    run = dump(tmp_path, "model_name: ä ☃\nrequirements: [a, b]\n")
    # A warning would look like an error.
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    found = yaml.safe_load((tmp_path / "app/deep/config.yaml").read_text("utf-8"))
    assert found == {"verbose": True, "model_name": "ä ☃", "requirements": ["a", "b"]}


@pytest.mark.parametrize(
    "config, error",
    [
        ("invalid: 1\n", "is too large; is wrong\n"),
        # The message of each Python.
        ("5\n", "TypeError: argument of type 'int' is not "),
    ],
)
def test_an_invalid_config_gives_one_line(tmp_path: Path, config: str, error: str) -> None:
    run = dump(tmp_path, config)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith(error) and len(run.stderr.splitlines()) == 1
    assert not (tmp_path / "app").exists()
