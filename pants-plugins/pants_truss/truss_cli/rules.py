"""Runs Truss as a tool."""

from __future__ import annotations

import json
import pkgutil
from dataclasses import dataclass
from typing import Iterable, Tuple

from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.util_rules import pex
from pants.backend.python.util_rules.pex import VenvPexProcess
from pants.engine.fs import CreateDigest, FileContent
from pants.engine.rules import collect_rules
from pants.util.logging import LogLevel

from pants_truss.core import lockfile
from pants_truss.core.paths import normalize_inside
from pants_truss.core.requirement import marker_environments
from pants_truss.engine import (
    create_digest,
    create_venv_pex,
    execute_venv_pex,
    implicitly,
    rule,
)
from pants_truss.truss_cli.subsystem import TrussCli
from pants_truss.util_rules.lockfile import ReadLockfileRequest, read_lockfile


class TrussCliFailed(Exception):
    """The tool itself did not work."""


@dataclass(frozen=True)
class TrussReleaseRequest:
    pass


@dataclass(frozen=True)
class TrussRelease:
    """`version` is that of the lockfile which the tool is installed from, such as (0, 18, 35)."""

    version: Tuple[int, ...]


_PYTHON = "3.11"


@rule
async def find_truss_release(
    _: TrussReleaseRequest, truss_cli: TrussCli, python_setup: PythonSetup
) -> TrussRelease:
    resolve = truss_cli.install_from_resolve
    if resolve:
        path = normalize_inside(python_setup.resolves.get(resolve, ""))
        if path is None:
            raise TrussCliFailed(
                f"`[truss-cli].install_from_resolve` is {resolve!r}, which `[python].resolves` "
                f"does not name, or not with a path in the repository."
            )
        read = await read_lockfile(ReadLockfileRequest(path, resolve, _PYTHON), **implicitly())
        locked = read.lockfile
    else:
        package, name = TrussCli.default_lockfile_resource
        locked = lockfile.parse(
            pkgutil.get_data(package, name) or b"", marker_environments(_PYTHON)
        )
    if "truss" not in locked.distributions:
        raise TrussCliFailed(
            f"The resolve {resolve!r} of `[truss-cli].install_from_resolve` does not have `truss`. "
            f"Add it to the requirements and run `pants generate-lockfiles --resolve={resolve}`."
        )
    return TrussRelease(_numbers(locked.distributions["truss"].version or ""))


def _numbers(version: str) -> Tuple[int, ...]:
    parts = []
    for part in version.split("."):
        if not part.isdigit():
            break
        parts.append(int(part))
    return tuple(parts)


@dataclass(frozen=True)
class ValidateConfigRequest:
    content: bytes


@dataclass(frozen=True)
class ConfigError:
    """`key` leads to the value, as far as Truss tells."""

    key: Tuple[str, ...]
    message: str


@dataclass(frozen=True)
class ValidatedConfig:
    errors: Tuple[ConfigError, ...]


@rule(desc="Validate a config with Truss", level=LogLevel.DEBUG)
async def validate_config(request: ValidateConfigRequest, truss_cli: TrussCli) -> ValidatedConfig:
    script = pkgutil.get_data(__package__ or "", "validate_config.py") or b""
    tool = await create_venv_pex(truss_cli.to_pex_request())
    digest = await create_digest(
        CreateDigest(
            [
                FileContent("validate_config.py", script),
                FileContent("config.yaml", request.content),
            ]
        ),
        **implicitly(),
    )
    result = await execute_venv_pex(
        VenvPexProcess(
            tool,
            argv=("validate_config.py", "config.yaml"),
            input_digest=digest,
            # The script in place of the tool's own command.
            extra_env={"PEX_INTERPRETER": "1", "HOME": "."},
            description="Validate a config with Truss",
            level=LogLevel.DEBUG,
        )
    )
    if result.exit_code:
        lines = result.stderr.decode("utf-8", "replace").strip().splitlines()
        raise TrussCliFailed(
            f"Truss could not be run to validate a config: {lines[-1] if lines else 'no output'}. "
            f'`[truss-lint].validate_with_truss = "off"` goes without.'
        )
    return ValidatedConfig(
        tuple(
            ConfigError(tuple(str(step) for step in entry["key"]), entry["message"])
            for entry in json.loads(result.stdout)
        )
    )


def rules() -> Iterable[object]:
    return [*collect_rules(), *pex.rules()]
