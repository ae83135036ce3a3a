"""Tests which distributions an image gets, and what happens on failures. Nothing is installed: the
name of a requirement decides its outcome."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import pytest
from pants.engine.fs import CreateDigest, FileContent
from pants.engine.platform import Platform as LocalPlatform
from pants.testutil.rule_runner import QueryRule, RuleRunner, engine_error

from pants_truss.core.environment import Distribution
from pants_truss.core.oci.platforms import parse_platform
from pants_truss.image import distributions
from pants_truss.image.distributions import (
    FlatInstall,
    FlatInstallRequest,
    Installed,
    InstalledTruss,
    InstallTrussRequest,
    parse_metadata,
)
from pants_truss.pants_api import NEWEST_PYTHON_OF_PEX, create_digest, implicitly, rule
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.testutil.images import (
    OPTIONS,
    installed_files,
    new_image_runner,
    requirements_of,
    truss_at,
)
from pants_truss.testutil.results import contents

# Requirements of distributions that may conflict with those of the server.
REQUIRES = {"old": "uvicorn<0.30", "fits": "uvicorn>=0.30", "windows": "uvicorn<1; os_name == 'nt'"}
_MACHINE = LocalPlatform.create_for_localhost().value
LOCAL, OTHER = (
    ("linux/arm64", "linux/amd64") if "arm64" in _MACHINE else ("linux/amd64", "linux/arm64")
)
on_linux = pytest.mark.skipif(
    not _MACHINE.startswith("linux"), reason="only on Linux something is built for images"
)


WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp311-cp311-{}_x86_64\n"
SYSTEMS = {"built": "linux", "wheel": "manylinux_2_17"}


@rule
async def install_by_name(request: FlatInstallRequest) -> FlatInstall:
    listed = requirements_of(request.wanted.pex)
    for text in listed:
        name = text.partition("==")[0]
        if name == "missing":
            return FlatInstall(None, f"ERROR: No matching distribution found for {text}")
        if name == "sourceonly" and not request.is_local:
            return FlatInstall(None, "No pre-built wheel was available for sourceonly 1.")
        if name == "uncompilable":
            return FlatInstall(
                None, "error: no compiler" if request.is_local else "No pre-built wheel."
            )
    files = installed_files(listed, REQUIRES)
    for name, system in SYSTEMS.items():
        if f"{name}==1" in listed:
            wheel = WHEEL.format(system).encode()
            files.append(FileContent(f"{name}-1.dist-info/WHEEL", wheel))
    digest = await create_digest(CreateDigest(files), **implicitly())
    return FlatInstall(digest, "")


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return new_image_runner(
        distributions.rules(),
        QueryRule(InstalledTruss, [InstallTrussRequest]),
        installer=(install_by_name,),
    )


def install(
    rule_runner: RuleRunner,
    config: str,
    platform: str = LOCAL,
    files: Optional[Dict[str, str]] = None,
) -> InstalledTruss:
    rule_runner.set_options(OPTIONS, env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    all_files = {
        "BUILD": "truss()",
        "config.yaml": f"python_version: py311\n{config}\n",
        "model/model.py": "",
        **(files or {}),
    }
    rule_runner.write_files({f"src/a/{path}": text for path, text in all_files.items()})
    request = InstallTrussRequest(truss_at(rule_runner, "src/a"), parse_platform(platform))
    return rule_runner.request(InstalledTruss, [request])


def named(installed: Optional[Installed]) -> Optional[List[str]]:
    if not installed:
        return None
    return [f"{d.name}=={d.version}" for d in installed.distributions]


# --- The distributions of a truss.


def test_a_truss_without_requirements_has_only_the_server(rule_runner: RuleRunner) -> None:
    found = install(rule_runner, "requirements: []")
    assert found.own is None
    assert named(found.server) == ["uvicorn==0.30"]
    assert found.notes == ()


def test_compatible_distributions_precede_the_server(rule_runner: RuleRunner) -> None:
    found = install(rule_runner, "requirements: [zlib==2, fits==1, windows==1]")
    assert named(found.own) == ["fits==1", "windows==1", "zlib==2"]
    assert named(found.server) == ["uvicorn==0.30"]
    assert found.own
    assert set(contents(rule_runner, found.own.digest)) == {
        *("fits.py", "windows.py", "zlib.py", "fits-1.dist-info/METADATA"),
        *("windows-1.dist-info/METADATA", "zlib-2.dist-info/METADATA"),
    }


@pytest.mark.parametrize(
    ("lines", "joint"),
    [
        # The truss lists no uvicorn, and the one of the lockfile does not fit.
        ("[old==1]", ["old==1", "uvicorn==9"]),
        # The truss lists one that fits: Python finds the own one of the truss.
        ("[old==1, uvicorn==0.29]", None),
        ("[fits==1, uvicorn==0.29]", ["fits==1", "uvicorn==0.29"]),
    ],
)
def test_conflicting_distributions_are_installed_with_the_server(
    rule_runner: RuleRunner, lines: str, joint: Optional[List[str]]
) -> None:
    found = install(rule_runner, f"requirements: {lines}")
    if joint:
        assert named(found.own) == joint
        assert found.server is None
    else:
        assert named(found.server) == ["uvicorn==0.30"]
        assert found.own and len(found.own.distributions) == 2


def test_a_requirements_file_counts(rule_runner: RuleRunner) -> None:
    files = {"requirements.txt": "# these\nfrom_file==1\nb==2  # why\n"}
    config = "requirements_file: requirements.txt"
    assert named(install(rule_runner, config, files=files).own) == ["b==2", "from_file==1"]


# --- Failures.


@on_linux
def test_a_distribution_without_a_wheel_is_built_on_the_same_platform(
    rule_runner: RuleRunner,
) -> None:
    found = install(rule_runner, "requirements: [sourceonly==1, other==2]")
    assert named(found.own) == ["other==2", "sourceonly==1"]
    assert found.notes == (
        f"Warning: `requirements` in src/a/config.yaml: sourceonly 1 has no wheel for {LOCAL} with "
        f"glibc 2.31 or older. This machine's Python installed all requirements and may have "
        f"compiled some. The image may differ between machines and may not run on older bases.",
    )


def test_builds_of_pex_are_reported(rule_runner: RuleRunner) -> None:
    """The Pex of Pants 2.31 does not fail in this case. The wheel names the systems it is for."""
    found = install(rule_runner, "requirements: [built==1, wheel==1, other==2]")
    assert named(found.own) == ["built==1", "other==2", "wheel==1"]
    (note,) = found.notes
    assert note.startswith(
        f"Warning: `requirements` in src/a/config.yaml: built 1 has no wheel for {LOCAL} with "
        "glibc 2.31 or older."
    )
    assert install(rule_runner, "requirements: [wheel==1, other==2]").notes == ()


def test_nothing_is_built_for_another_machine(rule_runner: RuleRunner) -> None:
    message = (
        "src/a:a: sourceonly 1, a requirement of `requirements` in "
        "src/a/config.yaml, has no wheel for the platform of the image, and cannot be built for it "
        "on this machine. Add one to an index or a folder in `[python-repos].find_links`, or take "
        "another version."
    )
    with engine_error(InvalidTruss, contains=message):
        install(rule_runner, "requirements: [sourceonly==1]", OTHER)


@pytest.mark.skipif(NEWEST_PYTHON_OF_PEX is None, reason="the Pex of this Pants runs on all")
def test_nothing_is_built_for_a_python_that_pex_does_not_support(rule_runner: RuleRunner) -> None:
    message = "src/a:a: sourceonly 1, a requirement of"
    config = "python_version: py313\nrequirements: [sourceonly==1]"
    with engine_error(InvalidTruss, contains=message):
        install(rule_runner, "", files={"config.yaml": config})


@on_linux
def test_the_error_of_a_local_build_replaces_the_first(rule_runner: RuleRunner) -> None:
    message = (
        "src/a:a: its environment could not be built from "
        "`requirements` in src/a/config.yaml:\n  error: no compiler"
    )
    with engine_error(InvalidTruss, contains=message):
        install(rule_runner, "requirements: [uncompilable==1]")


@pytest.mark.parametrize("platform", [LOCAL, OTHER])
def test_an_unknown_requirement(rule_runner: RuleRunner, platform: str) -> None:
    message = (
        "src/a:a: no distribution matches the requirement "
        "'missing==1' of `requirements` in src/a/config.yaml for Python 3.11 on this machine."
    )
    with engine_error(InvalidTruss, contains=message):
        install(rule_runner, "requirements: [missing==1]", platform)


def test_an_error_names_the_file_of_the_requirement(rule_runner: RuleRunner) -> None:
    with engine_error(InvalidTruss, contains="'missing==2' of src/a/reqs.txt for Python 3.11"):
        install(rule_runner, "requirements_file: reqs.txt", files={"reqs.txt": "missing==2\n"})


# --- Metadata.


def installed(*distributions: Tuple[str, str], notes: Tuple[str, ...] = ()) -> Any:
    return Installed(
        None,  # type: ignore[arg-type]
        tuple(Distribution(name, version) for name, version in distributions),
        notes,
    )


def test_the_first_of_two_distributions_with_one_name_counts() -> None:
    both = InstalledTruss(
        installed(("PyYAML", "6"), ("a", "1"), notes=("own",)),
        installed(("b", "2"), ("pyyaml", "5"), ("A", "0"), notes=("server", "more")),
    )
    assert [(d.name, d.version) for d in both.distributions] == [
        ("a", "1"),
        ("b", "2"),
        ("PyYAML", "6"),
    ]
    assert both.notes == ("own", "server", "more")
    assert InstalledTruss(None, None).distributions == ()
    spelt = (installed((name, "1")) for name in ("typing_extensions", "Typing-Extensions"))
    assert [d.name for d in InstalledTruss(*spelt).distributions] == ["typing_extensions"]


@pytest.mark.parametrize(
    ("metadata", "found"),
    [
        (b"Name: a\nVersion: 1\n", Distribution("a", "1")),
        (
            b"Metadata-Version: 2.1\nName: a\nVersion: 1.0+local\nRequires-Dist: b (>=1)\n"
            b"Requires-Dist: c ; extra == 'x'\n\nName: not this\nRequires-Dist: nor this\n",
            Distribution("a", "1.0+local", ("b (>=1)", "c ; extra == 'x'")),
        ),
        # Continued lines, CRLF, and bytes that are not UTF-8 in an ignored field.
        (
            b"Name: a\r\nSummary: one\r\n  two\r\nAuthor: \xff\xe9\r\nVersion: 1\r\n",
            Distribution("a", "1"),
        ),
    ],
)
def test_metadata_of_a_wheel(metadata: bytes, found: Distribution) -> None:
    assert parse_metadata(metadata) == found
