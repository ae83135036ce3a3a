"""Builds the arguments of `truss push` for a truss, and finds the credentials of its remotes."""

from __future__ import annotations

import configparser
import json
import re
from dataclasses import dataclass
from typing import Dict, Mapping, Optional, Sequence, Tuple

from pants_truss.core.errors import TrussError

# `--promote` is short for this environment.
PRODUCTION = "production"

# The remote that `truss login` creates from an API key alone.
DEFAULT_REMOTE = "baseten"
DEFAULT_REMOTE_URL = "https://app.baseten.co"

API_KEY = "BASETEN_API_KEY"
# Together these two define one remote, which replaces all remotes of the file.
AUTH_URL = "BASETEN_TRUSS_AUTH_REMOTE_URL"
AUTH_KEY = "BASETEN_TRUSS_AUTH_API_KEY"
_AUTH_SINCE = (0, 18, 25)
# The first release with `--output=json`.
_PUSH_SINCE = (0, 16, 1)

# Options that `push_args` must not contain, and what to use instead: the plugin sets them, or they
# need a terminal.
_NOT_IN_ARGS = {
    "--config": "Use the field `config` of the target",
    "--deployment-name": "Use the field `deployment_name`",
    "--environment": "Use the field `deployment_environment`",
    "--include-git-info": "Use the field `labels`: the pushed folder is not a git repository",
    "--labels": "Use the field `labels`",
    "--model-name": "Use the field `model_name`",
    "--no-wait": "Use the field `wait`",
    "--non-interactive": "Remove it: the plugin always sets it",
    "--output": "Remove it: the plugin always sets it",
    "--promote": "Use the field `promote`",
    "--remote": "Use the field `remotes`",
    "--tail": "Run `truss model-logs` after the push",
    "--team": "Use the field `team`",
    "--timeout-seconds": "Use the field `wait_timeout`",
    "--wait": "Use the field `wait`",
    "--watch": "Run `truss watch` on the folder in `dist/`",
}

# Truss inserts these names into the text of its queries without escaping.
_UNSAFE = re.compile(r'["\\\x00-\x1f\x7f]')


def check_name(value: str, what: str) -> str:
    """Returns the value. Raises `TrussError` for one that would end a string in a query."""
    if not value.strip():
        raise TrussError(f"{what} must not be empty.")
    found = _UNSAFE.search(value)
    if found:
        example = _UNSAFE.sub("-", value).strip(" -") or "my-model"
        raise TrussError(
            f"{what} must not contain the character {found.group()!r}, but is {value!r}. Use, for "
            f"example, {example!r}."
        )
    if value.startswith("-"):
        raise TrussError(f"{what} must not begin with `-`, but is {value!r}.")
    return value


def check_args(args: Sequence[str]) -> Tuple[str, ...]:
    """Checks `push_args`. Raises `TrussError` for options that the plugin sets, and non-options."""
    for arg in args:
        name, _, _ = arg.partition("=")
        if not re.fullmatch(r"--[a-z][a-z0-9-]*", name):
            raise TrussError(
                f"each entry of `push_args` must be an option of `truss push` with its value after "
                f"`=`, but one is {arg!r}. For example: "
                f'`push_args=["--deploy-timeout-minutes=60"]`.'
            )
        remedy = _NOT_IN_ARGS.get("--watch" if name.startswith("--watch") else name)
        if remedy:
            raise TrussError(f"`push_args` must not contain `{name}`. {remedy}.")
    return tuple(args)


@dataclass(frozen=True)
class PushOptions:
    """The deployment that a target describes. `wait_timeout` is in seconds."""

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
        """Team, model, environment and deployment name, which together hold one deployment.

        An environment serves one deployment, whatever its name.
        """
        name = None if self.serves else self.deployment_name
        return (self.team, self.model_name, self.serves, name)

    @property
    def content(self) -> Tuple[str, ...]:
        """The arguments that are part of the deployment: a change of one needs another push."""
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
        """All arguments of `truss push` except the folder and the remote."""
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
    """How `truss push` reaches its remotes.

    `urls` are the URLs of the remotes, in their order, and `sources` say where their credentials
    come from. `by_environment` is True if two environment variables define the remote; Truss then
    accepts no remote name. `trussrc` is the content of a file to use in place of the user's, or
    None to use the user's.
    """

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
    """Finds how `truss push` reaches these remotes.

    `are_named` is True if the target itself names them. `trussrc` is the content of the user's
    `file`, None if there is no such file; the result holds nothing of it but URLs and names. Raises
    `TrussError` for a remote without credentials.
    """
    if release < _PUSH_SINCE:
        raise TrussError(
            f"`truss push` needs Truss {_version(_PUSH_SINCE)} or later, which can answer in JSON, "
            f"but `[truss-cli]` has Truss {_version(release)}. Set "
            f"`[truss-cli].install_from_resolve` to a resolve with a later release."
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
                f"`api_key`, and {API_KEY} is not set. Run `truss login`, or set {API_KEY}."
            )
        if not sections[remote].get("remote_url"):
            raise TrussError(
                f"The remote {remote!r} in {file} has no `remote_url`. For Baseten, write "
                f"`remote_url = {DEFAULT_REMOTE_URL}`."
            )
    return Access(
        tuple(
            _plain_url(sections[remote]["remote_url"], f"`remote_url` of [{remote}] in {file}")
            for remote in remotes
        ),
        tuple(_source(remote, sections[remote], file) for remote in remotes),
    )


def _source(remote: str, section: Mapping[str, str], file: str) -> str:
    """Names the source of the credentials. Truss prefers its file over the variable."""
    own = {"api_key", "auth_type"} & set(section)
    return f"section [{remote}] of {file}" if own else API_KEY


def _access_by_environment(
    remotes: Sequence[str], are_named: bool, url: Optional[str], key: Optional[str]
) -> Access:
    if not (url and key):
        there, missing = (AUTH_URL, AUTH_KEY) if url else (AUTH_KEY, AUTH_URL)
        raise TrussError(
            f"{there} is set, but {missing} is not. Set both, or unset {there}: Truss needs both "
            f"or neither."
        )
    # Truss refuses a name too: a target that names `prod` must not be pushed to another URL.
    if len(remotes) > 1 or are_named:
        where = "`remotes` of the target" if are_named else "`[truss-publish].default_remotes`"
        raise TrussError(
            f"{AUTH_URL} and {AUTH_KEY} are set and define one remote without a name, but {where} "
            f"has {_names(remotes)}. Unset them and define each remote in .trussrc, or leave "
            f"`remotes` unset and put one name into `[truss-publish].default_remotes`."
        )
    return Access((_plain_url(url, AUTH_URL),), (AUTH_KEY,), by_environment=True)


def _plain_url(url: str, where: str) -> str:
    """Without the user of the URL, as state files and logs have it. Raises `TrussError` for a
    password: `requests` sends it in place of the API key, so that no push succeeds."""
    scheme, _, rest = url.partition("//")
    authority = re.split(r"[/?#]", rest)[0]
    # A password with one of these characters ends the host too early: the rest is not a port.
    is_cut = "@" in rest and not re.fullmatch(r"([^@:]*@)?[^@:]*(:\d*)?|.*@.*", authority)
    user, at, host = (rest if is_cut else authority).rpartition("@")
    host += "" if is_cut else rest[len(authority) :]
    if ":" in user:
        raise TrussError(
            f"{where} has a user and a password, which would be sent in place of the API key. Take "
            f"them out: `{scheme}//{host}`."
        )
    return f"{scheme}//{host}" if at else url


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
    remedy = "Run `truss login` to add a section"
    if list(remotes) == [DEFAULT_REMOTE]:
        remedy = f"Set {API_KEY}, or run `truss login` to add a section"
    elif len(remotes) > 1:
        remedy = "Several remotes each need a section: run `truss login` to add one"
    else:
        remedy = f"{remedy}, or set {AUTH_URL} and {AUTH_KEY}"
    return f"No credentials for the remote {remote!r}: {known}. {remedy}."


def _names(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names) or "no section"


def _default_trussrc() -> str:
    # Without a key: Truss reads the key from the environment.
    return f"[{DEFAULT_REMOTE}]\nremote_provider = baseten\nremote_url = {DEFAULT_REMOTE_URL}\n"


def _sections(file: str, trussrc: Optional[str]) -> Dict[str, Dict[str, str]]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(trussrc or "")
    except configparser.Error as e:
        # The parser's message quotes the line, which may be the line with the key.
        line = getattr(e, "lineno", None) or next(iter(getattr(e, "errors", [])), (None,))[0]
        where = f", line {line}" if line else ""
        raise TrussError(
            f"Cannot read {file}{where}. Write sections such as `[baseten]`, with lines such as "
            f"`remote_url = {DEFAULT_REMOTE_URL}`."
        ) from None
    return {name: dict(parser[name]) for name in parser.sections()}
