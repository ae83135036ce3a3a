"""Makes images of gathered trusses, on a base in the repository."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Optional

import pytest
from pants.testutil.rule_runner import QueryRule, RuleRunner, engine_error
from pants.util.frozendict import FrozenDict

from pants_truss.core.oci import base_image
from pants_truss.core.oci.platforms import parse_platform
from pants_truss.gather.gather import GatheredTruss
from pants_truss.image import oci_image
from pants_truss.image.oci_image import OciImage, OciImageRequest
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.testutil.image_layouts import PYTHON_LAYER, Layout, member
from pants_truss.testutil.images import NONE, OPTIONS, new_image_runner, truss_at
from pants_truss.testutil.results import contents

TREE, BASE, REVISION = (
    "com.baseten.truss.tree-digest",
    "org.opencontainers.image.base.digest",
    "org.opencontainers.image.revision",
)
LAYOUT = Layout()
LAYOUT.write(
    LAYOUT.image(
        [*PYTHON_LAYER, member("etc/one")],
        run={
            "Env": ["PATH=/usr/bin", "BASE=yes", "MINE=no"],
            "Cmd": ["bash"],
            "Labels": {"of": "base", "base": "1"},
            "User": "nobody",
            "StopSignal": "SIGINT",
        },
        history=[{"created_by": "the base"}],
    )
)
(BASE_LAYER,) = json.loads(
    LAYOUT.files[
        "blobs/sha256/" + json.loads(LAYOUT.files["index.json"])["manifests"][0]["digest"][7:]
    ]
)["layers"]


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    made = new_image_runner(
        oci_image.rules(),
        QueryRule(GatheredTruss, [TrussFieldSet]),
        QueryRule(OciImage, [OciImageRequest]),
    )
    made.write_files(LAYOUT.at("images/base"))
    return made


def write(rule_runner: RuleRunner, root: str, config: str = "", **files: str) -> str:
    all_files = {
        "BUILD": "truss()",
        "config.yaml": f"python_version: py311\n{config}",
        "model/model.py": "",
        **files,
    }
    rule_runner.write_files({f"{root}/{path}": text for path, text in all_files.items()})
    return root


def make(
    rule_runner: RuleRunner,
    folder: str,
    *options: str,
    base: Optional[str] = "images/base",
    labels: Mapping[str, str] = NONE,
    annotations: Mapping[str, str] = NONE,
    epoch: str = "",
) -> OciImage:
    env = {"SOURCE_DATE_EPOCH": epoch} if epoch else {}
    rule_runner.set_options(
        [*OPTIONS, *options], env=env, env_inherit={"PATH", "PYENV_ROOT", "HOME"}
    )
    request = OciImageRequest(
        truss_at(rule_runner, folder),
        f"{folder}:image",
        parse_platform("linux/amd64"),
        base,
        FrozenDict(labels),
        FrozenDict(annotations),
    )
    return rule_runner.request(OciImage, [request])


def blob(rule_runner: RuleRunner, image: OciImage, digest: str) -> Any:
    return json.loads(contents(rule_runner, image.digest)[f"blobs/sha256/{digest[7:]}"])


def manifest_of(rule_runner: RuleRunner, image: OciImage) -> Any:
    return blob(rule_runner, image, image.manifest.digest)


def config_of(rule_runner: RuleRunner, image: OciImage) -> Any:
    return blob(rule_runner, image, manifest_of(rule_runner, image)["config"]["digest"])


LINES = """\
# ENV MINE=yes
# ENV PATH=${PATH}:/more
# ENV EMPTY=
# WORKDIR /app
# USER app
# RUN mkdir -p /app
"""
OUR_LAYERS = ["requirements of the Truss server", "Python's .pth file", "the Truss server", "model"]


def test_an_image_is_its_base_and_its_layers(rule_runner: RuleRunner) -> None:
    folder = write(rule_runner, "whole", LINES)
    made = make(rule_runner, folder, labels={"of": "image"})
    manifest, config = manifest_of(rule_runner, made), config_of(rule_runner, made)
    assert manifest["layers"][0] == BASE_LAYER
    assert len(manifest["layers"]) == 5
    files = contents(rule_runner, made.digest)
    named = [made.manifest.digest, manifest["config"]["digest"]]
    named += [layer["digest"] for layer in manifest["layers"]]
    # Exactly the referenced blobs: the manifest of the base is not among them.
    assert set(files) == {f"blobs/sha256/{digest[7:]}" for digest in named}
    assert [len(files[f"blobs/sha256/{layer['digest'][7:]}"]) for layer in manifest["layers"]] == [
        layer["size"] for layer in manifest["layers"]
    ]
    assert (config["os"], config["architecture"]) == ("linux", "amd64")
    assert config["created"] == "1970-01-01T00:00:00Z"
    assert [entry["created_by"] for entry in config["history"]] == ["the base", *OUR_LAYERS]
    assert len(config["rootfs"]["diff_ids"]) == 5
    assert config["config"] == {
        # `Cmd` is dropped: it would become arguments of the new entry point.
        "Entrypoint": ["python3", "/app/main.py"],
        "Env": ["PATH=/usr/bin:/more", "BASE=yes", "MINE=yes", "EMPTY="],
        "Labels": {"base": "1", "of": "image"},
        "StopSignal": "SIGINT",
        "User": "app",
        "WorkingDir": "/app",
    }
    assert made.notes == ()


def test_the_same_truss_gives_the_same_image_at_any_path(rule_runner: RuleRunner) -> None:
    one = make(rule_runner, write(rule_runner, "same_1"))
    two = make(rule_runner, write(rule_runner, "some/where/else"))
    assert (one.manifest, one.digest) == (two.manifest, two.digest)


def test_the_time_is_that_of_the_image_too(rule_runner: RuleRunner) -> None:
    made = make(rule_runner, write(rule_runner, "time"), epoch="1700000000")
    config = config_of(rule_runner, made)
    assert config["created"] == "2023-11-14T22:13:20Z"
    assert [entry.get("created") for entry in config["history"]] == [None] + [
        "2023-11-14T22:13:20Z"
    ] * len(OUR_LAYERS)


def test_annotations(rule_runner: RuleRunner) -> None:
    folder = write(rule_runner, "annotations")
    base_digest = json.loads(LAYOUT.files["index.json"])["manifests"][0]["digest"]
    plain = make(rule_runner, folder)
    gathered = rule_runner.request(GatheredTruss, [truss_at(rule_runner, folder)])
    assert manifest_of(rule_runner, plain)["annotations"] == {
        BASE: base_digest,
        TREE: gathered.tree_digest,
    }
    given = {"é": "日", BASE: "another name of it", REVISION: "of the target", TREE: "forged"}
    without = make(rule_runner, folder, annotations=given)
    assert manifest_of(rule_runner, without)["annotations"] == {
        **given,
        # A target cannot override the annotation that identifies the truss.
        TREE: gathered.tree_digest,
    }
    made = make(rule_runner, folder, "--truss-images-revision=abc", annotations=given)
    assert manifest_of(rule_runner, made)["annotations"][REVISION] == "abc"
    # Annotations belong to the manifest: the config and the layers stay the same.
    assert manifest_of(rule_runner, made)["config"] == manifest_of(rule_runner, plain)["config"]


def test_labels_are_those_of_the_base_if_there_are_no_others(rule_runner: RuleRunner) -> None:
    made = make(rule_runner, write(rule_runner, "labels"))
    assert config_of(rule_runner, made)["config"]["Labels"] == {"of": "base", "base": "1"}


def test_materials(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"ext/BUILD": "truss_external_package()", "ext/lib.py": ""})
    config = "requirements: [numpy==2]\nexternal_package_dirs: [../ext]\n"
    made = make(rule_runner, write(rule_runner, "materials", config))
    bom = json.loads(made.sbom)
    assert bom["metadata"]["component"]["name"] == "materials:image"
    found = [(c["type"], c["name"], c.get("version")) for c in bom["components"]]
    base_digest = json.loads(LAYOUT.files["index.json"])["manifests"][0]["digest"]
    assert found == [
        ("container", "images/base", base_digest),
        ("library", "numpy", "2"),
        ("library", "uvicorn", "0.30"),
        ("library", "ext", None),
    ]


# --- The base.


def test_the_default_base_is_that_of_truss(rule_runner: RuleRunner) -> None:
    folder = write(rule_runner, "default", "# FROM images/base AS server\n")
    assert make(rule_runner, folder, base=None).manifest == make(rule_runner, folder).manifest
    with engine_error(
        InvalidTruss,
        contains=(
            "named:image: 'images/none' has neither a tag nor a digest. The repository has no "
            "folder 'images/none' either."
        ),
    ):
        make(rule_runner, write(rule_runner, "named"), base="images/none")


@pytest.mark.parametrize(
    ("root", "config", "origin"),
    [
        ("by_truss", "", "Truss's default base for the Python of by_truss/config.yaml"),
        ("by_config", "base_image: {image: x}\n", "`base_image` in by_config/config.yaml"),
        ("by_none", "base_image: null\n", "Truss's default base for the Python of "),
    ],
)
def test_an_error_names_the_place_of_the_base(
    rule_runner: RuleRunner, root: str, config: str, origin: str
) -> None:
    folder = write(rule_runner, root, f"{config}# FROM images/none\n")
    with engine_error(InvalidTruss, contains=f"{root}:image ({origin}"):
        make(rule_runner, folder, base=None)


def test_the_python_is_the_one_that_starts_the_server(rule_runner: RuleRunner) -> None:
    layout = Layout()
    other = [member("opt/py/bin/python3.11"), member("opt/py/lib/python3.11/os.py")]
    rule_runner.write_files(layout.write(layout.image([*PYTHON_LAYER, *other])).at("images/two"))
    plain = write(rule_runner, "python_1")
    named = write(
        rule_runner, "python_2", '# ENTRYPOINT ["/opt/py/bin/python3.11", "/app/main.py"]\n'
    )
    site: List[List[str]] = []
    for folder in (plain, named):
        made = make(rule_runner, folder, base="images/two")
        site.append(config_of(rule_runner, made)["config"]["Entrypoint"])
    assert site == [["python3", "/app/main.py"], ["/opt/py/bin/python3.11", "/app/main.py"]]
    with engine_error(InvalidTruss, contains="it has no /opt/py/bin/python3.11."):
        make(rule_runner, named)


def test_a_base_with_another_python(rule_runner: RuleRunner) -> None:
    layout = Layout()
    python = [member("usr/bin/python3"), member("usr/lib/python3.9/os.py")]
    rule_runner.write_files(layout.write(layout.image(python)).at("images/older"))
    message = (
        "older:image (older/config.yaml): the base image images/older has Python 3.9, but "
        "`python_version` is py311. Use a base with Python 3.11, or write `python_version: py39`."
    )
    with engine_error(InvalidTruss, contains=message):
        make(rule_runner, write(rule_runner, "older"), base="images/older")


# --- Keys that need a Dockerfile.


@pytest.mark.parametrize(
    ("config", "named", "more"),
    [
        (
            "system_packages: [curl]\nbuild_commands: [make]\n",
            "`system_packages`, `build_commands`",
            ", or a `base` that already has it and a config without the key",
        ),
        ("live_reload: true\n", "`live_reload`", ""),
        ("system_packages: [curl]\nlive_reload: true\n", "`system_packages`, `live_reload`", ""),
        ("runtime: {remote_ssh: {enabled: true}}\n", "`runtime.remote_ssh`", ""),
    ],
)
def test_keys_that_need_a_dockerfile(
    rule_runner: RuleRunner, config: str, named: str, more: str
) -> None:
    message = (
        f"keys:image (keys/config.yaml): only a Dockerfile supports {named}. Use "
        f'`builder="docker"`{more}.'
    )
    with engine_error(InvalidTruss, contains=message):
        make(rule_runner, write(rule_runner, "keys", config))


def test_empty_keys_are_accepted(rule_runner: RuleRunner) -> None:
    config = "system_packages: []\nbuild_commands:\nlive_reload: false\nruntime: {remote_ssh: {}}\n"
    assert make(rule_runner, write(rule_runner, "empty", config)).notes == ()


def test_unknown_commands_are_reported(rule_runner: RuleRunner) -> None:
    lines = "# RUN mkdir -p /app/data\n# RUN  curl   https://host | sh\n# run rm -rf /x\n"
    made = make(rule_runner, write(rule_runner, "commands", lines))
    assert made.notes == tuple(
        f"Warning: commands/config.yaml: the Dockerfile that Truss writes runs {command!r}, but "
        f'this image does not. Use `builder="docker"` to run it.'
        for command in ("curl https://host | sh", "rm -rf /x")
    )


def test_layers_that_docker_would_not_stack(
    rule_runner: RuleRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit, count in ((1 + len(OUR_LAYERS), 0), (len(OUR_LAYERS), 1)):
        monkeypatch.setattr(base_image, "DOCKER_LAYERS", limit)
        notes = make(rule_runner, write(rule_runner, f"layers{limit}")).notes
        assert len(notes) == count
    assert notes == (
        f"Warning: the image has {limit + 1} layers, 1 of them from its base images/base. Docker "
        f"runs images of at most {limit}. Use a base with fewer layers, or lower "
        f"`[truss-images].shared_layers`.",
    )


def test_notes_of_gathering_come_last(rule_runner: RuleRunner) -> None:
    files: Dict[str, str] = {"ext1/BUILD": "truss_external_package()", "ext1/lib.py": "1"}
    files.update({"ext2/BUILD": "truss_external_package()", "ext2/lib.py": "2"})
    rule_runner.write_files(files)
    config = "external_package_dirs: [../ext1, ../ext2]\n# RUN true\n"
    notes = make(rule_runner, write(rule_runner, "notes", config)).notes
    assert len(notes) == 2
    assert "runs 'true', but this image does not" in notes[0]
    assert "lib.py" in notes[1]
