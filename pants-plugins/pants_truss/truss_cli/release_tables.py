"""Finds what linting knows of the Truss release that the repository uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

from pants.engine.fs import EMPTY_DIGEST
from pants.engine.rules import collect_rules
from pants.util.logging import LogLevel

from pants_truss.core.lint.release import ReleaseTables, default_release
from pants_truss.pants_api import implicitly, rule
from pants_truss.truss_cli import rules as truss_cli
from pants_truss.truss_cli.rules import (
    VALIDATE_CONFIG,
    TrussCliFailed,
    TrussReleaseRequest,
    TrussScriptRequest,
    find_truss_release,
    parse_version,
    run_truss_script,
)

_SCRIPTS = (("pants_truss.truss_cli", "describe_release.py"), VALIDATE_CONFIG)


@dataclass(frozen=True)
class ReleaseTablesRequest:
    pass


@rule(desc="Learn from the Truss release what configs can have", level=LogLevel.DEBUG)
async def find_release_tables(_: ReleaseTablesRequest) -> ReleaseTables:
    """The plugin brings the tables of its default release. Any other one is asked, once."""
    release = await find_truss_release(TrussReleaseRequest(), **implicitly())
    default = default_release()
    if release.version == parse_version(default.version):
        return default
    result = await run_truss_script(
        TrussScriptRequest(_SCRIPTS, (), EMPTY_DIGEST, "Ask Truss what configs can have"),
        **implicitly(),
    )
    if result.exit_code:
        raise TrussCliFailed(
            f"The Truss release of `[truss-cli]` does not say what configs can have: "
            f"{result.last_line}. Set `[truss-cli].install_from_resolve` to another release."
        )
    return ReleaseTables(result.stdout.decode("utf-8", "replace"))


def rules() -> Iterable[object]:
    return [*collect_rules(), *truss_cli.rules()]
