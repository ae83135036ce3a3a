"""Uses a program called skopeo that keeps images in a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Dict, List

import pytest
from pants.testutil.rule_runner import QueryRule, RuleRunner, engine_error

from pants_truss.core.oci.platforms import parse_platform
from pants_truss.image import fetch_base
from pants_truss.image.fetch_base import FetchBaseRequest, FetchedBase
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.testutil.programs import ANY_SIGNATURE, BOOTSTRAP, write_program
from pants_truss.testutil.results import contents

DIGEST = f"sha256:{'ab' * 32}"
ORIGIN = "src/a:image"
PROGRAM = """\
import json, sys
from pathlib import Path

arguments = sys.argv[1:]
if arguments == ["--version"]:
    sys.exit(print("skopeo version 1.9.3"))
with open(r"{log}", "a") as log:
    print(json.dumps(arguments), file=log)
image = next(word for word in arguments if word.startswith("docker://"))
if "unsigned" in image:
    sys.exit('time="now" level=fatal msg="Source image rejected: A signature was required"')
if "denied" in image or "untagged" in image and "copy" in arguments:
    sys.exit('time="now" level=fatal msg="reading manifest: denied"')
if "inspect" in arguments:
    print("{digest}")
else:
    Path("base").mkdir()
    Path("base/index.json").write_text(image)
    Path("beside").write_text("not asked for")
"""


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[*fetch_base.rules(), QueryRule(FetchedBase, [FetchBaseRequest])],
        bootstrap_args=BOOTSTRAP,
    )


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "bin/skopeo"
    write_program(path, PROGRAM.format(log=tmp_path / "log", digest=DIGEST))
    return path


def calls(program: Path) -> List[List[str]]:
    log = program.parent.parent / "log"
    lines = log.read_text().splitlines() if log.exists() else []
    # An option of skopeo depends on the machine.
    return [[word for word in json.loads(line) if word not in ANY_SIGNATURE] for line in lines]


def fetch(
    rule_runner: RuleRunner, program: Path, text: str, platform: str = "linux/amd64"
) -> FetchedBase:
    rule_runner.set_options([f"--truss-images-executable-search-paths=['{program.parent}']"])
    request = FetchBaseRequest(text, ORIGIN, parse_platform(platform))
    return rule_runner.request(FetchedBase, [request])


@pytest.mark.parametrize(
    ("written", "folder"),
    [
        ("plain/base", "plain/base"),
        ("./slashes//base/", "slashes/base"),
        ("up/down/../base", "up/base"),
        ("[q]/*a?", "[q]/*a?"),
        ("Ä b/日本", "Ä b/日本"),
        # The name could also be an image in a registry; the repository has priority.
        ("python:3.11", "python:3.11"),
    ],
)
def test_a_layout_in_the_repository_needs_no_registry(
    rule_runner: RuleRunner, program: Path, written: str, folder: str
) -> None:
    rule_runner.write_files({f"{folder}/index.json": "{}", f"{folder}/blobs/sha256/x": ""})
    assert fetch(rule_runner, program, written) == FetchedBase(folder, None, ())
    assert calls(program) == []


@pytest.mark.parametrize(
    "files",
    [
        {"holds/README": "no layout"},
        {"holds/deep/index.json": "{}"},
        {"holds/index.json/x": "a folder of that name"},
    ],
)
def test_a_folder_that_is_not_a_layout(
    rule_runner: RuleRunner, program: Path, files: Dict[str, str]
) -> None:
    case = f"c{len(str(files))}"
    rule_runner.write_files({f"{case}/{path}": text for path, text in files.items()})
    message = (
        f"{ORIGIN}: the folder {case}/holds of the repository is not an OCI layout: it has no "
        f"index.json. Name the folder of a layout, or an image reference."
    )
    with engine_error(InvalidTruss, contains=message):
        fetch(rule_runner, program, f"{case}/holds")
    assert calls(program) == []


@pytest.mark.parametrize(
    "text",
    ["images/Base", "../outside/base", "/etc", ".", "a b", "-x:1", "x:1\n", "", "x@sha256:0"],
)
def test_texts_that_name_neither_a_folder_nor_an_image(
    rule_runner: RuleRunner, program: Path, text: str
) -> None:
    with engine_error(InvalidTruss, contains=f"The repository has no folder {text!r} either."):
        fetch(rule_runner, program, text)
    assert calls(program) == []


def test_an_image_without_a_tag_may_be_meant_as_a_folder(
    rule_runner: RuleRunner, program: Path
) -> None:
    message = (
        f"{ORIGIN}: 'images/none' has neither a tag nor a digest. The repository has no folder "
        f"'images/none' either. For an image in a registry, write `images/none@sha256:...` or "
        f"`images/none:TAG`."
    )
    with engine_error(InvalidTruss, contains=message):
        fetch(rule_runner, program, "images/none")
    assert calls(program) == []


def test_a_tag_is_looked_up_and_the_digest_fetched(rule_runner: RuleRunner, program: Path) -> None:
    fetched = fetch(rule_runner, program, "host:5000/team/python:3.11")
    assert fetched.folder == "base"
    assert fetched.notes == (
        f"Warning: {ORIGIN}: the registry may change the image behind host:5000/team/python:3.11 "
        f"at any time. To pin it, write host:5000/team/python:3.11@{DIGEST}",
    )
    assert fetched.digest
    # Tools refuse a reference with both a tag and a digest.
    image = f"docker://host:5000/team/python@{DIGEST}"
    assert contents(rule_runner, fetched.digest) == {"base/index.json": image.encode()}
    for_amd64 = ["--override-os", "linux", "--override-arch", "amd64"]
    assert calls(program) == [
        [*for_amd64, "inspect", "--format", "{{.Digest}}", "docker://host:5000/team/python:3.11"],
        [*for_amd64, "copy", "-q", image, "oci:base:base"],
    ]


@pytest.mark.parametrize("name", ["python", "python:3.11"])
def test_a_pinned_image_is_not_looked_up(rule_runner: RuleRunner, program: Path, name: str) -> None:
    fetched = fetch(rule_runner, program, f"{name}@{DIGEST}")
    assert fetched.notes == ()
    assert [call[4:] for call in calls(program)] == [
        ["copy", "-q", f"docker://python@{DIGEST}", "oci:base:base"]
    ]


def test_a_variant_of_an_architecture(rule_runner: RuleRunner, program: Path) -> None:
    fetch(rule_runner, program, "variant:1", "linux/arm64/v8")
    overrides = ["--override-os", "linux", "--override-arch", "arm64", "--override-variant", "v8"]
    assert [call[:6] for call in calls(program)] == [overrides] * 2


@pytest.mark.parametrize(
    ("text", "asked_for", "count"),
    [
        ("denied:1", "denied:1", 1),
        (f"denied@{DIGEST}", f"denied@{DIGEST}", 1),
        # The tag exists, but its image does not.
        ("untagged:1", f"untagged@{DIGEST}", 2),
    ],
)
def test_an_image_that_cannot_be_fetched(
    rule_runner: RuleRunner, program: Path, text: str, asked_for: str, count: int
) -> None:
    name = f"untagged:1@{DIGEST}" if count == 2 else text
    message = (
        f"{ORIGIN}: the image {name} cannot be fetched: reading manifest: denied\nTo work "
        f"without the registry, keep the image in the repository: run `skopeo copy "
        f"docker://{asked_for} oci:images/base:base` on a machine with access. Then set "
        f'`base="images/base"`, or add the image to `[truss-images.bases]` for all trusses.'
    )
    with engine_error(InvalidTruss, contains=message):
        fetch(rule_runner, program, text)
    assert len(calls(program)) == count


def test_an_image_that_the_signature_policy_refuses(rule_runner: RuleRunner, program: Path) -> None:
    """The advice is not to go around the policy."""
    message = (
        f"{ORIGIN}: the signature policy of this machine refuses the image unsigned@{DIGEST}: "
        f"Source image rejected: A signature was required\nUse a base that the policy accepts. "
        f"skopeo reads the policy from `$HOME/.config/containers/policy.json` or "
        f"`/etc/containers/policy.json`."
    )
    with engine_error(InvalidTruss, contains=message):
        fetch(rule_runner, program, f"unsigned@{DIGEST}")
