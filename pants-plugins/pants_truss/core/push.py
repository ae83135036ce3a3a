"""What `truss push` is told of a truss, and with which credentials."""

from __future__ import annotations

import configparser
import json
import re
from dataclasses import dataclass
from typing import Any, Mapping, Optional, Sequence, Tuple

from pants_truss.core.errors import TrussError

# What `--promote` is short for.
PRODUCTION = "production"

# The remote that Truss makes of an API key alone, when one logs in.
DEFAULT_REMOTE = "baseten"
DEFAULT_REMOTE_URL = "https://app.baseten.co"

API_KEY = "BASETEN_API_KEY"
# Both together are a remote of their own, in place of all that the file has.
AUTH_URL = "BASETEN_TRUSS_AUTH_REMOTE_URL"
AUTH_KEY = "BASETEN_TRUSS_AUTH_API_KEY"
_AUTH_SINCE = (0, 18, 25)

# What `push_args` may not have: the plugin says it, or it needs someone who looks on.
_NOT_IN_ARGS = {
    "--config": "the field `config` of the target",
    "--deployment-name": "the field `deployment_name`",
    "--environment": "the field `deployment_environment`",
    "--labels": "the field `labels`",
    "--model-name": "the field `model_name`",
    "--no-wait": "the field `wait`",
    "--non-interactive": "nothing: it is always there",
    "--output": "nothing: it is always there",
    "--promote": "the field `promote`",
    "--remote": "the field `remotes`",
    "--tail": "`truss model-logs` afterwards",
    "--team": "the field `team`",
    "--timeout-seconds": "the field `wait_timeout`",
    "--wait": "the field `wait`",
    "--watch": "`truss watch` on the folder in `dist/`",
}

# Truss writes these into the text of its queries as they are.
_UNSAFE = re.compile(r'["\\\x00-\x1f\x7f]')


def check_name(value: str, what: str) -> str:
    """The value. Raises `TrussError` for what would end a string in a query to the remote."""
    if not value.strip():
        raise TrussError(f"{what} must not be empty.")
    found = _UNSAFE.search(value)
    if found:
        raise TrussError(
            f"{what} must not have the character {found.group()!r} in it, but is {value!r}. For "
            f"example {_UNSAFE.sub('-', value)!r}."
        )
    if value.startswith("-"):
        raise TrussError(f"{what} must not begin with `-`, but is {value!r}.")
    return value


def check_args(args: Sequence[str]) -> Tuple[str, ...]:
    """`push_args`. Raises `TrussError` for what the plugin sets itself, and what is no option."""
    for arg in args:
        name, _, _ = arg.partition("=")
        if not re.fullmatch(r"--[a-z][a-z0-9-]*", name):
            raise TrussError(
                f"each of `push_args` must be an option of `truss push`, with its value after "
                f'`=`, but one is {arg!r}. For example `push_args=["--deploy-timeout-minutes=60"]`.'
            )
        instead = _NOT_IN_ARGS.get("--watch" if name.startswith("--watch") else name)
        if instead:
            raise TrussError(f"`push_args` must not have `{name}`. Instead of it use {instead}.")
    return tuple(args)


@dataclass(frozen=True)
class PushOptions:
    """What the target says of a deployment. `wait_timeout` is in seconds."""

    model_name: str
    team: Optional[str] = None
    deployment_name: Optional[str] = None
    environment: Optional[str] = None
    promote: bool = False
    wait: bool = False
    wait_timeout: Optional[int] = None
    labels: Tuple[Tuple[str, str], ...] = ()
    args: Tuple[str, ...] = ()

    @property
    def serves(self) -> Optional[str]:
        """The environment that the deployment is for."""
        return PRODUCTION if self.promote else self.environment

    @property
    def content(self) -> Tuple[str, ...]:
        """Those of the arguments that are part of the deployment: with others it is another one."""
        found = [
            _option("--deployment-name", self.deployment_name),
            _option("--environment", self.environment),
            "--promote" if self.promote else None,
            _option("--labels", json.dumps(dict(self.labels)) if self.labels else None),
            *self.args,
        ]
        return tuple(option for option in found if option)

    @property
    def arguments(self) -> Tuple[str, ...]:
        """All that `truss push` gets, but for the folder and the remote."""
        found = [
            "--non-interactive",
            "--output=json",
            _option("--model-name", self.model_name),
            _option("--team", self.team),
            *self.content,
            "--wait" if self.wait else None,
            _option("--timeout-seconds", self.wait_timeout if self.wait else None),
        ]
        return tuple(option for option in found if option)


def _option(name: str, value: object) -> Optional[str]:
    return None if value is None else f"{name}={value}"


@dataclass(frozen=True)
class Access:
    """`by_environment`: two variables are the remote, and Truss must not be given a name.
    `trussrc`: a file to use in place of the user's, which is not needed."""

    by_environment: bool = False
    trussrc: Optional[str] = None


def find_access(
    remotes: Sequence[str],
    environment: Mapping[str, str],
    trussrc: Optional[str],
    release: Tuple[int, ...],
) -> Access:
    """How `truss push` gets to these remotes.

    `trussrc` is the content of the user's file, None if there is none; of it, only names of
    sections and keys are looked at. Raises `TrussError` for a remote without credentials.
    """
    url, key = environment.get(AUTH_URL), environment.get(AUTH_KEY)
    if (url or key) and release >= _AUTH_SINCE:
        if not (url and key):
            there, missing = (AUTH_URL, AUTH_KEY) if url else (AUTH_KEY, AUTH_URL)
            raise TrussError(f"{there} is set and {missing} is not: Truss needs both or neither.")
        if len(remotes) > 1:
            raise TrussError(
                f"{AUTH_URL} and {AUTH_KEY} are one remote, but trusses of this run go to "
                f"{_names(remotes)}. Unset them and have each remote in .trussrc, or name one "
                f"remote: `--truss-publish-default-remotes=\"['{remotes[0]}']\"`."
            )
        return Access(by_environment=True)
    has_key = bool(environment.get(API_KEY))
    sections = _sections(trussrc)
    if trussrc is None and has_key and list(remotes) == [DEFAULT_REMOTE]:
        return Access(trussrc=_default_trussrc())
    for remote in remotes:
        section = sections.get(remote)
        if section is None:
            raise TrussError(_no_remote(remote, sections, trussrc is None))
        if not (has_key or "api_key" in section or "auth_type" in section):
            raise TrussError(
                f"No credentials for the remote {remote!r}: its section in .trussrc has no "
                f"`api_key`, and {API_KEY} is not set. `truss login` asks for one."
            )
    return Access()


def _no_remote(remote: str, sections: Mapping[str, Any], no_file: bool) -> str:
    known = "there is no .trussrc" if no_file else f".trussrc has {_names(list(sections))}"
    hint = f"Set {API_KEY}" if remote == DEFAULT_REMOTE else f"Set {AUTH_URL} and {AUTH_KEY}"
    return (
        f"No credentials for the remote {remote!r}: {known}. {hint}, or run `truss login`, which "
        f"makes a section of it."
    )


def _names(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names) or "no section"


def _default_trussrc() -> str:
    # Without a key: Truss takes that from the environment.
    return f"[{DEFAULT_REMOTE}]\nremote_provider = baseten\nremote_url = {DEFAULT_REMOTE_URL}\n"


def _sections(trussrc: Optional[str]) -> Mapping[str, Sequence[str]]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(trussrc or "")
    except configparser.Error as e:
        # Its message quotes the line, which may be the one with the key.
        line = getattr(e, "lineno", None) or next(iter(getattr(e, "errors", [])), (None,))[0]
        where = f", line {line}" if line else ""
        raise TrussError(f".trussrc cannot be read{where}: {type(e).__name__}.") from None
    return {name: list(parser[name]) for name in parser.sections()}
