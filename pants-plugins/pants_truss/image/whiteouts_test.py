"""Puts files into images whose names would delete other files there."""

from __future__ import annotations

from typing import Any, Mapping

import pytest
from pants.engine.fs import CreateDigest, Digest, FileContent
from pants.testutil.rule_runner import QueryRule, RuleRunner, engine_error
from pants.util.frozendict import FrozenDict

from pants_truss.core.oci.platforms import parse_platform
from pants_truss.gather.gather import GatheredTruss
from pants_truss.image import oci_image
from pants_truss.image.build_context import BuildContext, BuildContextRequest
from pants_truss.image.distributions import FlatInstall, FlatInstallRequest
from pants_truss.image.layer import MadeLayer, MakeLayerRequest
from pants_truss.image.oci_image import OciImage, OciImageRequest
from pants_truss.pants_api import create_digest, implicitly, rule
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.testutil.image_layouts import Layout
from pants_truss.testutil.images import (
    NONE,
    OPTIONS,
    installed_files,
    new_image_runner,
    requirements_of,
    truss_at,
)

WHY = "In an image, a name that begins with `.wh.` deletes another file."
RECORD = b"evil.py,,\n../../../bin/.wh.python3,,\n"


@rule
async def install_with_an_evil_script(request: FlatInstallRequest) -> FlatInstall:
    listed = requirements_of(request.wanted.pex)
    files = installed_files(listed)
    if any(text.startswith("evil") for text in listed):
        files += [
            FileContent("bin/.wh.python3", b"", is_executable=True),
            FileContent("evil-1.dist-info/RECORD", RECORD),
        ]
    if any(text.startswith("header") for text in listed):
        files.append(FileContent("include/site/python3.11/.wh.h", b""))
    return FlatInstall(await create_digest(CreateDigest(files), **implicitly()), "")


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    made = new_image_runner(
        oci_image.rules(),
        QueryRule(GatheredTruss, [TrussFieldSet]),
        QueryRule(BuildContext, [BuildContextRequest]),
        QueryRule(OciImage, [OciImageRequest]),
        QueryRule(MadeLayer, [MakeLayerRequest]),
        installer=(install_with_an_evil_script,),
    )
    layout = Layout()
    made.write_files(layout.write(layout.image()).at("images/base"))
    made.set_options(OPTIONS, env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    return made


def write(rule_runner: RuleRunner, root: str, files: Mapping[str, str], config: str = "") -> str:
    all_files = {
        "truss/BUILD": "truss()",
        "truss/config.yaml": f"python_version: py311\n{config}",
        "truss/model/model.py": "",
        "lib/BUILD": "truss_external_package()",
        "lib/lib.py": "",
        **files,
    }
    rule_runner.write_files({f"{root}/{path}": text for path, text in all_files.items()})
    return f"{root}/truss"


def requests(rule_runner: RuleRunner, folder: str, pinned: bool = False) -> "dict[type, Any]":
    truss = truss_at(rule_runner, folder)
    platform, none = parse_platform("linux/amd64"), FrozenDict(NONE)
    return {
        OciImage: OciImageRequest(truss, f"{folder}:i", platform, "images/base", none, none),
        BuildContext: BuildContextRequest(truss, pinned),
    }


def refused(rule_runner: RuleRunner, folder: str, message: str, pinned: bool = False) -> None:
    for product, request in requests(rule_runner, folder, pinned).items():
        with engine_error(InvalidTruss, contains=f"{folder}:truss: {message}"):
            rule_runner.request(product, [request])


@pytest.mark.parametrize(
    "path", ["data/.wh.words", "data/.wh..wh..opq", "model/.wh.m.py", "packages/.wh.lib.py"]
)
def test_a_file_of_a_truss(rule_runner: RuleRunner, path: str) -> None:
    root = f"own_{path.replace('/', '_')}"
    folder = write(rule_runner, root, {f"truss/{path}": ""})
    message = (
        f"an image cannot contain '{path}' (from {folder}/{path} ({folder}:truss)). {WHY} Rename "
        f'it, or write `"!**/'
    )
    refused(rule_runner, folder, message)
    # The truss itself is fine, with a warning.
    truss = rule_runner.request(GatheredTruss, [truss_at(rule_runner, folder)])
    assert path in {file.path for file in truss.files}
    (note,) = truss.notes
    assert note.startswith(f"Warning: {folder}/{path}: the image that a server builds")


def test_a_file_of_an_external_package(rule_runner: RuleRunner) -> None:
    """It would delete a package of another layer."""
    files = {"lib/.wh.other": ""}
    folder = write(rule_runner, "outer", files, "external_package_dirs: [../lib]\n")
    refused(
        rule_runner,
        folder,
        f"an image cannot contain 'packages/.wh.other' (from outer/lib/.wh.other (outer/lib:lib)). "
        f'{WHY} Rename it, or write `"!**/.wh.other"` in `sources` of outer/lib:lib.',
    )


def test_files_that_no_image_has_may_have_such_names(rule_runner: RuleRunner) -> None:
    files = {
        "truss/.wh.readme": "",
        "truss/docs/.wh..wh..opq": "",
        "truss/data/.wh.ignored": "",
        "truss/data/.wh.not_a_source": "",
        "truss/.truss_ignore": "data/.wh.ignored\n",
        "truss/BUILD": "truss(sources=['**', '!data/.wh.not_a_source'])",
    }
    folder = write(rule_runner, "outside", files)
    for product, request in requests(rule_runner, folder).items():
        assert rule_runner.request(product, [request])
    truss = rule_runner.request(GatheredTruss, [truss_at(rule_runner, folder)])
    assert ".wh.readme" in {file.path for file in truss.files}
    assert truss.notes == ()


def test_a_script_of_a_distribution(rule_runner: RuleRunner) -> None:
    """It would delete the Python of the base."""
    folder = write(rule_runner, "wheel", {}, "requirements: [evil==1]\n")
    message = (
        f"the distribution evil 1 installs 'bin/.wh.python3', which an image cannot contain. {WHY} "
        f"Use another release of the distribution, or remove it from the requirements."
    )
    refused(rule_runner, folder, message, pinned=True)


def test_headers_are_not_in_an_image(rule_runner: RuleRunner) -> None:
    folder = write(rule_runner, "header", {}, "requirements: [header==1]\n")
    assert rule_runner.request(OciImage, [requests(rule_runner, folder)[OciImage]])


@pytest.mark.parametrize("path", ["app/.wh.main.py", "app/.wh.server/x", ".wh..wh..opq"])
def test_no_layer_is_made_with_such_a_name(rule_runner: RuleRunner, path: str) -> None:
    digest = rule_runner.request(Digest, [CreateDigest([FileContent(path, b"")])])
    with engine_error(
        InvalidTruss, contains=f"The layer 'the Truss server' cannot contain {path!r}. {WHY}"
    ):
        rule_runner.request(MadeLayer, [MakeLayerRequest("the Truss server", digest, ("app",))])
