"""A stand-in for Pex, which would need the package index: all else of Pants and of the plugin runs.

An environment `NAME.pex` installs what `pexes/NAME/info.jsonl` of the repository lists, and its
Python is the script `pexes/NAME/python` there. That of the Truss tool is the Python of the tests,
next to a Truss of a few lines.
"""

from __future__ import annotations

import json
import sys
from pathlib import PurePath
from typing import Any, Dict, Iterable, List, Sequence, Tuple

import pytest
from pants.backend.python.util_rules.pex import (
    PexResolveInfo,
    Script,
    VenvPex,
    VenvPexRequest,
    parse_repository_info,
)
from pants.engine.fs import CreateDigest, Digest, DigestContents, FileContent
from pants.engine.internals.scheduler import ExecutionError
from pants.testutil.rule_runner import RuleRunner
from pants.util.frozendict import FrozenDict

from pants_truss.pants_api import (
    create_digest,
    get_digest_contents,
    implicitly,
    path_globs_to_digest,
    rule,
)
from pants_truss.serving.conftest import RELEASE
from pants_truss.sources.globs import exactly
from pants_truss.testutil.rule_runners import with_stand_ins

# The metadata of a batch of tests: Pants makes one batch for each target.
NO_METADATA: Any = None


@rule
async def stand_in_for_a_venv(request: VenvPexRequest) -> VenvPex:
    filename = request.pex_request.output_filename
    name = filename[: -len(".pex")]
    is_truss = name == "truss_cli"
    digest = await path_globs_to_digest(exactly(f"pexes/{name}/python"), **implicitly())
    scripts = [
        FileContent(f"{name}_python.sh", file.content, is_executable=True)
        for file in await get_digest_contents(digest)
    ]
    release = [FileContent(path, text.encode()) for path, text in RELEASE.items()]
    python = Script(PurePath(f"{name}_python.sh"))
    return VenvPex(
        await create_digest(CreateDigest(release if is_truss else scripts), **implicitly()),
        FrozenDict({f"cache_of_{name}": f".cache/{name}"}),
        filename,
        Script(PurePath(sys.executable)) if is_truss else Script(PurePath(f"{name}_pex.sh")),
        python,
        FrozenDict(),
        f"venvs/{name}",
    )


@rule
async def stand_in_for_what_is_installed(venv_pex: VenvPex) -> PexResolveInfo:
    name = venv_pex.pex_filename[: -len(".pex")]
    digest = await path_globs_to_digest(exactly(f"pexes/{name}/info.jsonl"), **implicitly())
    contents = await get_digest_contents(digest)
    return parse_repository_info(b"".join(file.content for file in contents).decode())


def with_stand_in(rules: Iterable[object]) -> List[Any]:
    """The rules, with those above in place of Pants' own that they stand for."""
    return with_stand_ins(rules, (stand_in_for_a_venv, stand_in_for_what_is_installed))


def raised(caught: pytest.ExceptionInfo[ExecutionError]) -> Exception:
    """The exception that a rule has raised."""
    errors: Sequence[Exception] = caught.value.wrapped_exceptions
    (error,) = errors
    return error


def texts(tested: Any) -> Tuple[str, str]:
    """What the result of a test shows: bytes, from Pants 2.18 on."""
    if hasattr(tested, "stdout_bytes"):
        return tested.stdout_bytes.decode(), tested.stderr_bytes.decode()
    return tested.stdout, tested.stderr


def install(rule_runner: RuleRunner, name: str, *lines: str, python: str = "") -> None:
    """Lines such as `numpy==1.26.4`, in the environment with that name."""
    found = []
    for line in lines:
        project, _, version = line.partition("==")
        facts: Dict[str, Any] = {"requires_python": None, "requires_dists": []}
        found.append(json.dumps({"project_name": project, "version": version, **facts}) + "\n")
    files = {f"pexes/{name}/info.jsonl": "".join(found), f"pexes/{name}/python": python}
    rule_runner.write_files(files)


def files_in(rule_runner: RuleRunner, digest: Digest) -> Any:
    """The files by their path, as text."""
    contents = rule_runner.request(DigestContents, [digest])
    return {file.path: file.content.decode() for file in contents}
