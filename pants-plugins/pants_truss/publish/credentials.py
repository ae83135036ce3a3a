"""Finds the credentials of remotes without reading them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Mapping, Optional, Tuple

from pants.base.build_environment import get_buildroot
from pants.engine.env_vars import EnvironmentVarsRequest
from pants.engine.rules import collect_rules
from pants.util.frozendict import FrozenDict

from pants_truss.core.errors import TrussError
from pants_truss.core.push import API_KEY, AUTH_KEY, AUTH_URL, find_access
from pants_truss.pants_api import get_environment_vars, implicitly, per_session, rule
from pants_truss.pants_api.per_session import SessionRequest, find_session
from pants_truss.publish.redacted_env import hidden
from pants_truss.subsystems.publish import TrussPublishSubsystem
from pants_truss.truss_cli import rules as truss_cli
from pants_truss.truss_cli.rules import TrussReleaseRequest, find_truss_release

_TRUSSRC = "USER_TRUSSRC_PATH"
# Variables that `truss push` needs to run and to find credentials, including those in a keyring.
_ENVIRONMENT = (
    API_KEY,
    AUTH_KEY,
    AUTH_URL,
    "BASETEN_TRUSS_AUTH_KEYRING_DISABLED",
    "DBUS_SESSION_BUS_ADDRESS",
    "HOME",
    "LANG",
    "PATH",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    _TRUSSRC,
)


@dataclass(frozen=True)
class RemoteAccessRequest:
    """All remotes of one truss. `are_named` is True if the target itself names them."""

    remotes: Tuple[str, ...]
    are_named: bool


@dataclass(frozen=True)
class RemoteAccess:
    """`urls` and `sources` are those of `core.push.Access`. `environment` is passed to the process.
    `trussrc` is written to `TRUSSRC_FILE` for it. If `error` is set, the rest is empty."""

    urls: Tuple[Optional[str], ...]
    sources: Tuple[str, ...] = ()
    environment: FrozenDict[str, str] = FrozenDict()
    by_environment: bool = False
    trussrc: Optional[str] = None
    error: Optional[str] = None


TRUSSRC_FILE = "trussrc"


@rule
async def find_remote_access(
    request: RemoteAccessRequest, options: TrussPublishSubsystem
) -> RemoteAccess:
    # Pants does not watch the file, which may have changed since the last run.
    await find_session(SessionRequest(), **implicitly())
    release = await find_truss_release(TrussReleaseRequest(), **implicitly())
    environment = await get_environment_vars(
        EnvironmentVarsRequest((*_ENVIRONMENT, *options.env_vars)), **implicitly()
    )
    path = _find_trussrc(environment)
    try:
        access = find_access(
            request.remotes,
            request.are_named,
            environment,
            str(path),
            _read(path),
            release.version,
        )
    except TrussError as e:
        return RemoteAccess((None,) * len(request.remotes), error=str(e))
    variables = {
        **hidden(environment),
        # Rich wraps long log lines, and a wrapped secret would not be redacted.
        "COLUMNS": "10000",
        "PYTHONUNBUFFERED": "1",
        "TRUSS_NO_UPDATE_CHECK": "1",
        _TRUSSRC: TRUSSRC_FILE if access.trussrc else str(path),
    }
    return RemoteAccess(
        access.urls,
        access.sources,
        FrozenDict(variables),
        access.by_environment,
        access.trussrc,
    )


def _find_trussrc(environment: Mapping[str, str]) -> Path:
    """Finds the file like Truss. A relative path is relative to the root of the repository."""
    home = environment.get("HOME", "")
    value = environment.get(_TRUSSRC) or "~/.trussrc"
    return Path(get_buildroot(), f"{home}{value[1:]}" if value.startswith("~/") else value)


def _read(path: Path) -> Optional[str]:
    try:
        return path.read_text("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as e:
        raise TrussError(f"Cannot read {path}: {e.strerror}.") from None


def rules() -> Iterable[object]:
    return [*collect_rules(), *per_session.rules(), *truss_cli.rules()]
