"""Checks the requests to Pex and the use of its results. Pex itself does not run."""

from __future__ import annotations

import json
from typing import Any, Dict, Tuple

import pytest
from pants.backend.python.target_types import PexLayout
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.backend.python.util_rules.pex import CompletePlatforms, Pex, PexRequest
from pants.backend.python.util_rules.pex_requirements import PexRequirements
from pants.backend.python.util_rules.pex_venv import PexVenv, PexVenvLayout, PexVenvRequest
from pants.engine.addresses import Address
from pants.engine.fs import (
    AddPrefix,
    CreateDigest,
    Digest,
    DigestEntries,
    FileContent,
    FileEntry,
    MergeDigests,
    SymlinkEntry,
)
from pants.engine.process import ProcessExecutionFailure
from pants.option.global_options import KeepSandboxes
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.core.oci.platforms import complete_platform, parse_platform
from pants_truss.image import distributions
from pants_truss.image.distributions import FlatInstall, FlatInstallRequest, InstallRequest
from pants_truss.pants_api import add_prefix, create_digest, implicitly, merge_digests, rule
from pants_truss.testutil.images import new_image_runner, requirements_of
from pants_truss.testutil.results import contents

RECORD = b"a.py,sha256=x,1\n__pycache__/a.cpython-311.pyc,,\na-1.dist-info/RECORD,,\n"
FAILURE = b"pid 7 -> ERROR: No matching distribution found for missing==1\n"


def asked(platforms: CompletePlatforms, **more: Any) -> bytes:
    return json.dumps({"platforms": list(platforms), **more}).encode()


@rule
async def build_pex(request: PexRequest) -> Pex:
    """Records the request in a file."""
    if "missing==1" in requirements_of(request):
        raise ProcessExecutionFailure(
            1, b"", FAILURE, "Building it", keep_sandboxes=KeepSandboxes.never
        )
    content = asked(
        request.complete_platforms,
        name=request.output_filename,
        internal_only=request.internal_only,
        # Pants' own default for `internal_only`.
        layout=None if request.internal_only else request.layout and request.layout.value,
        constraints=[str(each) for each in request.interpreter_constraints],
        requirements=requirements_of(request),
    )
    asked_for = await create_digest(CreateDigest([FileContent("pex", content)]), **implicitly())
    # Platforms are described in files of the request.
    digest = await merge_digests(
        MergeDigests([asked_for, request.complete_platforms.digest]), **implicitly()
    )
    return Pex(digest, request.output_filename, None)


INSTALLED = (
    FileContent("flat/a.py", b"A"),
    FileContent("flat/bin/a", b"#!python\n", is_executable=True),
    FileContent("flat/__pycache__/a.cpython-311.pyc", b"code"),
    FileContent("flat/deep/__pycache__/b.pyc", b"code"),
    FileContent("flat/deep/c.pyc", b"a file by that name"),
    FileContent("flat/a-1.dist-info/RECORD", RECORD),
    FileContent("flat/a-1.dist-info/METADATA", b"Name: a\nVersion: 1\n"),
    FileContent("flat/a-1.dist-info/INSTALLER", b"pip\n"),
    FileContent("flat/b-1.dist-info/RECORD", b"bin/b,sha256=of Pex,1\nb.py,sha256=x,1\n"),
    FileContent("flat/b-1.dist-info/entry_points.txt", b"[console_scripts]\nb = b:main\n"),
    FileContent("flat/bin/b", b"#!python\n# of Pex\n", is_executable=True),
    FileContent("flat/data/RECORD", RECORD),
    SymlinkEntry("flat/link.py", "a.py"),
)


@rule
async def install_venv(request: PexVenvRequest) -> PexVenv:
    """Records its input in a separate folder."""
    assert (request.layout, str(request.output_path)) == (PexVenvLayout.FLAT, "flat")
    content = asked(request.complete_platforms, name=request.pex.name, why=request.description)
    files = await create_digest(
        CreateDigest([*INSTALLED, FileContent("flat/of/venv", content)]), **implicitly()
    )
    sandbox = await merge_digests(
        MergeDigests([request.pex.digest, request.complete_platforms.digest]), **implicitly()
    )
    beside = await add_prefix(AddPrefix(sandbox, "flat/of"), **implicitly())
    return PexVenv(
        await merge_digests(MergeDigests([files, beside]), **implicitly()), request.output_path
    )


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return new_image_runner(
        distributions.rules(),
        QueryRule(FlatInstall, [FlatInstallRequest]),
        QueryRule(DigestEntries, [Digest]),
        installer=(build_pex, install_venv),
    )


PEX = PexRequest(
    output_filename="requirements.pex",
    internal_only=True,
    requirements=PexRequirements(["b==2", "a==1"], constraints_strings=["c<3"]),
    interpreter_constraints=InterpreterConstraints(["CPython==3.11.*"]),
)


def install(
    rule_runner: RuleRunner,
    pex: PexRequest = PEX,
    platform: str = "linux/amd64",
    python: Tuple[int, int] = (3, 11),
    is_local: bool = False,
) -> FlatInstall:
    rule_runner.set_options([], env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    wanted = InstallRequest(
        pex, Address("src/a"), "`requirements`", python, parse_platform(platform)
    )
    return rule_runner.request(FlatInstall, [FlatInstallRequest(wanted, is_local)])


def files_of(rule_runner: RuleRunner, flat: FlatInstall) -> Dict[str, bytes]:
    assert flat.digest and not flat.error
    return contents(rule_runner, flat.digest)


def test_byte_code_is_removed_from_files_and_lists(rule_runner: RuleRunner) -> None:
    flat = install(rule_runner)
    found = files_of(rule_runner, flat)
    assert {path for path in found if not path.startswith("of/")} == {
        *("a.py", "link.py", "bin/a", "deep/c.pyc", "data/RECORD"),
        *("a-1.dist-info/RECORD", "a-1.dist-info/METADATA", "a-1.dist-info/INSTALLER"),
        *(f"b-1.dist-info/{name}" for name in ("RECORD", "INSTALLER", "REQUESTED")),
        *("b-1.dist-info/entry_points.txt", "bin/b"),
    }
    assert found["a-1.dist-info/RECORD"] == b"a.py,sha256=x,1\na-1.dist-info/RECORD,,\n"
    # As pip installs it, which not every Pex does.
    assert found["b-1.dist-info/INSTALLER"] == b"pip\n"
    assert b"of Pex" not in found["bin/b"] + found["b-1.dist-info/RECORD"]
    assert b"from b import main\n" in found["bin/b"]
    # A data file of that name is not in the metadata of a wheel.
    assert found["data/RECORD"] == RECORD
    assert flat.digest
    entries = rule_runner.request(DigestEntries, [flat.digest])
    executable = [e.path for e in entries if isinstance(e, FileEntry) and e.is_executable]
    assert executable == ["bin/a", "bin/b"]
    assert [e for e in entries if isinstance(e, SymlinkEntry)] == [SymlinkEntry("link.py", "a.py")]


@pytest.mark.parametrize(
    ("platform", "python", "name"),
    [
        ("linux/amd64", (3, 11), "cp311-x86_64-31.json"),
        ("linux/arm64", (3, 9), "cp39-aarch64-31.json"),
        ("linux/arm64/v8", (3, 13), "cp313-aarch64-31.json"),
    ],
)
def test_a_platform_uses_wheels_and_needs_no_python(
    rule_runner: RuleRunner, platform: str, python: Tuple[int, int], name: str
) -> None:
    found = files_of(rule_runner, install(rule_runner, PEX, platform, python))
    assert json.loads(found["of/pex"]) == {
        "name": "requirements.pex",
        "internal_only": False,
        "layout": PexLayout.PACKED.value,
        "constraints": [],
        "platforms": [name],
        "requirements": ["a==1", "b==2"],
    }
    assert json.loads(found["of/venv"]) == {
        "name": "requirements.pex",
        "platforms": [name],
        "why": f"Install requirements.pex for {platform}",
    }
    described = complete_platform(python, parse_platform(platform), 31)
    assert json.loads(found[f"of/{name}"]) == described


def test_a_local_install_may_compile_and_uses_any_glibc(
    rule_runner: RuleRunner,
) -> None:
    found = files_of(rule_runner, install(rule_runner, is_local=True))
    assert json.loads(found["of/pex"]) == {
        "name": "requirements.pex",
        "internal_only": True,
        "layout": None,
        "constraints": ["CPython==3.11.*"],
        "platforms": [],
        "requirements": ["a==1", "b==2"],
    }
    # A wheel that this machine builds may need a newer glibc than the oldest of a base.
    assert json.loads(found["of/venv"])["platforms"] == ["cp311-x86_64-99.json"]
    tags = json.loads(found["of/cp311-x86_64-99.json"])["compatible_tags"]
    assert tags[0] == "cp311-cp311-manylinux_2_99_x86_64"


@pytest.mark.parametrize("is_local", [False, True])
def test_a_failure_of_pex_is_a_result(rule_runner: RuleRunner, is_local: bool) -> None:
    """The caller decides what to do about a failure."""
    pex = PexRequest(
        output_filename="requirements.pex",
        internal_only=True,
        requirements=PexRequirements(["missing==1"]),
    )
    flat = install(rule_runner, pex, is_local=is_local)
    assert flat.digest is None
    assert FAILURE.decode().strip() in flat.error
