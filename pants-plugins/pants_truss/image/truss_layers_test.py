"""Makes layers of gathered trusses, with the real scripts, on this Python."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Mapping, Tuple

import pytest
from pants.engine.fs import CreateDigest, Digest, FileContent, SymlinkEntry
from pants.testutil.rule_runner import QueryRule, RuleRunner, engine_error

from pants_truss.core.environment import Distribution
from pants_truss.core.oci.platforms import parse_platform
from pants_truss.core.oci.sys_path_hook import site_files
from pants_truss.image import truss_layers
from pants_truss.image.distributions import Installed
from pants_truss.image.layer import MadeLayer
from pants_truss.image.truss_layers import (
    ImageLayers,
    ImageLayersRequest,
    RequirementsLayerRequest,
    TrussLayers,
)
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.testutil.image_layouts import unpacked
from pants_truss.testutil.images import OPTIONS, new_image_runner, truss_at
from pants_truss.testutil.results import contents

Unpacked = Dict[str, Tuple[str, bytes]]
FOLDER = ("d", b"")
SITE = "usr/lib/python3.11/site-packages"


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return new_image_runner(
        truss_layers.rules(),
        QueryRule(ImageLayers, [ImageLayersRequest]),
        QueryRule(MadeLayer, [RequirementsLayerRequest]),
        QueryRule(TrussLayers, [TrussFieldSet]),
    )


def configure(rule_runner: RuleRunner, *options: str) -> None:
    rule_runner.set_options([*OPTIONS, *options], env_inherit={"PATH", "PYENV_ROOT", "HOME"})


def read(rule_runner: RuleRunner, made: MadeLayer) -> Unpacked:
    (blob,) = contents(rule_runner, made.digest).values()
    return unpacked(blob)


# --- Requirements.


def requirements_layer(
    rule_runner: RuleRunner, *files: object, prefix: str = "usr/local"
) -> Unpacked:
    configure(rule_runner)
    digest = rule_runner.request(Digest, [CreateDigest(files)])  # type: ignore[arg-type]
    request = RequirementsLayerRequest(
        "requirements", "opt/truss/requirements", prefix, Installed(digest, (), ())
    )
    made = rule_runner.request(MadeLayer, [request])
    assert made.layer.comment == "requirements"
    return read(rule_runner, made)


def test_distributions_have_their_folder_and_scripts_the_prefix(
    rule_runner: RuleRunner,
) -> None:
    found = requirements_layer(
        rule_runner,
        FileContent("pkg/m.py", b"M"),
        FileContent("bin/tool", b"#!python\nrun()", is_executable=True),
        FileContent("etc/jupyter/x.json", b"{}"),
        FileContent("share/man/tool.1", b"man"),
        FileContent("binary.so", b"\x7fELF", is_executable=True),
    )
    assert found == {
        "opt/truss": FOLDER,
        "opt/truss/requirements": FOLDER,
        "opt/truss/requirements/binary.so": ("x", b"\x7fELF"),
        "opt/truss/requirements/pkg": FOLDER,
        "opt/truss/requirements/pkg/m.py": ("f", b"M"),
        "usr/local/bin/tool": ("x", b"#!/usr/bin/env python3\nrun()"),
        "usr/local/etc/jupyter/x.json": ("f", b"{}"),
        "usr/local/share/man/tool.1": ("f", b"man"),
    }


def test_a_package_with_the_name_of_a_data_folder_can_be_imported(rule_runner: RuleRunner) -> None:
    found = requirements_layer(
        rule_runner,
        FileContent("share/__init__.py", b"S"),
        FileContent("share/man/tool.1", b"man"),
        FileContent("etc/jupyter/__init__.py", b"{}"),
    )
    assert {path: entry for path, entry in found.items() if entry != FOLDER} == {
        "opt/truss/requirements/share/__init__.py": ("f", b"S"),
        "opt/truss/requirements/share/man/tool.1": ("f", b"man"),
        "usr/local/share/__init__.py": ("f", b"S"),
        "usr/local/share/man/tool.1": ("f", b"man"),
        "usr/local/etc/jupyter/__init__.py": ("f", b"{}"),
    }


@pytest.mark.parametrize(
    ("content", "written"),
    [
        (b"#!python\n", b"#!/usr/bin/env python3\n"),
        (b"#!python -s\nx", b"#!/usr/bin/env python3 -s\nx"),
        (b"#!/bin/sh\n", b"#!/bin/sh\n"),
        (b"#!pythonw\n", b"#!pythonw\n"),
        (b"\x7fELF\xff", b"\x7fELF\xff"),
        (b"", b""),
        (b"#!python\n" + b"x" * (64 * 1024 - 9), b"#!/usr/bin/env python3\n" + b"x" * 65527),
        # A file of this size is not read as a script.
        (b"#!python\n" + b"x" * (64 * 1024 - 8), b"#!python\n" + b"x" * 65528),
    ],
    ids=["plain", "arguments", "shell", "other", "program", "empty", "largest", "too large"],
)
def test_scripts(rule_runner: RuleRunner, content: bytes, written: bytes) -> None:
    found = requirements_layer(
        rule_runner, FileContent("bin/a", content, is_executable=True), prefix="opt/venv"
    )
    assert found["opt/venv/bin/a"] == ("x", written)


def test_only_scripts_are_rewritten(rule_runner: RuleRunner) -> None:
    script = FileContent("pkg/bin/a", b"#!python\n", is_executable=True)
    found = requirements_layer(rule_runner, script, FileContent("bin*", b"#!python\n"))
    assert found["opt/truss/requirements/pkg/bin/a"] == ("x", b"#!python\n")
    assert found["opt/truss/requirements/bin*"] == ("f", b"#!python\n")


def test_headers_and_links_are_left_out(rule_runner: RuleRunner) -> None:
    found = requirements_layer(
        rule_runner,
        FileContent("include/site/python3.11/greenlet/greenlet.h", b""),
        FileContent("include/own.py", b""),
        SymlinkEntry("link", "include/own.py"),
    )
    assert set(found) == {
        "opt/truss",
        "opt/truss/requirements",
        "opt/truss/requirements/include",
        "opt/truss/requirements/include/own.py",
    }


# --- The truss.


def write(rule_runner: RuleRunner, root: str, files: Mapping[str, str], config: str = "") -> str:
    all_files = {
        "truss/BUILD": "truss()",
        "truss/config.yaml": f"python_version: py311\n{config}",
        **files,
    }
    rule_runner.write_files({f"{root}/{path}": text for path, text in all_files.items()})
    return f"{root}/truss"


def truss_layers_of(
    rule_runner: RuleRunner, folder: str, *options: str
) -> List[Tuple[str, Unpacked]]:
    configure(rule_runner, *options)
    request = truss_at(rule_runner, folder)
    layers = rule_runner.request(TrussLayers, [request]).layers
    return [(made.layer.comment, read(rule_runner, made)) for made in layers]


def shared(*names: str) -> Dict[str, str]:
    files = {f"{name}/{name}.py": name for name in names}
    return {**files, **{f"{name}/BUILD": "truss_external_package()" for name in names}}


def test_the_layers_of_a_truss(rule_runner: RuleRunner) -> None:
    files = {
        **shared("one", "two"),
        "truss/model/model.py": "M",
        "truss/data/words.txt": "W",
        "truss/packages/own.py": "O",
        "truss/README.md": "not in an image",
    }
    folder = write(rule_runner, "all", files, "external_package_dirs: [../two, ../one]\n")
    Path(rule_runner.build_root, folder, "data/words.txt").chmod(0o755)
    layers = truss_layers_of(rule_runner, folder)
    assert [name for name, _ in layers] == [
        "the Truss server",
        "data",
        "all/one",
        "all/two",
        "model",
    ]
    found = dict(layers)
    assert found["the Truss server"] == {
        "app": FOLDER,
        "app/constraints.txt": ("f", b"h11<1\n"),
        "app/main.py": ("f", b"# server\n"),
        "app/requirements.txt": ("f", b"uvicorn\n"),
    }
    assert found["data"] == {"app": FOLDER, "app/data": FOLDER, "app/data/words.txt": ("x", b"W")}
    assert found["all/two"] == {"packages": FOLDER, "packages/two.py": ("f", b"two")}
    config = found["model"].pop("app/config.yaml")
    assert config[1].startswith(b"python_version: py311\nexternal_package_dirs: []\n")
    # The config that Truss writes into a context.
    assert config[1].endswith(b"# as Truss writes it\n")
    assert found["model"] == {
        "app": FOLDER,
        "app/model": FOLDER,
        "app/model/model.py": ("f", b"M"),
        "packages": FOLDER,
        "packages/own.py": ("f", b"O"),
    }


def test_a_truss_with_only_a_config(rule_runner: RuleRunner) -> None:
    layers = truss_layers_of(rule_runner, write(rule_runner, "bare", {}))
    assert [name for name, _ in layers] == ["the Truss server", "model"]
    # Both folders exist for code that looks for them.
    assert sorted(layers[1][1]) == ["app", "app/config.yaml", "packages"]


@pytest.mark.parametrize(
    ("limit", "names"),
    [
        (1, ["other shared packages"]),
        (2, ["limit/a", "other shared packages"]),
        (3, ["limit/a", "limit/b", "limit/c"]),
        (9, ["limit/a", "limit/b", "limit/c"]),
    ],
)
def test_layers_of_shared_code_are_limited(
    rule_runner: RuleRunner, limit: int, names: List[str]
) -> None:
    config = "external_package_dirs: [../a, ../b, ../c]\n"
    folder = write(rule_runner, "limit", shared("a", "b", "c"), config)
    layers = truss_layers_of(rule_runner, folder, f"--truss-images-shared-layers={limit}")
    assert [name for name, _ in layers] == ["the Truss server", *names, "model"]
    modules = {path for _, files in layers for path in files if path.endswith(".py")}
    assert modules == {"app/main.py", "packages/a.py", "packages/b.py", "packages/c.py"}


@pytest.mark.parametrize("limit", [0, -1])
def test_the_limit_must_be_positive(rule_runner: RuleRunner, limit: int) -> None:
    message = f"`[truss-images].shared_layers` is {limit}, but must be at least 1. Write"
    with engine_error(InvalidTruss, contains=message):
        truss_layers_of(
            rule_runner, write(rule_runner, "none", {}), f"--truss-images-shared-layers={limit}"
        )


# --- All layers on a base.


def image_layers(
    rule_runner: RuleRunner, root: str, config: str, site: str = SITE, prefix: str = "usr"
) -> ImageLayers:
    folder = write(rule_runner, root, {}, config)
    configure(rule_runner)
    request = ImageLayersRequest(
        truss_at(rule_runner, folder), parse_platform("linux/amd64"), site, prefix
    )
    return rule_runner.request(ImageLayers, [request])


def test_all_layers_on_a_base(rule_runner: RuleRunner) -> None:
    made = image_layers(rule_runner, "own", "requirements: [numpy==2, abc==1]\n")
    assert [each.layer.comment for each in made.layers] == [
        "requirements of the Truss server",
        "requirements",
        "Python's .pth file",
        "the Truss server",
        "model",
    ]
    server, own, python = (read(rule_runner, each) for each in made.layers[:3])
    assert server["opt/truss/server/uvicorn.py"] == ("f", b"0.30")
    assert own["opt/truss/requirements/numpy.py"] == ("f", b"2")
    # The parent folders are the base's.
    assert python == {path: ("f", content) for path, content in site_files(SITE).items()}
    assert made.distributions == (
        Distribution("abc", "1"),
        Distribution("numpy", "2"),
        Distribution("uvicorn", "0.30"),
    )
    assert made.notes == ()


def test_a_truss_without_requirements_has_no_requirements_layer(rule_runner: RuleRunner) -> None:
    made = image_layers(rule_runner, "no_requirements", "")
    assert [each.layer.comment for each in made.layers] == [
        "requirements of the Truss server",
        "Python's .pth file",
        "the Truss server",
        "model",
    ]


def test_trusses_share_all_layers_but_their_own(rule_runner: RuleRunner) -> None:
    one = image_layers(rule_runner, "share_1", "model_name: one\n")
    two = image_layers(rule_runner, "share_2", "model_name: two\n")
    differing = [a.layer.comment for a, b in zip(one.layers, two.layers) if a.layer != b.layer]
    assert differing == ["model"]


def test_only_one_layer_depends_on_the_python_of_the_base(
    rule_runner: RuleRunner,
) -> None:
    one = image_layers(rule_runner, "base", "")
    two = image_layers(rule_runner, "base", "", site="opt/venv/lib/python3.11/site-packages")
    differing = [a.layer.comment for a, b in zip(one.layers, two.layers) if a.layer != b.layer]
    assert differing == ["Python's .pth file"]
