"""`pants test` of a `truss`: it loads, and predicts its examples, from the gathered tree alone."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import Any, Dict, Iterable, Optional, Tuple, cast

from pants.core.goals.test import (
    TestExtraEnv,
    TestFieldSet,
    TestRequest,
    TestResult,
    TestSubsystem,
)
from pants.engine.addresses import Address
from pants.engine.fs import CreateDigest, FileContent, Snapshot
from pants.engine.process import FallibleProcessResult, Process, ProcessCacheScope
from pants.engine.rules import collect_rules
from pants.engine.target import Target
from pants.util.logging import LogLevel

from pants_truss.core import examples as examples_file
from pants_truss.core.errors import TrussError
from pants_truss.core.examples import Example
from pants_truss.core.model_report import (
    ModelReport,
    absent_files,
    expected_outputs,
    failure,
    missing_modules,
    render,
    report,
    to_junit,
)
from pants_truss.core.terminal import visible_line
from pants_truss.pants_api import (
    concurrently,
    create_digest,
    digest_to_snapshot,
    execute_process,
    get_digest_contents,
    implicitly,
    make_test_result,
    per_session,
    rule,
)
from pants_truss.pants_api.per_session import SessionRequest, find_session
from pants_truss.script_tool import launch
from pants_truss.script_tool.launch import LaunchRequest, prepare_launch
from pants_truss.serving import local_truss, missing_file_advice, missing_module_advice
from pants_truss.serving.local_truss import (
    DescribedTruss,
    describe_truss,
    place_local_truss,
)
from pants_truss.serving.missing_file_advice import FileFixRequest, find_file_fix
from pants_truss.serving.missing_module_advice import ModuleFixRequest, find_module_fix
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.subsystems.serving import GpuTests, TrussTest
from pants_truss.target_types.field_sets import TrussFieldSet, TrussParameter, part_of
from pants_truss.target_types.truss_goals import (
    SkipTrussTestField,
    TrussEnvironmentField,
    TrussTestTimeoutField,
)

logger = logging.getLogger(__name__)

SCRIPTS = tuple(
    ("pants_truss.serving.scripts", name)
    for name in ("run_examples.py", "local_truss.py", "asgi_client.py", "model_problems.py")
)
_RESULT = "result.json"
_SECRET = "TRUSS_SECRET_"


@dataclass(frozen=True)
class TrussTestFieldSet(TrussFieldSet, TestFieldSet):
    timeout: TrussTestTimeoutField
    environment: TrussEnvironmentField

    @classmethod
    def opt_out(cls, tgt: Target) -> bool:
        return bool(tgt.get(SkipTrussTestField).value)


class TrussTestRequest(TestRequest):
    tool_subsystem = cast(Any, TrussTest)
    field_set_type = TrussTestFieldSet


@dataclass(frozen=True)
class RunExamplesRequest(TrussParameter):
    truss: TrussFieldSet
    examples: Tuple[Example, ...]
    environment: Tuple[Tuple[str, str], ...]
    timeout: Optional[int]
    force: bool


@dataclass(frozen=True)
class RanExamples:
    """`result` is empty if the process ended before it wrote any."""

    process: FallibleProcessResult
    report: ModelReport
    output: str


@rule(desc="Run the examples of a truss", level=LogLevel.DEBUG)
async def run_examples(request: RunExamplesRequest) -> RanExamples:
    truss = request.truss
    local = await place_local_truss(truss, **implicitly())
    launched = await prepare_launch(
        LaunchRequest(
            SCRIPTS,
            local.environment.pexes,
            local.digest,
            folder="local",
            spec_name="truss.json",
            spec=json.dumps(examples_spec(request.examples)),
            lists_venvs=True,
        ),
        **implicitly(),
    )
    process = await execute_process(
        Process(
            (*launched.sandbox_args, _RESULT),
            input_digest=launched.digest,
            env={"LANG": "C.UTF-8", **dict(request.environment)},
            output_files=(_RESULT,),
            append_only_caches=launched.append_only_caches,
            timeout_seconds=request.timeout,
            cache_scope=(
                ProcessCacheScope.PER_SESSION if request.force else ProcessCacheScope.SUCCESSFUL
            ),
            description=f"Test {truss.address}",
            level=LogLevel.DEBUG,
        ),
        **implicitly(),
    )
    contents = await get_digest_contents(process.output_digest)
    output = (process.stdout + process.stderr).decode("utf-8", "replace")
    if not contents:
        return RanExamples(process, failure(how_it_ended(process, request.timeout)), output)
    result = json.loads(contents[0].content)
    missing, absent = missing_modules(result), absent_files(result)
    fixes = await concurrently(
        find_module_fix(ModuleFixRequest(truss, module), **implicitly()) for module in missing
    )
    files = await concurrently(
        find_file_fix(FileFixRequest(truss, path, opener), **implicitly())
        for path, opener in absent
    )
    found = report(
        result,
        expected_outputs(request.examples),
        local.sources,
        {
            **{module: fix.text for module, fix in zip(missing, fixes)},
            **{path: fix.text for (path, _), fix in zip(absent, files)},
        },
    )
    return RanExamples(process, found, output)


def examples_spec(examples: Iterable[Example]) -> Dict[str, Any]:
    return {
        "examples": [
            {
                "name": example.name,
                "input": json.loads(example.input),
                **({"output": json.loads(example.output)} if example.output else {}),
            }
            for example in examples
        ]
    }


def how_it_ended(process: FallibleProcessResult, timeout: Optional[int]) -> str:
    # Pants marks a timeout like this. The model may print the same words.
    if process.exit_code < 0 and timeout and b"Exceeded timeout" in process.stderr:
        return (
            f"it took longer than {timeout} seconds. Give it more with the field "
            f"`{TrussTestTimeoutField.alias}`, or see why the model is slow."
        )
    code = process.exit_code
    how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return f"the process that loaded the model {how} before it had a result."


@dataclass(frozen=True)
class WriteReportsRequest:
    address: Address
    report: ModelReport
    output: str


@dataclass(frozen=True)
class WrittenReports:
    snapshot: Snapshot


@rule
async def write_reports(request: WriteReportsRequest) -> WrittenReports:
    content = to_junit(request.address.spec, request.report, request.output)
    name = f"{request.address.path_safe_spec}.truss.xml"
    digest = await create_digest(CreateDigest([FileContent(name, content)]), **implicitly())
    return WrittenReports(await digest_to_snapshot(digest))


@rule(desc="Test truss", level=LogLevel.DEBUG)
async def test_truss(
    batch: TrussTestRequest.Batch,  # type: ignore[type-arg]
    test_subsystem: TestSubsystem,
    truss_test: TrussTest,
    extra_env: TestExtraEnv,
) -> TestResult:
    field_set = batch.single_element
    assert isinstance(field_set, TrussTestFieldSet)
    address, show = field_set.address, test_subsystem.output
    truss = part_of(TrussFieldSet, field_set)
    try:
        described = await describe_truss(truss, **implicitly())
        skipped = described.needs_image or described.accelerator
        if described.needs_image or (described.accelerator and truss_test.gpu == GpuTests.SKIP):
            what = _what(described.needs_image, skipped)
            logger.info(visible_line(f"Not tested: {address} needs {what}."))
            return TestResult.no_tests_found(address, show)
        _refuse_secrets(address, extra_env.env)
        examples = _read_examples(address, described)
        ran = await run_examples(
            RunExamplesRequest(
                truss,
                examples,
                tuple(sorted(extra_env.env.items())),
                field_set.timeout.calculate_from_global_options(test_subsystem),
                bool(test_subsystem.force),
            ),
            **implicitly(),
        )
    except InvalidTruss as e:
        await find_session(SessionRequest(), **implicitly())
        untested = failure(e.what or str(e))
        reports = await write_reports(WriteReportsRequest(address, untested, ""), **implicitly())
        # Pants lists in its summary only what a process has tested.
        failed = await execute_process(_failing(address), **implicitly())
        return make_test_result(
            failed, address, show, text=render(untested, ""), reports=reports.snapshot
        )
    reports = await write_reports(
        WriteReportsRequest(address, ran.report, ran.output), **implicitly()
    )
    process = ran.process
    if ran.report.failed and process.exit_code == 0:
        # The model has ended the process as if all were well.
        process = await execute_process(_failing(address), **implicitly())
    return make_test_result(
        process,
        address,
        show,
        text=render(ran.report, ran.output),
        reports=reports.snapshot,
    )


def _failing(address: Address) -> Process:
    # The address is an argument, as equal processes share one description.
    return Process(("/bin/sh", "-c", "exit 1", address.spec), description=f"Fail {address}")


def _what(needs_image: Optional[str], accelerator: Optional[str]) -> str:
    if needs_image:
        return f"an image (`{needs_image}` in its config)"
    return f"{accelerator} (`[truss-test].gpu` is `skip`)"


def _refuse_secrets(address: Address, environment: Iterable[str]) -> None:
    # The environment of a process is in the key of its result, which caches share.
    for name in environment:
        if name.startswith(_SECRET):
            raise InvalidTruss.of(
                address,
                f"`[test].extra_env_vars` has {name}, and a secret must not become part of a cache "
                f"key. Take it out; `pants run {address}` reads it from the environment.",
            )


def _read_examples(address: Address, described: DescribedTruss) -> Tuple[Example, ...]:
    if described.examples is None:
        if described.names_examples:
            raise InvalidTruss.of(
                address,
                f"`examples_filename` is {described.config.examples_filename!r}, but there is no "
                f"{described.examples_path}, or Pants ignores it (`[GLOBAL].pants_ignore` or git).",
                described.config_path,
            )
        return ()
    try:
        return examples_file.parse(described.examples_path, described.examples)
    except TrussError as e:
        raise InvalidTruss.of(address, e) from None


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *launch.rules(),
        *local_truss.rules(),
        *missing_file_advice.rules(),
        *missing_module_advice.rules(),
        *per_session.rules(),
        *TrussTestRequest.rules(),
    ]
