"""Finds the Python of base images in the repository, with the real script."""

from __future__ import annotations

import itertools
from typing import Any, Dict

import pytest
from pants.engine.internals.scheduler import ExecutionError
from pants.testutil.rule_runner import QueryRule, RuleRunner, engine_error

from pants_truss.core.oci.platforms import parse_platform
from pants_truss.image import base_image
from pants_truss.image.base_image import BaseImage, FindBaseRequest
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.testutil.image_layouts import Layout, member
from pants_truss.testutil.images import new_image_runner
from pants_truss.testutil.results import contents, raised


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return new_image_runner(base_image.rules(), QueryRule(BaseImage, [FindBaseRequest]))


counter = itertools.count()


def write(rule_runner: RuleRunner, layout: Layout) -> str:
    folder = f"images/case{next(counter)}"
    rule_runner.write_files(layout.at(folder))
    return folder


def find(
    rule_runner: RuleRunner, text: str, python: str = "python3", bases: str = "{}"
) -> BaseImage:
    options = [f"--truss-images-bases={bases}"]
    rule_runner.set_options(options, env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    request = FindBaseRequest(text, "src/a:image", parse_platform("linux/amd64"), python)
    return rule_runner.request(BaseImage, [request])


def test_the_python_of_a_base(rule_runner: RuleRunner) -> None:
    layout = Layout()
    image = layout.image(run={"Env": ["PATH=/opt:/usr/bin"], "Labels": {"a": "b"}})
    folder = write(rule_runner, layout.write(image))
    found = find(rule_runner, folder)
    assert (found.name, found.manifest) == (folder, image["digest"])
    assert (found.python, found.prefix) == ("3.11", "usr")
    assert found.site == "usr/lib/python3.11/site-packages"
    assert found.notes == ()
    assert found.config_data["config"]["Labels"] == {"a": "b"}
    (layer,) = found.layers_data
    assert set(contents(rule_runner, found.digest)) == {f"blobs/sha256/{layer['digest'][7:]}"}


@pytest.mark.parametrize("run", [{}, {"Env": None}, {"Env": ["=x", "EMPTY", "LANG=C"]}])
def test_a_base_without_a_path_has_the_default_path(
    rule_runner: RuleRunner, run: Dict[str, Any]
) -> None:
    layout = Layout()
    local = [member("usr/local/bin/python3.12"), member("usr/local/lib/python3.12/os.py")]
    folder = write(rule_runner, layout.write(layout.image(local, run=run)))
    found = find(rule_runner, folder, "python3.12")
    assert (found.python, found.prefix) == ("3.12", "usr/local")


def test_the_python_that_a_config_names(rule_runner: RuleRunner) -> None:
    layout = Layout()
    files = [member("opt/py/bin/python3.10"), member("opt/py/lib/python3.10/os.py")]
    folder = write(rule_runner, layout.write(layout.image(files)))
    assert find(rule_runner, folder, "/opt/py/bin/python3.10").prefix == "opt/py"
    message = (
        f"src/a:image: the base image {folder} cannot be used: it has no python3 on its "
        f"PATH '/usr/bin'. It has /opt/py/bin/python3.10."
    )
    with pytest.raises(ExecutionError) as caught:
        find(rule_runner, folder)
    error = raised(caught)
    assert isinstance(error, InvalidTruss) and str(error) == message


@pytest.mark.parametrize("folder", ["app", "packages", "opt/truss"])
def test_a_folder_of_ours_that_is_a_link(rule_runner: RuleRunner, folder: str) -> None:
    layout = Layout()
    python = [member("usr/bin/python3.11"), member("usr/lib/python3.11/os.py")]
    layout.write(layout.image(python, [member(folder, "/etc")]))
    message = f"its /{folder} is a link to '/etc', but the image needs a folder there."
    with engine_error(InvalidTruss, contains=message):
        find(rule_runner, write(rule_runner, layout), "python3.11")


def test_an_image_of_a_truss_cannot_be_a_base(rule_runner: RuleRunner) -> None:
    layout = Layout()
    folder = member("opt/truss")
    folder.type = b"5"
    python = [member("usr/bin/python3.11"), member("usr/lib/python3.11/os.py")]
    layout.write(layout.image([*python, folder]))
    message = "it already has /opt/truss: it is itself an image of a truss."
    with engine_error(InvalidTruss, contains=message):
        find(rule_runner, write(rule_runner, layout), "python3.11")


def test_a_base_can_be_replaced_for_all_trusses(rule_runner: RuleRunner) -> None:
    layout = Layout()
    rule_runner.write_files(layout.write(layout.image()).at("images/replacement"))
    named = "baseten/truss-server-base:3.11-v0.13.0"
    bases = f"{{'{named}': 'images/replacement', 'images/replacement': 'never/this'}}"
    assert find(rule_runner, named, bases=bases).name == "images/replacement"


def test_an_error_names_the_option_that_replaces_a_base(rule_runner: RuleRunner) -> None:
    rule_runner.write_files(Layout().write().at("images/empty"))
    with engine_error(
        InvalidTruss,
        contains=(
            "`[truss-images].bases` for 'python:3.11': the base image images/empty lists no image."
        ),
    ):
        find(rule_runner, "python:3.11", bases="{'python:3.11': 'images/empty'}")
    with engine_error(
        InvalidTruss,
        contains="`[truss-images].bases` for 'x:1': 'no/folder' has neither a tag nor a digest.",
    ):
        find(rule_runner, "x:1", bases="{'x:1': 'no/folder'}")
