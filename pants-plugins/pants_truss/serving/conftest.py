"""A stand-in for Pex, which would need the package index. The rest of Pants and the plugin runs.

An environment is the folder `pexes/NAME` of the repository, NAME as in `NAME.pex`. It installs the
distributions that its `info.jsonl` lists; text in `error.txt` makes the build fail. The environment
of the Truss tool is the folder itself, next to the scripts that run in it. Its Python is the one of
the tests.
"""

from __future__ import annotations

import json
import sys
from pathlib import PurePath
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as python_inference
from pants.backend.python.target_types import (
    PythonRequirementTarget,
    PythonSourcesGeneratorTarget,
)
from pants.backend.python.util_rules.pex import (
    PexResolveInfo,
    Script,
    VenvPex,
    VenvPexRequest,
    parse_repository_info,
)
from pants.core.target_types import FilesGeneratorTarget
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.engine.fs import DigestSubset, PathGlobs, RemovePrefix
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.process import ProcessExecutionFailure
from pants.option.global_options import KeepSandboxes
from pants.testutil.rule_runner import QueryRule, RuleRunner
from pants.util.frozendict import FrozenDict

from pants_truss.dependency_inference import truss as inference
from pants_truss.pants_api import (
    digest_subset,
    get_digest_contents,
    implicitly,
    path_globs_to_digest,
    remove_prefix,
    rule,
)
from pants_truss.target_types.training import TrussTrainingTarget
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget
from pants_truss.testutil.rule_runners import OPTIONS, with_stand_ins
from pants_truss.training import rules as training
from pants_truss.training.rules import InvalidTraining, TrainedTruss, TrainingFieldSet

# A Truss of a few lines, which describes configs.
RELEASE = {
    "truss/__init__.py": "",
    "truss/base/__init__.py": "",
    "truss/base/truss_config.py": """\
import yaml

class TrussConfig:
    @classmethod
    def from_yaml(cls, path):
        config = cls()
        config.data = yaml.safe_load(path.read_text("utf-8")) or {}
        return config

    def to_dict(self, verbose):
        return {"secrets": {}, **self.data}
""",
    "truss/templates/server/requirements.txt": "fastapi\n",
    "truss/templates/server/truss_server.py": "",
    "truss/templates/shared/util.py": "",
}
TOOL = "truss_cli"
FOLDER = "pexes"
_BESIDE = ("error.txt", "info.jsonl")


@rule
async def build(request: VenvPexRequest) -> VenvPex:
    filename = request.pex_request.output_filename
    name = filename[: -len(".pex")]
    folder = f"{FOLDER}/{name}"
    all_files = await path_globs_to_digest(PathGlobs([f"{folder}/**"]), **implicitly())
    for file in await get_digest_contents(all_files):
        if file.path == f"{folder}/error.txt" and file.content:
            raise ProcessExecutionFailure(
                1, b"", file.content, f"Build {filename}", keep_sandboxes=KeepSandboxes.never
            )
    globs = PathGlobs([f"{folder}/**", *(f"!{folder}/{name}" for name in _BESIDE)])
    files = await digest_subset(DigestSubset(all_files, globs), **implicitly())
    is_tool = name == TOOL
    return VenvPex(
        await remove_prefix(RemovePrefix(files, folder if is_tool else FOLDER)),
        FrozenDict({f"cache_of_{name}": f".cache/{name}"}),
        filename,
        Script(PurePath(sys.executable if is_tool else f"{name}_pex_shim.sh")),
        Script(PurePath(f"{name}_python_shim.sh")),
        FrozenDict(),
        f"venvs/{name}",
    )


@rule
async def list_installed(venv_pex: VenvPex) -> PexResolveInfo:
    name = venv_pex.pex_filename[: -len(".pex")]
    digest = await path_globs_to_digest(PathGlobs([f"{FOLDER}/{name}/info.jsonl"]), **implicitly())
    contents = await get_digest_contents(digest)
    return parse_repository_info(b"".join(file.content for file in contents).decode())


def with_stand_in(rules: Iterable[object]) -> List[Any]:
    """Returns the rules, with the stand-ins above in place of Pants' own."""
    return with_stand_ins(rules, (build, list_installed))


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


PYTHON = "python_sources(name='src', sources=['**/*.py'])\n"


def new_training_runner(*queries: QueryRule) -> RuleRunner:
    """Returns a repository for many small cases."""
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *inference.rules(),
            *python_inference.rules(),
            *target_types_rules.rules(),
            *training.rules(),
            QueryRule(TrainedTruss, [TrainingFieldSet]),
            *queries,
        ],
        target_types=[
            FilesGeneratorTarget,
            PythonRequirementTarget,
            PythonSourcesGeneratorTarget,
            TrussExternalPackageTarget,
            TrussTarget,
            TrussTrainingTarget,
        ],
    )


def write_training(
    rule_runner: RuleRunner,
    folder: str,
    fields: str,
    files: Dict[str, str],
    trusses: str = "truss()\n",
) -> TrainingFieldSet:
    """Writes a truss and its training target in `folder/t`."""
    build = f"{trusses}{PYTHON}truss_training(name='train', {fields})\n"
    defaults = {"t/BUILD": build, "t/config.yaml": "", "shared/BUILD": PYTHON, "shared/x.txt": ""}
    rule_runner.write_files({f"{folder}/{p}": text for p, text in {**defaults, **files}.items()})
    roots = "--source-root-patterns=['/*/t', '/*/shared', '/*/beside', '/*/zoo']"
    rule_runner.set_options([*OPTIONS, roots], env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    target = rule_runner.get_target(Address(f"{folder}/t", target_name="train"))
    return TrainingFieldSet.create(target)


def refusal(ask: Callable[[], object]) -> str:
    with pytest.raises(ExecutionError) as error:
        ask()
    raised_there: Tuple[Exception, ...] = error.value.wrapped_exceptions
    (raised,) = raised_there
    assert isinstance(raised, InvalidTraining)
    # Callers may build their own message from `what`.
    assert str(raised).endswith(raised.what) and not raised.findings
    return str(raised)
