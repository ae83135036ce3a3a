"""The tables of linting, held against the pinned release of Truss."""

from __future__ import annotations

import re
from pathlib import Path

from pants_truss.core import lockfile
from pants_truss.core.lint.release import default_release
from pants_truss.core.lint.tables import read_table
from pants_truss.core.requirement import marker_environments, parse_line
from support.truss_library import TrussLibrary

RELEASE = default_release()
SCRIPT = Path("pants-plugins/pants_truss/truss_cli/describe_release.py").resolve()


def test_the_tables_are_those_of_the_release(truss: TrussLibrary) -> None:
    """Fails when the pin moves and something is new: run tests/truss_tool/tables.py then."""
    assert read_table("truss_release") == truss.call("describe_release", str(SCRIPT))
    assert len(RELEASE.top_level_keys) == 37


def test_models_that_refuse_no_key_have_keys() -> None:
    assert RELEASE.silent_models <= RELEASE.models.keys()
    assert all("properties" in RELEASE.models[name] for name in RELEASE.silent_models)


def test_every_key_is_known(truss: TrussLibrary, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("")
    assert set(truss.call("config", str(config))) <= set(RELEASE.top_level_keys)


def test_choices_that_the_schema_does_not_have(truss: TrussLibrary, tmp_path: Path) -> None:
    """Lint accepts exactly the choices that the release accepts."""
    cases = {f"python_version: {name}\n": True for name in RELEASE.python_versions or ()}
    cases.update(
        {f"resources: {{accelerator: {name}}}\n": True for name in RELEASE.accelerators or ()}
    )
    cases.update({"python_version: py315\n": False, "resources: {accelerator: X1}\n": False})
    paths = []
    for index, config in enumerate(cases):
        paths.append(tmp_path / f"{index}.yaml")
        paths[-1].write_text(config)
    answers = truss.run([("validate", str(path)) for path in paths])
    assert ["value" in answer for answer in answers] == list(cases.values())
    (message,) = [a["message"] for a in answers if "Unsupported accelerator" in str(a)]
    listed = re.search(r"Available types: (.*?)\.", message)
    assert listed and tuple(listed.group(1).split(", ")) == RELEASE.accelerators


def test_the_servers_lockfile_is_for_the_release(truss: TrussLibrary, tmp_path: Path) -> None:
    """What an image installs: fails when the pin moves and the lockfile does not."""
    folder = tmp_path / "truss"
    (folder / "model").mkdir(parents=True)
    (folder / "model/model.py").write_text("")
    (folder / "config.yaml").write_text("python_version: py311\n")
    truss.call("build_context", str(folder), str(tmp_path / "context"))
    content = Path("pants-plugins/pants_truss/requirements/truss_server.lock").read_bytes()
    for python in ("3.9", "3.10", "3.11", "3.12"):
        locked = lockfile.parse(content, marker_environments(python)).distributions
        for name in ("requirements.txt", "constraints.txt"):
            lines = (tmp_path / "context" / name).read_text().splitlines()
            wanted = [line for line in map(parse_line, lines) if line and line.parsed]
            assert len(wanted) > 15
            for line in wanted:
                assert line.parsed and line.name
                version = locked[line.name].version or ""
                assert line.parsed.specifier.contains(version), (line.text, version)


def test_the_servers_names(truss: TrussLibrary, tmp_path: Path) -> None:
    """Those beside the server, as an image has them."""
    folder = tmp_path / "truss"
    (folder / "model").mkdir(parents=True)
    (folder / "config.yaml").write_text("")
    (folder / "model/model.py").write_text("class Model: pass\n")
    truss.call("build_context", str(folder), str(tmp_path / "context"))
    beside = {
        path.name.partition(".")[0]
        for path in (tmp_path / "context/server").iterdir()
        if path.suffix == ".py" or path.is_dir()
    } - {"__init__", "__pycache__"}
    assert set(read_table("server_names")["0.18.35"]["app"]) == beside
