"""What `truss push` is told of a truss, and with which credentials."""

from __future__ import annotations

import configparser
import json
import re
from dataclasses import dataclass
from typing import Dict, Mapping, Optional, Sequence, Tuple

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
# `--output=json`.
_PUSH_SINCE = (0, 16, 1)

# What `push_args` may not have: the plugin says it, or it needs someone who looks on.
_NOT_IN_ARGS = {
    "--config": "the field `config` of the target",
    "--deployment-name": "the field `deployment_name`",
    "--environment": "the field `deployment_environment`",
    "--include-git-info": "the field `labels`: what is pushed lies in no git repository",
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
        example = _UNSAFE.sub("-", value).strip(" -") or "my-model"
        raise TrussError(
            f"{what} must not have the character {found.group()!r} in it, but is {value!r}. For "
            f"example {example!r}."
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
    def place(self) -> Tuple[Optional[str], str, Optional[str], Optional[str]]:
        """What holds one deployment at a time: team, model, environment, and the deployment's name.
        An environment serves one, whatever that is called."""
        name = None if self.serves else self.deployment_name
        return (self.team, self.model_name, self.serves, name)

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
    """`urls` are those of the remotes, in their order, and `sources` say where their credentials
    come from. `by_environment`: two variables are the remote, and Truss must not be given a name.
    `trussrc`: a file to use in place of the user's, which is not needed."""

    urls: Tuple[str, ...]
    sources: Tuple[str, ...]
    by_environment: bool = False
    trussrc: Optional[str] = None


def find_access(
    remotes: Sequence[str],
    are_named: bool,
    environment: Mapping[str, str],
    file: str,
    trussrc: Optional[str],
    release: Tuple[int, ...],
) -> Access:
    """How `truss push` gets to these remotes. `are_named`: by the target itself.

    `trussrc` is the content of the user's `file`, None if there is none; nothing of it but URLs and
    names is in the result. Raises `TrussError` for a remote without credentials.
    """
    if release < _PUSH_SINCE:
        raise TrussError(
            f"A push needs Truss {_version(_PUSH_SINCE)}, the first whose `truss push` answers in "
            f"JSON, and the release of `[truss-cli]` is {_version(release)}."
        )
    url, key = environment.get(AUTH_URL), environment.get(AUTH_KEY)
    if (url or key) and release >= _AUTH_SINCE:
        return _access_by_environment(remotes, are_named, url, key)
    has_key = bool(environment.get(API_KEY))
    sections = _sections(file, trussrc)
    if has_key and list(remotes) == [DEFAULT_REMOTE] and DEFAULT_REMOTE not in sections:
        return Access((DEFAULT_REMOTE_URL,), (API_KEY,), trussrc=_default_trussrc())
    for remote in remotes:
        if remote not in sections:
            raise TrussError(_no_remote(remote, remotes, list(sections), file, trussrc))
        if not (has_key or {"api_key", "auth_type"} & set(sections[remote])):
            raise TrussError(
                f"No credentials for the remote {remote!r}: its section in {file} has no "
                f"`api_key`, and {API_KEY} is not set. `truss login` asks for one."
            )
        if not sections[remote].get("remote_url"):
            raise TrussError(
                f"The remote {remote!r} in {file} has no `remote_url`. That of Baseten is "
                f"{DEFAULT_REMOTE_URL}."
            )
    return Access(
        tuple(sections[remote]["remote_url"] for remote in remotes),
        tuple(_source(remote, sections[remote], file) for remote in remotes),
    )


def _source(remote: str, section: Mapping[str, str], file: str) -> str:
    """Truss prefers its file."""
    own = {"api_key", "auth_type"} & set(section)
    return f"section [{remote}] of {file}" if own else API_KEY


def _access_by_environment(
    remotes: Sequence[str], are_named: bool, url: Optional[str], key: Optional[str]
) -> Access:
    if not (url and key):
        there, missing = (AUTH_URL, AUTH_KEY) if url else (AUTH_KEY, AUTH_URL)
        raise TrussError(f"{there} is set and {missing} is not: Truss needs both or neither.")
    # Truss refuses a name, too: whoever names `prod` must not get to wherever the URL leads.
    if len(remotes) > 1 or are_named:
        where = "`remotes` of the target" if are_named else "`[truss-publish].default_remotes`"
        raise TrussError(
            f"{AUTH_URL} and {AUTH_KEY} are set: one remote without a name. But {where} has "
            f"{_names(remotes)}. Unset them and have each remote in .trussrc, or leave it to "
            f"`[truss-publish].default_remotes`, with one name in it."
        )
    return Access((url,), (AUTH_KEY,), by_environment=True)


def _version(release: Tuple[int, ...]) -> str:
    return ".".join(str(number) for number in release)


def _no_remote(
    remote: str,
    remotes: Sequence[str],
    sections: Sequence[str],
    file: str,
    trussrc: Optional[str],
) -> str:
    known = f"there is no {file}" if trussrc is None else f"{file} has {_names(sections)}"
    remedy = "`truss login` makes a section of it"
    if list(remotes) == [DEFAULT_REMOTE]:
        remedy = f"Set {API_KEY}, or run `truss login`, which makes a section of it"
    elif len(remotes) > 1:
        remedy = f"With several remotes each needs a section there; {remedy}"
    else:
        remedy = f"{remedy}, or set {AUTH_URL} and {AUTH_KEY}"
    return f"No credentials for the remote {remote!r}: {known}. {remedy}."


def _names(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names) or "no section"


def _default_trussrc() -> str:
    # Without a key: Truss takes that from the environment.
    return f"[{DEFAULT_REMOTE}]\nremote_provider = baseten\nremote_url = {DEFAULT_REMOTE_URL}\n"


def _sections(file: str, trussrc: Optional[str]) -> Dict[str, Dict[str, str]]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(trussrc or "")
    except configparser.Error as e:
        # Its message quotes the line, which may be the one with the key.
        line = getattr(e, "lineno", None) or next(iter(getattr(e, "errors", [])), (None,))[0]
        where = f", line {line}" if line else ""
        raise TrussError(
            f"{file} cannot be read{where}: it must have sections, `[baseten]`, with lines such as "
            f"`remote_url = {DEFAULT_REMOTE_URL}`."
        ) from None
    return {name: dict(parser[name]) for name in parser.sections()}
