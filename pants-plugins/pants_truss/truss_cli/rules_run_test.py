"""Scripts in the tool, which is a folder here. These tests write the parts of Truss it needs."""

from __future__ import annotations

from typing import Any, Dict, Tuple

import pytest
from pants.engine.fs import CreateDigest, Digest, DigestContents, FileContent
from pants.testutil.rule_runner import QueryRule, RuleRunner, engine_error

from pants_truss.testutil.stand_in_pex import FOLDER, TOOL, with_stand_in_pex
from pants_truss.truss_cli import rules as truss_cli
from pants_truss.truss_cli.rules import (
    VALIDATE_CONFIG,
    ConfigError,
    TrussCliFailed,
    TrussScriptRequest,
    TrussScriptResult,
    ValidateConfigsRequest,
    ValidatedConfigs,
)

CONFIG = """\
import json, sys

class Invalid(Exception):
    def __init__(self, entries):
        self.errors = lambda: entries

class TrussConfig:
    @classmethod
    def from_yaml(cls, path):
        config = cls()
        exec(path.read_text("utf-8"))
        return config

    def to_dict(self, verbose):
        return {}
"""
SERVER = {
    "truss/templates/server/truss_server.py": "import shared\n",
    "truss/templates/server/__pycache__/x.pyc": "",
    "truss/templates/shared/util.py": "",
}


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    runner = RuleRunner(
        rules=[
            *with_stand_in_pex(truss_cli.rules()),
            QueryRule(TrussScriptResult, [TrussScriptRequest]),
            QueryRule(ValidatedConfigs, [ValidateConfigsRequest]),
        ]
    )
    files = {"truss/__init__.py": "raise SystemExit('all of Truss')", **SERVER}
    files["truss/base/truss_config.py"] = CONFIG
    runner.write_files({f"{FOLDER}/{TOOL}/{path}": text for path, text in files.items()})
    runner.set_options([], env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    return runner


def run(
    rule_runner: RuleRunner, *scripts: Tuple[str, str], argv: Any = (), files: Any = (), **out: Any
) -> TrussScriptResult:
    contents = [FileContent(path, text.encode()) for path, text in dict(files).items()]
    digest = rule_runner.request(Digest, [CreateDigest(contents)])
    request = TrussScriptRequest(scripts, tuple(argv), digest, "Try it", **out)
    return rule_runner.request(TrussScriptResult, [request])


def contents(rule_runner: RuleRunner, digest: Digest) -> Dict[str, str]:
    found = rule_runner.request(DigestContents, [digest])
    return {file.path: file.content.decode() for file in found}


def validate(rule_runner: RuleRunner, config: str) -> Tuple[ConfigError, ...]:
    request = ValidateConfigsRequest((config.encode(),))
    (errors,) = rule_runner.request(ValidatedConfigs, [request]).errors
    return errors


@pytest.mark.parametrize(
    "code, expected",
    [
        ("pass", ()),
        ("raise ValueError('ä\\n☃')", (ConfigError((), "ValueError: ä\n☃"),)),
        (
            "raise Invalid([{'loc': ('a', 0), 'msg': 'm'}, {'loc': (), 'msg': 'n'}])",
            # The index in a list becomes text, like any other step.
            (ConfigError(("a", "0"), "m"), ConfigError((), "n")),
        ),
        # Truss also logs during validation.
        ("print('[]'); print('x', file=sys.stderr)", ()),
    ],
)
def test_errors_of_truss_are_returned(
    rule_runner: RuleRunner, code: str, expected: Tuple[ConfigError, ...]
) -> None:
    assert validate(rule_runner, code) == expected


def test_configs_of_one_process(rule_runner: RuleRunner) -> None:
    contents = ("raise ValueError(1)", "pass", "raise ValueError(2)", "pass")
    request = ValidateConfigsRequest(tuple(text.encode() for text in contents))
    found = rule_runner.request(ValidatedConfigs, [request]).errors
    assert [[error.message for error in errors] for errors in found] == [
        ["ValueError: 1"],
        [],
        ["ValueError: 2"],
        [],
    ]
    request = ValidateConfigsRequest((b"pass", b"sys.exit('gone')"))
    with engine_error(TrussCliFailed, contains="failed to validate 2 configs: gone."):
        rule_runner.request(ValidatedConfigs, [request])


@pytest.mark.parametrize(
    "code, reason",
    [
        ("sys.exit(3)", "no output"),
        ("sys.exit('first\\n\\nlast  \\n\\n')", "last"),
        ("sys.stderr.buffer.write(b'\\xff\\n'); sys.exit(1)", "�"),
        # A tool that cannot run is not an error of the config.
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
def test_a_failing_tool_names_the_option_that_skips_it(
    rule_runner: RuleRunner, code: str, reason: str
) -> None:
    message = (
        f"Truss failed to validate a config: {reason}. To skip this step, set "
        '`[truss-lint].validate_with_truss = "off"`.'
    )
    with engine_error(TrussCliFailed, contains=message, normalize_tracebacks=True):
        validate(rule_runner, code)


def test_a_script_does_not_see_the_environment_of_the_user(rule_runner: RuleRunner) -> None:
    code = "import os; raise ValueError(sorted({**os.environ}.items() - {('LC_CTYPE', 'C.UTF-8')}))"
    (error,) = validate(rule_runner, code)
    assert "('HOME', '.')" in error.message
    assert "PYENV_ROOT" not in error.message and "TRUSS" not in error.message


DUMP = ("pants_truss.serving.scripts", "dump_config.py")
EXPORT = ("pants_truss.serving.scripts", "export_server.py")


def test_only_requested_outputs_are_returned(rule_runner: RuleRunner) -> None:
    result = run(rule_runner, EXPORT, argv=["a/server"], output_directories=("a",))
    assert (result.exit_code, result.stdout, result.stderr) == (0, b"", "")
    assert contents(rule_runner, result.digest) == {
        "a/server/truss_server.py": "import shared\n",
        "a/server/shared/util.py": "",
    }
    assert contents(rule_runner, run(rule_runner, EXPORT, argv=["server"]).digest) == {}


def test_the_first_script_runs_and_imports_the_others(rule_runner: RuleRunner) -> None:
    files = {"deep/config ä.yaml": "raise ValueError('read')"}
    argv = ["deep/config ä.yaml", "out.yaml"]
    tool: Dict[str, str] = {"yaml.py": "def dump(data, file): file.write('dumped')\n"}
    failed = run(rule_runner, DUMP, VALIDATE_CONFIG, argv=argv, files={**files, **tool})
    assert (failed.exit_code, failed.last_line) == (1, "ValueError: read")
    files["deep/config ä.yaml"] = ""
    result = run(
        rule_runner,
        DUMP,
        VALIDATE_CONFIG,
        argv=argv,
        files={**files, **tool},
        output_files=("out.yaml",),
    )
    assert contents(rule_runner, result.digest) == {"out.yaml": "dumped"}
    alone = run(rule_runner, DUMP, argv=argv, files={**files, **tool})
    assert alone.last_line == "ModuleNotFoundError: No module named 'validate_config'"
