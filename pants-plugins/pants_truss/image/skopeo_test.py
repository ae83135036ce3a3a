"""Uses a program called skopeo that records its calls."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
from pants.core.util_rules.system_binaries import BinaryNotFoundError
from pants.testutil.rule_runner import QueryRule, RuleRunner, engine_error

from pants_truss.image import skopeo
from pants_truss.image.skopeo import (
    POLICY_VARIABLE,
    FindSkopeoRequest,
    Skopeo,
    SkopeoRequest,
    SkopeoResult,
    read_error,
)
from pants_truss.testutil.programs import ANY_SIGNATURE, BOOTSTRAP, given_environment, write_program
from pants_truss.testutil.results import contents

PROGRAM = """\
import json, os, sys
from pathlib import Path

arguments = sys.argv[1:]
if arguments == ["--version"]:
    sys.exit(print("skopeo version 1.9.3"))
with open(r"{log}", "a") as log:
    print(json.dumps([arguments, dict(os.environ)]), file=log)
command = [word for word in arguments if not word.startswith("--")]
if command[0] == "fail":
    print("a warning", file=sys.stderr)
    sys.exit(command[1])
for path in command[1:]:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("written")
print("done: é")
"""


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *skopeo.rules(),
            QueryRule(Skopeo, [FindSkopeoRequest]),
            QueryRule(SkopeoResult, [SkopeoRequest]),
        ],
        bootstrap_args=BOOTSTRAP,
    )


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "bin/skopeo"
    write_program(path, PROGRAM.format(log=tmp_path / "log"))
    return path


def calls(program: Path) -> List[Tuple[List[str], Dict[str, str]]]:
    log = program.parent.parent / "log"
    lines = log.read_text().splitlines() if log.exists() else []
    return [(arguments, env) for arguments, env in map(json.loads, lines)]


def configure(rule_runner: RuleRunner, program: Path, *options: str, **env: str) -> None:
    paths = f"--truss-images-executable-search-paths=['{program.parent}']"
    rule_runner.set_options([paths, *options], env=env)


def run(rule_runner: RuleRunner, *arguments: str, **request: Any) -> SkopeoResult:
    options: Dict[str, Any] = {"is_pinned": True, **request}
    wanted = SkopeoRequest(arguments, "Try skopeo", **options)
    return rule_runner.request(SkopeoResult, [wanted])


def test_output_and_files_of_skopeo(rule_runner: RuleRunner, program: Path) -> None:
    configure(rule_runner, program)
    result = run(rule_runner, "copy", "out/a b", "other", output_directories=("out",))
    assert (result.stdout, result.error) == ("done: é\n", None)
    assert contents(rule_runner, result.digest) == {"out/a b": b"written"}
    ((arguments, _),) = calls(program)
    assert arguments == [*ANY_SIGNATURE, "copy", "out/a b", "other"]


def test_skopeo_gets_only_the_named_variables(rule_runner: RuleRunner, program: Path) -> None:
    named = {"HOME": "/home/me", "REGISTRY_AUTH_FILE": "/auth.json", "SSL_CERT_FILE": "/ca.pem"}
    configure(
        rule_runner,
        program,
        "--truss-images-env-vars=+['MINE', 'FIXED=1', 'UNSET']",
        **named,
        MINE="yes",
        REGISTRY_PASSWORD="hunter2",
    )
    run(rule_runner, "copy")
    ((_, env),) = calls(program)
    env.pop(POLICY_VARIABLE, None)
    assert given_environment(env) == {**named, "MINE": "yes", "FIXED": "1"}


def test_a_failure_is_a_result(rule_runner: RuleRunner, program: Path) -> None:
    configure(rule_runner, program)
    line = 'time="2026-01-01T00:00:00Z" level=fatal msg="reading \\"x\\": unauthorized"'
    result = run(rule_runner, "fail", line)
    assert result.error == 'reading "x": unauthorized'
    assert result.stdout == ""
    assert contents(rule_runner, result.digest) == {}


@pytest.mark.parametrize(
    ("is_pinned", "arguments", "times"),
    [
        (True, ("copy", "pinned"), 1),
        (False, ("copy", "by-tag"), 2),
        (True, ("fail", "pinned"), 2),
        (False, ("fail", "by-tag"), 2),
    ],
)
def test_only_successful_pinned_calls_are_cached(
    rule_runner: RuleRunner, program: Path, is_pinned: bool, arguments: Tuple[str, str], times: int
) -> None:
    for session in ("first", "second"):
        rule_runner.new_session(f"{program.parent}-{session}")
        configure(rule_runner, program)
        run(rule_runner, *arguments, is_pinned=is_pinned)
        # Within one session neither runs again.
        run(rule_runner, *arguments, is_pinned=is_pinned)
    assert len(calls(program)) == times


def test_the_search_path_includes_helpers(rule_runner: RuleRunner, program: Path) -> None:
    configure(rule_runner, program, HOME="/home/me")
    found = rule_runner.request(Skopeo, [FindSkopeoRequest("try it")])
    assert found.command[0] == str(program)
    assert found.search_path == f"{program.parent}:/usr/bin:/bin"
    assert dict(found.env) == {"HOME": "/home/me"}


def test_skopeo_is_not_installed(rule_runner: RuleRunner, tmp_path: Path) -> None:
    configure(rule_runner, tmp_path / "nothing/skopeo")
    message = (
        f"Cannot find `skopeo` on `['{tmp_path}/nothing']`. Please ensure that it is installed so "
        f"that Pants can fetch the base image of a truss."
    )
    with engine_error(BinaryNotFoundError, contains=message):
        run(rule_runner, "copy")


@pytest.mark.parametrize(
    ("stderr", "message"),
    [
        (b"", "no output"),
        (b" \n\n", "no output"),
        (b"plain text\n", "plain text"),
        (b"first\nsecond\n", "second"),
        (b'level=fatal msg="a \\"quoted\\" name"\n', 'a "quoted" name'),
        (b'level=fatal msg="ends in a quote\\""', 'ends in a quote"'),
        (b'level=fatal msg="one" error="two"', "one"),
        (b'msg="not the last"\nlevel=fatal error\n', "level=fatal error"),
        (b'level=fatal msg="no end', 'level=fatal msg="no end'),
        (b'level=fatal msg=""', ""),
        ('msg="日"'.encode(), "日"),
        (b'msg="not UTF-8: \xff"', "not UTF-8: \ufffd"),
    ],
)
def test_the_message_in_a_line_of_a_log(stderr: bytes, message: str) -> None:
    assert read_error(stderr) == message


# --- Signatures.


SYSTEM_POLICY = Path("/etc/containers/policy.json")
POLICY = '{"default": [{"type": "reject"}]}'


def home_with(folder: Path, policy: str) -> Path:
    path = folder / "home/.config/containers/policy.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(policy)
    return folder / "home"


def find(rule_runner: RuleRunner, program: Path, **env: str) -> Skopeo:
    rule_runner.new_session(f"{program}-{sorted(env.items())}-{os.urandom(4).hex()}")
    configure(rule_runner, program, **env)
    return rule_runner.request(Skopeo, [FindSkopeoRequest("try it")])


@pytest.mark.skipif(SYSTEM_POLICY.exists(), reason="this machine has a signature policy")
def test_a_machine_without_a_policy(rule_runner: RuleRunner, program: Path, tmp_path: Path) -> None:
    """skopeo would fail without a policy."""
    found = find(rule_runner, program, HOME=str(tmp_path))
    assert found.command == (str(program), "--insecure-policy")
    assert found.policy == ""


def test_the_policy_of_the_user_counts(
    rule_runner: RuleRunner, program: Path, tmp_path: Path
) -> None:
    found = find(rule_runner, program, HOME=str(home_with(tmp_path, POLICY)))
    assert found.command == (str(program),)
    assert len(found.policy) == 64
    # A policy that cannot be read, or is empty, is skopeo's to refuse.
    empty = find(rule_runner, program, HOME=str(home_with(tmp_path, "")))
    assert empty.command == (str(program),)
    assert empty.policy not in ("", found.policy)
    folder = tmp_path / "other"
    (folder / ".config/containers/policy.json").mkdir(parents=True)
    assert find(rule_runner, program, HOME=str(folder)).command == (str(program),)


def test_a_home_that_is_not_passed(rule_runner: RuleRunner, program: Path) -> None:
    """skopeo then takes the home folder of the user."""
    assert find(rule_runner, program).command == (str(program), *ANY_SIGNATURE)


def test_another_key_in_the_place_of_a_key_is_another_policy(
    rule_runner: RuleRunner, program: Path, tmp_path: Path
) -> None:
    key = tmp_path / "key's of us.pub"
    policy = f'{{"default": [{{"type": "sigstoreSigned", "keyPath": "{key}"}}]}}'
    home = str(home_with(tmp_path, policy))
    found = []
    for content in (None, "one", "two", "one"):
        if content:
            key.write_text(content)
        found.append(find(rule_runner, program, HOME=home).policy)
    assert len({*found}) == 3 and found[1] == found[3]


def test_another_policy_fetches_again(
    rule_runner: RuleRunner, program: Path, tmp_path: Path
) -> None:
    for policy, times in ((POLICY, 1), (POLICY, 1), ("{}", 2), (POLICY, 2)):
        find(rule_runner, program, HOME=str(home_with(tmp_path, policy)))
        run(rule_runner, "copy", "pinned")
        assert len(calls(program)) == times
    assert all("--insecure-policy" not in arguments for arguments, _ in calls(program))
