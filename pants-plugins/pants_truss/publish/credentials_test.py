"""Uses real files, the release of the plugin's own lockfile, and only the test's environment."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Iterable, Optional, Tuple

import pytest
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.publish import credentials
from pants_truss.publish.credentials import TRUSSRC_FILE, RemoteAccess, RemoteAccessRequest
from pants_truss.requirements import lockfile

SECTION = "[baseten]\nremote_provider = baseten\nremote_url = https://b\napi_key = planted\n"
STAGING = "[staging]\nremote_provider = baseten\nremote_url = https://s\nauth_type = oauth\n"
# Variables that each push gets, whatever the environment.
ALWAYS = {"COLUMNS": "10000", "PYTHONUNBUFFERED": "1", "TRUSS_NO_UPDATE_CHECK": "1"}
MINE = "--python-resolves={'mine': 'mine.lock'}"


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *credentials.rules(),
            *lockfile.rules(),
            QueryRule(RemoteAccess, [RemoteAccessRequest]),
        ]
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def find(
    rule_runner: RuleRunner,
    env: Dict[str, str],
    remotes: Tuple[str, ...] = ("baseten",),
    are_named: bool = True,
    args: Iterable[str] = (),
) -> RemoteAccess:
    rule_runner.set_options([MINE, *args], env=env)
    return rule_runner.request(RemoteAccess, [RemoteAccessRequest(remotes, are_named)])


# --- Where the file is.


def test_the_file_in_the_users_home(rule_runner: RuleRunner, home: Path) -> None:
    (home / ".trussrc").write_text(SECTION)
    found = find(rule_runner, {"HOME": str(home)})
    assert found.urls == ("https://b",)
    assert found.sources == (f"section [baseten] of {home}/.trussrc",)
    path = f"{home}/.trussrc"
    assert dict(found.environment) == {**ALWAYS, "HOME": str(home), "USER_TRUSSRC_PATH": path}
    # The user's own file is used, not a copy of it.
    assert (found.by_environment, found.trussrc, found.error) == (False, None, None)


@pytest.mark.parametrize("value", ["~/other/rc", "{home}/other/rc"])
def test_a_file_that_a_variable_names(rule_runner: RuleRunner, home: Path, value: str) -> None:
    (home / "other").mkdir()
    (home / "other/rc").write_text(SECTION)
    (home / ".trussrc").write_text("[")
    env = {"HOME": str(home), "USER_TRUSSRC_PATH": value.format(home=home)}
    found = find(rule_runner, env)
    assert found.sources == (f"section [baseten] of {home}/other/rc",)
    # The path is absolute, because the process runs in another folder.
    assert found.environment["USER_TRUSSRC_PATH"] == f"{home}/other/rc"


def test_a_relative_path_is_from_the_root_of_the_repository(
    rule_runner: RuleRunner, home: Path
) -> None:
    rule_runner.write_files({"ci/é rc": SECTION})
    path = f"{rule_runner.build_root}/ci/é rc"
    found = find(rule_runner, {"HOME": str(home), "USER_TRUSSRC_PATH": "ci/é rc"})
    assert found.sources == (f"section [baseten] of {path}",)
    assert found.environment["USER_TRUSSRC_PATH"] == path


def test_an_empty_variable_counts_as_unset(rule_runner: RuleRunner, home: Path) -> None:
    (home / ".trussrc").write_text(SECTION)
    found = find(rule_runner, {"HOME": str(home), "USER_TRUSSRC_PATH": ""})
    assert found.environment["USER_TRUSSRC_PATH"] == f"{home}/.trussrc"


def test_a_file_that_has_changed_since(rule_runner: RuleRunner, home: Path) -> None:
    """Pants does not watch it, and one daemon serves many runs."""
    env = {"HOME": str(home)}
    error = f"No credentials for the remote 'baseten': there is no {home}/.trussrc. "
    assert (find(rule_runner, env).error or "").startswith(error)
    (home / ".trussrc").write_text(SECTION)
    assert find(rule_runner, env).urls == ("https://b",)
    (home / ".trussrc").write_text(SECTION.replace("https://b", "https://c"))
    assert find(rule_runner, env).urls == ("https://c",)


def test_a_file_that_is_not_utf8(rule_runner: RuleRunner, home: Path) -> None:
    (home / ".trussrc").write_bytes(b"# caf\xe9\n" + SECTION.encode())
    assert find(rule_runner, {"HOME": str(home)}).urls == ("https://b",)


def test_a_home_that_is_not_a_folder(rule_runner: RuleRunner, home: Path) -> None:
    (home / "file").write_text("")
    error = find(rule_runner, {"HOME": f"{home}/file"}).error
    assert error == (
        f"No credentials for the remote 'baseten': there is no {home}/file/.trussrc. Set "
        "BASETEN_API_KEY, or run `truss login` to add a section."
    )


@pytest.mark.parametrize(
    "remotes", [("baseten",), ("baseten", "staging")], ids=["one remote", "two remotes"]
)
def test_a_file_that_cannot_be_read(
    rule_runner: RuleRunner, home: Path, remotes: Tuple[str, ...]
) -> None:
    (home / ".trussrc").mkdir()
    assert find(rule_runner, {"HOME": str(home)}, remotes) == RemoteAccess(
        # The URL of a remote without credentials is unknown; there is one entry for each remote.
        (None,) * len(remotes),
        error=f"Cannot read {home}/.trussrc: Is a directory.",
    )


# --- The environment of a push.


def test_only_variables_that_truss_needs_are_passed(rule_runner: RuleRunner, home: Path) -> None:
    (home / ".trussrc").write_text(SECTION)
    passed = {
        "BASETEN_TRUSS_AUTH_KEYRING_DISABLED": "1",
        "DBUS_SESSION_BUS_ADDRESS": "unix:path=/x",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PATH": "/bin:/usr/bin",
        "TMPDIR": "/var/tmp",
        "XDG_RUNTIME_DIR": "/run/x",
        # A variable from the option's default.
        "HTTPS_PROXY": "http://proxy",
        "no_proxy": "localhost",
    }
    others = {"AWS_SECRET_ACCESS_KEY": "x", "PYTHONPATH": "/x", "COLUMNS": "80", "TERM": "x"}
    found = find(rule_runner, {**passed, **others})
    assert dict(found.environment) == {
        **passed,
        **ALWAYS,
        "USER_TRUSSRC_PATH": f"{home}/.trussrc",
    }


def test_further_variables(rule_runner: RuleRunner, home: Path) -> None:
    (home / ".trussrc").write_text(SECTION)
    env = {"HOME": str(home), "MINE": "1", "HTTPS_PROXY": "http://proxy"}
    args = ["--truss-publish-env-vars=+['MINE', 'SAID=é', 'ABSENT']"]
    found = dict(find(rule_runner, env, args=args).environment)
    assert (found["MINE"], found["SAID"]) == ("1", "é")
    # An unset variable stays unset.
    assert found["HTTPS_PROXY"] == "http://proxy" and "ABSENT" not in found
    args = ["--truss-publish-env-vars=-['HTTPS_PROXY']"]
    assert "HTTPS_PROXY" not in find(rule_runner, env, args=args).environment


def test_keys_are_passed_but_hidden(rule_runner: RuleRunner, home: Path) -> None:
    (home / ".trussrc").write_text(STAGING)
    env = {
        "HOME": str(home),
        "BASETEN_API_KEY": "planted-1",
        "HTTPS_PROXY": "http://me:planted-2@proxy",
    }
    found = find(rule_runner, env, ("staging",))
    assert {**env, **found.environment} == dict(found.environment)
    assert "planted" not in repr(found) and "BASETEN_API_KEY" in repr(found)


def test_an_api_key_alone_makes_a_file_of_its_own(rule_runner: RuleRunner, home: Path) -> None:
    found = find(rule_runner, {"HOME": str(home), "BASETEN_API_KEY": "planted"})
    assert (found.urls, found.sources) == (("https://app.baseten.co",), ("BASETEN_API_KEY",))
    assert found.environment["USER_TRUSSRC_PATH"] == TRUSSRC_FILE == "trussrc"
    assert found.trussrc == (
        "[baseten]\nremote_provider = baseten\nremote_url = https://app.baseten.co\n"
    )
    assert found.by_environment is False and found.error is None


def test_two_variables_are_a_remote_without_a_file(rule_runner: RuleRunner, home: Path) -> None:
    env = {
        "HOME": str(home),
        "BASETEN_TRUSS_AUTH_REMOTE_URL": "https://x",
        "BASETEN_TRUSS_AUTH_API_KEY": "planted",
    }
    found = find(rule_runner, env, are_named=False)
    assert (found.urls, found.sources) == (("https://x",), ("BASETEN_TRUSS_AUTH_API_KEY",))
    assert found.by_environment and found.trussrc is None
    assert found.environment["BASETEN_TRUSS_AUTH_API_KEY"] == "planted"
    named = find(rule_runner, env, are_named=True)
    assert not named.environment and (named.error or "").startswith(
        "BASETEN_TRUSS_AUTH_REMOTE_URL and BASETEN_TRUSS_AUTH_API_KEY are set and define one "
        "remote without a name, but `remotes` of the target has 'baseten'."
    )


def test_several_remotes_in_their_order(rule_runner: RuleRunner, home: Path) -> None:
    (home / ".trussrc").write_text(SECTION + STAGING)
    found = find(rule_runner, {"HOME": str(home)}, ("staging", "baseten"))
    assert found.urls == ("https://s", "https://b")
    assert found.sources == (
        f"section [staging] of {home}/.trussrc",
        f"section [baseten] of {home}/.trussrc",
    )


def test_one_remote_that_is_missing_is_an_error_for_all(
    rule_runner: RuleRunner, home: Path
) -> None:
    (home / ".trussrc").write_text(SECTION)
    assert find(rule_runner, {"HOME": str(home)}, ("baseten", "gone")) == RemoteAccess(
        (None, None),
        error=f"No credentials for the remote 'gone': {home}/.trussrc has 'baseten'. Several "
        "remotes each need a section: run `truss login` to add one.",
    )


# --- The release.


@pytest.mark.parametrize(
    "version, error",
    [
        (
            "0.16.0",
            "`truss push` needs Truss 0.16.1 or later, which can answer in JSON, but "
            "`[truss-cli]` has Truss 0.16.0. Set `[truss-cli].install_from_resolve` to a resolve "
            "with a later release.",
        ),
        ("0.16.1", None),
        ("0.18.24", None),
    ],
)
def test_the_release_that_pushes(
    rule_runner: RuleRunner, home: Path, version: str, error: Optional[str]
) -> None:
    (home / ".trussrc").write_text(SECTION)
    rule_runner.write_files({"mine.lock": f"truss=={version}\n"})
    args = ["--truss-cli-install-from-resolve=mine"]
    # Truss before 0.18.25 does not know this variable, so alone it is not an error.
    env = {"HOME": str(home), "BASETEN_TRUSS_AUTH_REMOTE_URL": "https://x"}
    found = find(rule_runner, env, args=args)
    assert (found.urls, found.error) == ((None,) if error else ("https://b",), error)
