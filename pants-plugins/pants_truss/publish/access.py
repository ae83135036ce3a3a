"""Finds the credentials of remotes, without looking at them."""

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
from pants_truss.publish.hidden import hidden
from pants_truss.subsystems.publish import TrussPublishSubsystem
from pants_truss.truss_cli import rules as truss_cli
from pants_truss.truss_cli.rules import TrussReleaseRequest, find_truss_release

_TRUSSRC = "USER_TRUSSRC_PATH"
# What `truss push` needs to find credentials, in a keyring too, and to work at all.
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
    """All remotes of one truss. `are_named`: by the target itself."""

    remotes: Tuple[str, ...]
    are_named: bool


@dataclass(frozen=True)
class RemoteAccess:
    """`urls` and `sources` as in `core.push.Access`. `environment` is for the process, and
    `trussrc` what to write to `TRUSSRC_FILE` for it. With an `error` there is none of that."""

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
    # The file may have changed since, and is not one of those that Pants watches.
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
        # Rich folds what it logs, and a folded secret is not recognised.
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
    """As Truss does; a relative path is from the root of the repository."""
    home = environment.get("HOME", "")
    value = environment.get(_TRUSSRC) or "~/.trussrc"
    return Path(get_buildroot(), f"{home}{value[1:]}" if value.startswith("~/") else value)


def _read(path: Path) -> Optional[str]:
    try:
        return path.read_text("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as e:
        raise TrussError(f"{path} cannot be read: {e.strerror}.") from None


def rules() -> Iterable[object]:
    return [*collect_rules(), *per_session.rules(), *truss_cli.rules()]
