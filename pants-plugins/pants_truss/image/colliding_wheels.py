"""Installs distributions of which two have a file of one name, as pip and uv do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

from pants.backend.python.util_rules import pex_cli
from pants.backend.python.util_rules.pex_cli import PexCliProcess
from pants.backend.python.util_rules.pex_venv import PexVenvRequest
from pants.engine.fs import Digest, MergeDigests
from pants.engine.process import ProcessExecutionFailure
from pants.engine.rules import collect_rules

from pants_truss.pants_api import (
    execute_process,
    implicitly,
    merge_digests,
    prepare_pex_cli_process,
    rule,
)


@dataclass(frozen=True)
class CollidingVenvRequest:
    """`venv` is a request that Pex refuses because of the collision."""

    venv: PexVenvRequest


@dataclass(frozen=True)
class CollidingVenv:
    """`error` is what Pex writes if the environment cannot be made; empty otherwise."""

    digest: Digest
    error: str


def is_collision(error: ProcessExecutionFailure) -> bool:
    return b"Encountered collision" in error.stderr or b" collisions populating " in error.stderr


@rule
async def make_colliding_venv(request: CollidingVenvRequest) -> CollidingVenv:
    venv = request.venv
    digest = await merge_digests(
        MergeDigests([venv.pex.digest, venv.complete_platforms.digest]), **implicitly()
    )
    # `PexVenvRequest` has no field for the option that matters here.
    process = await prepare_pex_cli_process(
        PexCliProcess(
            subcommand=("venv", "create"),
            extra_args=(
                f"--dest-dir={venv.output_path}",
                f"--pex-repository={venv.pex.name}",
                f"--layout={venv.layout.value}",
                "--collisions-ok",
                *venv.complete_platforms.generate_pex_arg_list(),
            ),
            additional_input_digest=digest,
            output_directories=(str(venv.output_path),),
            description=venv.description,
        ),
        **implicitly(),
    )
    result = await execute_process(process, **implicitly())
    error = result.stderr.decode("utf-8", "replace") if result.exit_code else ""
    return CollidingVenv(result.output_digest, error)


def rules() -> Iterable[object]:
    return [*collect_rules(), *pex_cli.rules()]
