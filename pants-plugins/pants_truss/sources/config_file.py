"""Reads the config of a `truss` target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, List, Sequence, Tuple, Union

from pants.engine.addresses import Address
from pants.engine.fs import FileContent
from pants.engine.rules import collect_rules

from pants_truss.core import truss_config
from pants_truss.core.errors import TrussError
from pants_truss.core.globs import escape_glob
from pants_truss.core.lint.config_checks import check_config, error_finding
from pants_truss.core.lint.finding import Finding, fatal, how_to_silence
from pants_truss.core.lint.release import ReleaseTables, any_release, default_release
from pants_truss.core.paths import join
from pants_truss.core.terminal import visible
from pants_truss.core.truss_config import TrussConfig
from pants_truss.pants_api import (
    get_digest_contents,
    implicitly,
    path_globs_to_digest,
    path_globs_to_paths,
    rule,
)
from pants_truss.sources.globs import exactly, matching
from pants_truss.subsystems.truss_cli import TrussCli
from pants_truss.target_types.truss import TrussConfigField


class InvalidTruss(Exception):
    """A problem of a truss, in words for the person who wrote it. `findings` are the same for
    linting; without them, `what` is."""

    what: str = ""
    findings: Tuple[Finding, ...] = ()

    def __init__(self, message: str) -> None:
        # The message may quote the name of a file, or what a tool printed.
        super().__init__(visible(message))

    @classmethod
    def of(
        cls,
        address: Union[Address, str],
        what: object,
        place: str = "",
        findings: Iterable[Finding] = (),
    ) -> InvalidTruss:
        """`what` says what is wrong, and what to do; `place` is the file or the key for it."""
        target = f"{address} ({place})" if place else str(address)
        gap = "" if str(what).startswith("\n") else " "
        error = cls(f"{target}:{gap}{what}")
        error.what = f"{place}: {what}" if place else str(what)
        error.findings = tuple(findings)
        return error

    @classmethod
    def found(cls, address: Address, findings: Sequence[Finding]) -> InvalidTruss:
        how = list(filter(None, [how_to_silence(finding.rule for finding in findings)]))
        if len(findings) == 1:
            (finding,) = findings
            return cls.of(address, "\n".join([finding.text, *how]), finding.place, findings)
        lines = [f"{finding.place}: {finding.text}" for finding in findings]
        return cls.of(address, "\n" + "\n".join([*lines, *how]), findings=findings)


@dataclass(frozen=True)
class ReadTrussConfigRequest:
    field: TrussConfigField


@dataclass(frozen=True)
class TrussConfigFile:
    """`path` is relative to the build root; `config` is what `content` says."""

    path: str
    content: bytes
    config: TrussConfig


@rule(desc="Read truss config")
async def read_truss_config(
    request: ReadTrussConfigRequest, truss_cli: TrussCli
) -> TrussConfigFile:
    address = request.field.address
    path = join(address.spec_path, request.field.value)
    digest = await path_globs_to_digest(exactly(path), **implicitly())
    contents = await get_digest_contents(digest)
    if not contents:
        siblings = await path_globs_to_paths(
            matching(
                join(escape_glob(address.spec_path), pattern) for pattern in ("*.yaml", "*.yml")
            ),
            **implicitly(),
        )
        raise InvalidTruss.of(address, _describe_missing(path, siblings.files))
    # Another release is asked later; what holds for each is enough for an unreadable config.
    release = any_release() if truss_cli.install_from_resolve else default_release()
    return _parse(address, contents[0], release)


def _parse(address: Address, file: FileContent, release: ReleaseTables) -> TrussConfigFile:
    try:
        return TrussConfigFile(file.path, file.content, truss_config.parse(file.content))
    except TrussError as e:
        # All that is wrong, and not only what gathering has met first.
        found = fatal(check_config(file.path, file.content, release))
        findings = sorted(found, key=lambda finding: (finding.line or 0, finding.column or 0))
        raise InvalidTruss.found(address, findings or [error_finding(file.path, e)]) from None


def _describe_missing(path: str, siblings: Iterable[str]) -> str:
    names: List[str] = sorted(sibling.rpartition("/")[2] for sibling in siblings)
    if path.rpartition("/")[2] == "config.yaml" and "config.yml" in names:
        hint = "Rename config.yml to config.yaml."
    elif names:
        hint = f"The folder has {', '.join(names)}: set `config` to one of them."
    else:
        hint = "A truss needs one next to its BUILD file; `truss init` makes it."
    return f"its config {path} does not exist. {hint}"


def rules() -> Iterable[object]:
    return collect_rules()
