"""Tests how a push is started. The Truss tool is a stand-in folder, and nothing is pushed."""

from __future__ import annotations

import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterable

import pytest
from pants.engine.fs import CreateDigest, Digest, DigestContents, FileContent
from pants.engine.process import InteractiveProcess
from pants.testutil.rule_runner import QueryRule, RuleRunner
from pants.util.frozendict import FrozenDict

from pants_truss.core.push import PushOptions
from pants_truss.publish import process
from pants_truss.publish.credentials import RemoteAccess
from pants_truss.publish.process import PushProcessRequest
from pants_truss.publish.redacted_env import hidden
from pants_truss.publish.state import DeploymentSlot
from pants_truss.subsystems.publish import TrussPublishSubsystem
from pants_truss.testutil.stand_in_pex import FOLDER, TOOL, with_stand_in_pex

IDENTITY = DeploymentSlot("baseten", "https://b", "search", "m", "staging", None)
OPTIONS = PushOptions("m", team="search", environment="staging", wait=True, wait_timeout=60)
ACCESS = RemoteAccess(("https://b",), ("section [baseten] of /x",))


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    runner = RuleRunner(
        rules=[
            *with_stand_in_pex(
                (
                    *TrussPublishSubsystem.rules(),
                    *process.rules(),
                )
            ),
            QueryRule(InteractiveProcess, [PushProcessRequest]),
        ]
    )
    runner.write_files({f"{FOLDER}/{TOOL}/installed.txt": "truss"})
    return runner


def digest_of(rule_runner: RuleRunner, files: Dict[str, str]) -> Digest:
    contents = [FileContent(path, text.encode()) for path, text in files.items()]
    return rule_runner.request(Digest, [CreateDigest(contents)])


def prepare(
    rule_runner: RuleRunner,
    *args: str,
    options: PushOptions = OPTIONS,
    access: RemoteAccess = ACCESS,
    truss: Iterable[str] = ("config.yaml", "model/é x.py"),
) -> InteractiveProcess:
    rule_runner.set_options(args, env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    request = PushProcessRequest(
        target="src/t:t",
        identity=IDENTITY,
        options=options,
        tree_digest="sha256:" + "ab" * 32,
        truss=digest_of(rule_runner, {path: path for path in truss}),
        state_file="/repo/dist/truss-publish.json",
        access=access,
        credentials="the credentials",
        seen='["d1", null]',
    )
    return rule_runner.request(InteractiveProcess, [request])


def files_of(rule_runner: RuleRunner, prepared: InteractiveProcess) -> Dict[str, bytes]:
    found = rule_runner.request(DigestContents, [prepared.process.input_digest])
    return {file.path: file.content for file in found}


def spec_of(rule_runner: RuleRunner, prepared: InteractiveProcess) -> Any:
    return json.loads(files_of(rule_runner, prepared)["publish/spec.json"])


def test_the_truss_the_scripts_and_the_tool_lie_side_by_side(rule_runner: RuleRunner) -> None:
    prepared = prepare(rule_runner)
    found = files_of(rule_runner, prepared)
    assert set(found) == {
        "installed.txt",
        "publish/baseten.py",
        "publish/folder_digest.py",
        "publish/parent.py",
        "publish/push.py",
        "publish/record.py",
        "publish/redact.py",
        "publish/spec.json",
        "publish/state.py",
        "publish/terminal.py",
        "publish/tree_digest.py",
        "publish/truss_cli.py",
        "truss_cli_python_shim.sh",
        "truss/config.yaml",
        "truss/model/é x.py",
    }
    assert found["truss/model/é x.py"].decode() == "model/é x.py"
    assert found["publish/state.py"] == pkgutil.get_data("pants_truss.publish", "state.py")
    assert prepared.process.argv == (
        "./truss_cli_python_shim.sh",
        "-I",
        "publish/push.py",
        "publish/spec.json",
    )


def test_a_file_of_the_truss_cannot_replace_one_of_the_push(rule_runner: RuleRunner) -> None:
    """Both may have the same name, because each is in its own folder."""
    names = ["push.py", "publish/push.py", "spec.json", "trussrc", "state.py", "installed.txt"]
    found = files_of(rule_runner, prepare(rule_runner, truss=names))
    assert {path for path in found if path.startswith("truss/")} == {f"truss/{n}" for n in names}
    assert "trussrc" not in found and found["installed.txt"] == b"truss"


def test_the_scripts_find_their_imports(rule_runner: RuleRunner, tmp_path: Path) -> None:
    """Runs in a Python without Truss, which the scripts import only when they need it."""
    names = []
    for path, text in files_of(rule_runner, prepare(rule_runner)).items():
        if path.startswith("publish/") and path.endswith(".py"):
            (tmp_path / path[len("publish/") :]).write_bytes(text)
            names.append(path[len("publish/") : -len(".py")])
    code = "import sys; sys.path.insert(0, sys.argv[1]); [*map(__import__, sys.argv[2:])]"
    for name in names:
        # Each in a separate process, so that no import helps another.
        subprocess.run(
            [sys.executable, "-I", "-S", "-c", code, str(tmp_path), name], check=True, timeout=60
        )
    assert len(names) == 10


def test_the_spec_describes_the_push(rule_runner: RuleRunner) -> None:
    assert spec_of(rule_runner, prepare(rule_runner)) == {
        "target": "src/t:t",
        "identity": {
            "remote": "baseten",
            "remote_url": "https://b",
            "team": "search",
            "model_name": "m",
            "environment": "staging",
            "deployment_name": None,
        },
        "tree_digest": "sha256:" + "ab" * 32,
        # The arguments that define the deployment, and all arguments of `truss push`.
        "options": ["--environment=staging"],
        "arguments": [
            "--non-interactive",
            "--output=json",
            "--model-name=m",
            "--team=search",
            "--environment=staging",
            "--wait",
            "--timeout-seconds=60",
        ],
        "wait": True,
        "wait_timeout": 60,
        "folder": "truss",
        "state_file": "/repo/dist/truss-publish.json",
        "seen": '["d1", null]',
        "credentials": "the credentials",
        "by_environment": False,
        "skip_unchanged": False,
        "attempts": 4,
        "backoff": 2.0,
    }


@pytest.mark.parametrize(
    "args, expected",
    [
        ([], {"skip_unchanged": False, "attempts": 4, "backoff": 2.0}),
        (["--truss-publish-skip-unchanged"], {"skip_unchanged": True}),
        (["--truss-publish-retries=0"], {"attempts": 1}),
        # At least one attempt is made.
        (["--truss-publish-retries=-5"], {"attempts": 1}),
        (["--truss-publish-retry-delay=0.25"], {"backoff": 0.25}),
        (["--truss-publish-retry-delay=0"], {"backoff": 0}),
        (["--truss-publish-retry-delay=-1"], {"backoff": 0}),
    ],
)
def test_options_of_publishing(
    rule_runner: RuleRunner, args: Iterable[str], expected: Dict[str, Any]
) -> None:
    spec = spec_of(rule_runner, prepare(rule_runner, *args))
    assert {name: spec[name] for name in expected} == expected


def test_a_push_by_two_variables(rule_runner: RuleRunner) -> None:
    by_variables = RemoteAccess(("https://b",), ("KEY",), by_environment=True)
    assert spec_of(rule_runner, prepare(rule_runner, access=by_variables))["by_environment"]


def test_a_trussrc_of_its_own_lies_where_its_variable_says(rule_runner: RuleRunner) -> None:
    text = "[baseten]\nremote_url = https://é\n"
    given = RemoteAccess(
        ("https://b",), (), FrozenDict({"USER_TRUSSRC_PATH": "trussrc"}), trussrc=text
    )
    prepared = prepare(rule_runner, access=given)
    assert files_of(rule_runner, prepared)["trussrc"].decode() == text
    assert prepared.process.env["USER_TRUSSRC_PATH"] == "trussrc"
    without = prepare(rule_runner, access=RemoteAccess(("https://b",), (), trussrc=""))
    assert "trussrc" not in files_of(rule_runner, without)


def test_the_environment_is_that_of_the_remote(rule_runner: RuleRunner) -> None:
    variables = hidden({"BASETEN_API_KEY": "planted", "PATH": "/bin", "LANG": "C"})
    given = RemoteAccess(("https://b",), (), FrozenDict(variables))
    prepared = prepare(rule_runner, access=given)
    assert dict(prepared.process.env) == {
        "BASETEN_API_KEY": "planted",
        "LANG": "C",
        "PATH": "/bin",
        # The push ends when this process is gone.
        "PANTS_TRUSS_STARTED_BY": str(os.getpid()),
        # Runs the script in place of `truss` itself.
    }
    assert "planted" not in repr(prepared)
    assert b"planted" not in b"".join(files_of(rule_runner, prepared).values())


def test_the_caches_of_the_tool(rule_runner: RuleRunner) -> None:
    caches = prepare(rule_runner).process.append_only_caches
    # The venv of the tool lies in the first cache.
    assert caches["pex_root"] == ".cache/pex_root"
    assert caches[f"cache_of_{TOOL}"] == f".cache/{TOOL}"


def test_the_process_is_reproducible(rule_runner: RuleRunner) -> None:
    labels = (("b", "2"), ("a", "1"))
    one = prepare(rule_runner, options=PushOptions("m", labels=labels), truss=["a", "b"])
    two = prepare(rule_runner, options=PushOptions("m", labels=labels), truss=["b", "a"])
    assert one == two and '--labels={"b": "2", "a": "1"}' in spec_of(rule_runner, one)["options"]
