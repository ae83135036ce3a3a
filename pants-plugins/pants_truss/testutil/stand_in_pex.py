"""A stand-in for Pex, which would need the package index. The rest of Pants and the plugin runs.

An environment is the folder `pexes/NAME` of the repository, NAME as in `NAME.pex`. These files of
it have a meaning: `info.jsonl` lists the distributions that it installs, text in `error.txt` makes
the build fail, and `python` is the script in place of its Python. The others are the files of the
environment.

The environments of the plugin's own tools have the Python of the tests. The environment of Truss is
the folder itself, next to the scripts that run in it.
"""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import PurePath
from typing import Any, Dict, Iterable, List, Optional

from pants.backend.python.util_rules.pex import (
    PexResolveInfo,
    Script,
    VenvPex,
    VenvPexRequest,
    parse_repository_info,
)
from pants.engine.fs import (
    CreateDigest,
    DigestSubset,
    FileContent,
    MergeDigests,
    PathGlobs,
    RemovePrefix,
)
from pants.engine.process import ProcessExecutionFailure
from pants.option.global_options import KeepSandboxes
from pants.testutil.rule_runner import RuleRunner
from pants.util.frozendict import FrozenDict

from pants_truss.core.paths import below
from pants_truss.pants_api import (
    create_digest,
    digest_subset,
    get_digest_contents,
    implicitly,
    merge_digests,
    path_globs_to_digest,
    remove_prefix,
    rule,
)
from pants_truss.testutil.rule_runners import with_stand_ins

FOLDER = "pexes"
# The environment of Truss as a tool, and that of the scripts of images.
TOOL = "truss_cli"
_SCRIPT_TOOL = "truss_image_tool"
_MEANINGFUL = ("error.txt", "info.jsonl", "python")
_PYTHON_OF_TESTS = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n'
# Imports from the folder itself. A Python of the tests has Truss nowhere else.
_PYTHON_OF_TRUSS = f"""\
#!/bin/sh
exec {shlex.quote(sys.executable)} -I -c '
import runpy, sys
sys.argv, folder = sys.argv[3:], sys.argv[1]
sys.path[:0] = [folder]
runpy.run_path(sys.argv[0], run_name="__main__")
' "${{0%/*}}" "$@"
"""
_PYTHONS = {TOOL: _PYTHON_OF_TRUSS.encode(), _SCRIPT_TOOL: _PYTHON_OF_TESTS.encode()}


@rule
async def make_environment(request: VenvPexRequest) -> VenvPex:
    filename = request.pex_request.output_filename
    name = filename[: -len(".pex")]
    folder = f"{FOLDER}/{name}"
    all_files = await path_globs_to_digest(PathGlobs([f"{folder}/**"]), **implicitly())
    contents = {
        below(file.path, folder): file.content for file in await get_digest_contents(all_files)
    }
    failure = contents.get("error.txt")
    if failure:
        raise ProcessExecutionFailure(
            1, b"", failure, f"Build {filename}", keep_sandboxes=KeepSandboxes.never
        )
    globs = PathGlobs([f"{folder}/**", *(f"!{folder}/{path}" for path in _MEANINGFUL)])
    files = await digest_subset(DigestSubset(all_files, globs), **implicitly())
    placed = await remove_prefix(RemovePrefix(files, folder if name == TOOL else FOLDER))
    python = _PYTHONS.get(name, contents.get("python"))
    shim = f"{name}_python_shim.sh"
    shims = [] if python is None else [FileContent(shim, python, is_executable=True)]
    written = await create_digest(CreateDigest(shims), **implicitly())
    return VenvPex(
        await merge_digests(MergeDigests([placed, written]), **implicitly()),
        FrozenDict({f"cache_of_{name}": f".cache/{name}"}),
        filename,
        Script(PurePath(f"{name}_pex_shim.sh")),
        Script(PurePath(shim)),
        FrozenDict(),
        f"venvs/{name}",
    )


@rule
async def list_installed(venv_pex: VenvPex) -> PexResolveInfo:
    name = venv_pex.pex_filename[: -len(".pex")]
    digest = await path_globs_to_digest(PathGlobs([f"{FOLDER}/{name}/info.jsonl"]), **implicitly())
    contents = await get_digest_contents(digest)
    return parse_repository_info(b"".join(file.content for file in contents).decode())


def with_stand_in_pex(rules: Iterable[object]) -> List[Any]:
    """Returns the rules, with the stand-ins above in place of Pants' own."""
    return with_stand_ins(rules, (make_environment, list_installed))


def installed(*lines: str, requires: Optional[Dict[str, List[str]]] = None) -> str:
    """Returns `info.jsonl` for distributions such as `numpy==1.26.4`, with their `requires`."""
    found = []
    for line in lines:
        name, _, version = line.partition("==")
        facts = {
            "project_name": name,
            "version": version,
            "requires_python": None,
            "requires_dists": (requires or {}).get(name, []),
        }
        found.append(json.dumps(facts) + "\n")
    return "".join(found)


def install(rule_runner: RuleRunner, name: str, *lines: str, python: str = "") -> None:
    """Writes an environment of distributions such as `numpy==1.26.4`, and its Python."""
    files = {"info.jsonl": installed(*lines), "python": python}
    rule_runner.write_files({f"{FOLDER}/{name}/{path}": text for path, text in files.items()})
