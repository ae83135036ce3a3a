from __future__ import annotations

import json
from typing import Any, Dict, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pants.engine.fs import CreateDigest, Digest, FileContent
from pants.testutil.rule_runner import QueryRule, RuleRunner, engine_error

from pants_truss.script_tool import rules as script_tool
from pants_truss.script_tool.rules import (
    ScriptFailed,
    ScriptRequest,
    ScriptResult,
    encode,
)
from pants_truss.testutil.images import new_image_runner
from pants_truss.testutil.results import contents


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return new_image_runner(script_tool.rules(), QueryRule(ScriptResult, [ScriptRequest]))


# All scripts may have them beside themselves; one imports them.
IMPORTED = (("pants_truss.core", "bounded_tar.py"),)


def run(
    rule_runner: RuleRunner,
    script: str,
    spec: Any,
    files: Dict[str, str],
    outputs: Tuple[str, ...] = (),
    folders: Tuple[str, ...] = (),
) -> ScriptResult:
    rule_runner.set_options([], env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    digest = rule_runner.request(
        Digest, [CreateDigest(FileContent(p, c.encode()) for p, c in files.items())]
    )
    package = "pants_truss.script_tool" if script == "make_tar.py" else "pants_truss.image.scripts"
    request = ScriptRequest(
        package, script, encode(spec), digest, "Try it", folders, outputs, IMPORTED
    )
    return rule_runner.request(ScriptResult, [request])


TAR: Dict[str, Any] = {
    "tree": "tree",
    "executables": [],
    "parts": "parts",
    "out": "out.tar",
    "end": True,
}


def test_a_script_reads_its_files_and_returns_its_outputs(
    rule_runner: RuleRunner,
) -> None:
    result = run(rule_runner, "make_tar.py", TAR, {"tree/a": "A"}, ("out.tar",))
    assert result.stdout == b""
    (out,) = contents(rule_runner, result.digest).items()
    assert out[0] == "out.tar"
    assert out[1].startswith(b"a\0") and b"A" in out[1]


def test_files_that_are_not_outputs_are_dropped(rule_runner: RuleRunner) -> None:
    result = run(rule_runner, "make_tar.py", TAR, {"tree/a": "B"})
    assert contents(rule_runner, result.digest) == {}


def test_a_folder_as_output(rule_runner: RuleRunner) -> None:
    spec = {
        "tree": "tree",
        "out": "blobs/sha256",
        "entries": [["a", "f"]],
        "compression": "none",
        "level": 0,
        "mtime": 0,
    }
    result = run(rule_runner, "make_layer.py", spec, {"tree/a": "A"}, (), ("blobs",))
    (path,) = contents(rule_runner, result.digest)
    assert path == f"blobs/sha256/{result.stdout.decode().strip()}"


def test_an_error_shows_the_last_line_of_the_script(rule_runner: RuleRunner) -> None:
    message = "Try it failed: FileNotFoundError: [Errno 2] No such file or directory: 'tree/a'"
    spec = {
        "tree": "tree",
        "out": "out",
        "entries": [["a", "f"]],
        "compression": "none",
        "level": 0,
        "mtime": 0,
    }
    with engine_error(ScriptFailed, contains=message):
        run(rule_runner, "make_layer.py", spec, {})


def test_a_refused_base_is_an_answer_and_not_a_failure(rule_runner: RuleRunner) -> None:
    spec = {
        "layers": [],
        "path": "/bin",
        "diff_ids": [],
        "python": "python3",
        "ours": [],
        "new": [],
    }
    result = run(rule_runner, "inspect_base.py", spec, {})
    assert json.loads(result.stdout) == {"error": "it has no python3 on its PATH '/bin'."}


def test_a_script_imports_no_file_of_its_input(rule_runner: RuleRunner) -> None:
    """A file of a truss must not become a module that the script imports."""
    files = {"json.py": "raise SystemExit('imported')", "tree/a": "C", "tarfile.py": "1/0"}
    result = run(rule_runner, "make_tar.py", TAR, files, ("out.tar",))
    assert set(contents(rule_runner, result.digest)) == {"out.tar"}


words = st.text(st.characters(blacklist_categories=("Cs",)), max_size=5)
values = words | st.integers() | st.none() | st.lists(words, max_size=2)


@given(spec=st.dictionaries(words, values, max_size=4))
@settings(max_examples=50)
def test_a_spec_does_not_depend_on_the_order_of_its_keys(spec: Dict[str, Any]) -> None:
    """The spec is part of a cache key."""
    text = encode(spec)
    assert json.loads(text) == spec
    assert encode(dict(reversed(list(spec.items())))) == text
    assert text.isascii() and "\n" not in text
