from __future__ import annotations

from typing import Dict

import pytest
import yaml
from pants.engine.fs import Digest, DigestContents
from pants.engine.internals.scheduler import ExecutionError
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.serving import environment
from pants_truss.serving.server_files import (
    FullConfig,
    FullConfigRequest,
    ServerFiles,
    ServerFilesRequest,
)
from pants_truss.testutil.results import raised
from pants_truss.testutil.stand_in_pex import FOLDER, TOOL, with_stand_in_pex
from pants_truss.truss_cli.rules import TrussCliFailed

TRUSS = f"{FOLDER}/{TOOL}/truss"
TEMPLATES = f"{TRUSS}/templates"


@pytest.fixture
def rule_runner() -> RuleRunner:
    """Each case has its own Truss."""
    runner = RuleRunner(
        rules=[
            *with_stand_in_pex(environment.rules()),
            QueryRule(FullConfig, [FullConfigRequest]),
            QueryRule(ServerFiles, [ServerFilesRequest]),
        ]
    )
    runner.set_options([], env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    return runner


def contents(rule_runner: RuleRunner, digest: Digest) -> Dict[str, str]:
    found = rule_runner.request(DigestContents, [digest])
    return {file.path: file.content.decode() for file in found}


def write_server(rule_runner: RuleRunner, server: Dict[str, str]) -> None:
    files = {
        "shared/util.py": "U = 1\n",
        "server/truss_server.py": "from shared import util\n",
        **{f"server/{path}": text for path, text in server.items()},
    }
    rule_runner.write_files({f"{TEMPLATES}/{path}": text for path, text in files.items()})
    rule_runner.write_files({f"{TRUSS}/__init__.py": ""})


def server_of(rule_runner: RuleRunner) -> ServerFiles:
    return rule_runner.request(ServerFiles, [ServerFilesRequest()])


def failure(rule_runner: RuleRunner, output: type, request: object) -> str:
    with pytest.raises(ExecutionError) as caught:
        rule_runner.request(output, [request])
    error = raised(caught)
    assert isinstance(error, TrussCliFailed)
    return str(error)


# --- The server.


def test_the_server_lies_below_app_with_the_lines_of_its_pip_files(
    rule_runner: RuleRunner,
) -> None:
    write_server(
        rule_runner,
        {
            "requirements.txt": (
                "# of the server\n\nfastapi>=0.109\r\nnumpy<2 ; python_version < '3.13'  # why\n"
                "uvicorn==0.24.0 \\\n  --hash=sha256:00\n"
            ),
            "constraints.txt": "h11==0.14\n",
            "__pycache__/x.pyc": "",
            "common/errors.py": "é\n",
        },
    )
    found = server_of(rule_runner)
    assert found.constraints == ("h11==0.14",)
    # A line that goes on below is one line.
    (*others, hashed) = found.requirements
    assert others == ["fastapi>=0.109", "numpy<2 ; python_version < '3.13'"]
    assert hashed.split()[0] == "uvicorn==0.24.0"
    assert set(contents(rule_runner, found.digest)) == {
        "app/common/errors.py",
        "app/constraints.txt",
        "app/requirements.txt",
        "app/shared/util.py",
        "app/truss_server.py",
    }


def test_a_release_that_shares_its_code_under_another_name(rule_runner: RuleRunner) -> None:
    write_server(rule_runner, {"truss_server.py": "from _truss_shared import util\n"})
    found = server_of(rule_runner)
    assert contents(rule_runner, found.digest) == {
        "app/_truss_shared/util.py": "U = 1\n",
        "app/truss_server.py": "from _truss_shared import util\n",
    }
    # Older releases have no constraints, which is not an error.
    assert (found.requirements, found.constraints) == ((), ())


def test_pip_files_that_are_not_utf8(rule_runner: RuleRunner) -> None:
    write_server(rule_runner, {})
    path = f"{TEMPLATES}/server/requirements.txt"
    rule_runner.write_files({path: b"a==1  # caf\xe9\nb\n"})
    assert server_of(rule_runner).requirements == ("a==1", "b")


def test_a_release_without_a_server(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({f"{TRUSS}/__init__.py": ""})
    text = failure(rule_runner, ServerFiles, ServerFilesRequest())
    start = "The Truss release of `[truss-cli]` has no model server that can run here: "
    assert text.startswith(f"{start}FileNotFoundError: ") and "\n" not in text
    assert text.endswith(
        "templates/server'. Set `[truss-cli].install_from_resolve` to another release."
    )


# --- The config.

# A minimal config class: it returns the loaded config with its defaults.
TRUSS_CONFIG = """\
import sys
from pathlib import Path
import yaml

class TrussConfig:
    def __init__(self, data):
        self.data = data

    @classmethod
    def from_yaml(cls, path):
        print("what Truss thinks of it", file=sys.stderr)
        assert isinstance(path, Path)
        data = yaml.safe_load(path.read_text("utf-8")) or {}
        if "wrong" in data:
            raise ValueError(f"no `wrong` may be there: {data['wrong']}")
        return cls(data)

    def to_dict(self, verbose):
        return {"runtime": {"predict_concurrency": 1}, "verbose": verbose, **self.data}
"""


def write_truss(rule_runner: RuleRunner, init: str = "") -> None:
    files = {"__init__.py": init, "base/__init__.py": "", "base/truss_config.py": TRUSS_CONFIG}
    rule_runner.write_files({f"{TRUSS}/{path}": text for path, text in files.items()})


@pytest.mark.parametrize("content", ["", "model_name: Größe\n# no more\n", "{a: [1, {b: null}]}"])
def test_a_config_gets_its_defaults(rule_runner: RuleRunner, content: str) -> None:
    write_truss(rule_runner)
    request = FullConfigRequest("src/t/config.yaml", content.encode())
    found = rule_runner.request(FullConfig, [request])
    written = contents(rule_runner, found.digest)
    assert list(written) == ["app/config.yaml"]
    assert yaml.safe_load(written["app/config.yaml"]) == {
        "runtime": {"predict_concurrency": 1},
        "verbose": True,
        **(yaml.safe_load(content) or {}),
    }


def test_truss_itself_is_not_imported_for_a_config(rule_runner: RuleRunner) -> None:
    """The import takes three times as long; here it would fail."""
    write_truss(rule_runner, "raise SystemExit('imported')\n")
    found = rule_runner.request(FullConfig, [FullConfigRequest("config.yaml", b"a: 1\n")])
    assert "a: 1\n" in contents(rule_runner, found.digest)["app/config.yaml"]


@pytest.mark.parametrize(
    "content, end",
    [
        (b"wrong: 3\n", "ValueError: no `wrong` may be there: 3"),
        (b"\xff", "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0: "),
    ],
)
def test_a_config_that_truss_cannot_load(rule_runner: RuleRunner, content: bytes, end: str) -> None:
    write_truss(rule_runner)
    text = failure(rule_runner, FullConfig, FullConfigRequest("src/é/prod.yaml", content))
    assert text.startswith(f"src/é/prod.yaml: Truss cannot load the config: {end}")
    assert "\n" not in text


def test_a_release_without_a_config_class(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({f"{TRUSS}/__init__.py": ""})
    text = failure(rule_runner, FullConfig, FullConfigRequest("config.yaml", b""))
    assert text == (
        "config.yaml: Truss cannot load the config: ModuleNotFoundError: No module named "
        "'truss.base'"
    )
