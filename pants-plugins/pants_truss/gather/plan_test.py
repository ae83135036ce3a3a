"""The decisions of planning about a truss, before anything is made."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Tuple

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as python_inference
from pants.backend.python.target_types import PythonSourcesGeneratorTarget
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.engine.internals.scheduler import ExecutionError
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.core.truss_ignore import ignore_lines
from pants_truss.dependency_inference import truss as inference
from pants_truss.gather import blocking_findings
from pants_truss.gather.plan import PlannedTruss
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget
from pants_truss.testutil.results import raised

OPTIONS = [
    "--python-interpreter-constraints=['CPython==3.11.*']",
    "--python-infer-use-rust-parser",
    "--source-root-patterns=['/*', '/*/src']",
]


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *python_inference.rules(),
            *target_types_rules.rules(),
            *blocking_findings.rules(),
            *inference.rules(),
            QueryRule(PlannedTruss, [TrussFieldSet]),
        ],
        target_types=[
            PythonSourcesGeneratorTarget,
            TrussExternalPackageTarget,
            TrussTarget,
        ],
    )


def plan(rule_runner: RuleRunner, root: str, files: Dict[str, str], *options: str) -> PlannedTruss:
    """Plans the truss `<root>:t`."""
    defaults = {"BUILD": "truss(name='t')", "config.yaml": ""}
    rule_runner.set_options([*OPTIONS, *options], env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    rule_runner.write_files({f"{root}/{p}": text for p, text in {**defaults, **files}.items()})
    target = rule_runner.get_target(Address(root, target_name="t"))
    request = TrussFieldSet.create(target)
    return rule_runner.request(PlannedTruss, [request])


def error(rule_runner: RuleRunner, root: str, files: Dict[str, str], *options: str) -> str:
    with pytest.raises(ExecutionError) as caught:
        plan(rule_runner, root, files, *options)
    found = raised(caught)
    assert isinstance(found, InvalidTruss)
    return str(found)


def placed(planned: PlannedTruss) -> Dict[str, Tuple[object, str]]:
    """Path in the result -> source and reason."""
    return {file.path: (file.source, file.reason) for file in planned.plan.files}


def told(planned: PlannedTruss) -> List[Tuple[str, str]]:
    return [(finding.rule, finding.path) for finding in planned.findings]


def test_where_each_file_comes_from(rule_runner: RuleRunner) -> None:
    files = {
        "BUILD": (
            "truss(name='t', config='conf/prod.yaml', sources=['*', 'conf/*', 'model/*'],"
            " dependencies=['whole/named'])\n"
            "python_sources(sources=['model/*.py'])"
        ),
        "config.yaml": "model_name: other\n",
        "conf/prod.yaml": "external_package_dirs: [a]\nbundled_packages_dir: vendor\n",
        "model/model.py": "import whole_shared",
        "a/BUILD": "truss_external_package()",
        "a/x.txt": "",
        "named/BUILD": "truss_external_package()",
        "named/y.txt": "",
        "src/BUILD": "python_sources()",
        "src/whole_shared.py": "",
    }
    planned = plan(rule_runner, "whole", files)
    assert placed(planned) == {
        "config.yaml": ("whole/conf/prod.yaml", "truss"),
        "model/model.py": ("whole/model/model.py", "truss"),
        "vendor/whole_shared.py": (
            "whole/src/whole_shared.py",
            "imported by whole/model/model.py",
        ),
        "vendor/x.txt": ("whole/a/x.txt", "external_package_dirs"),
        "vendor/y.txt": ("whole/named/y.txt", "explicit dependency"),
    }
    assert [package.address for package in planned.packages] == [
        "whole/a:a",
        "whole/named:named",
    ]
    assert planned.config_file.path == "whole/conf/prod.yaml"
    assert planned.findings == ()


def test_what_is_generated_is_the_config_and_the_patterns(
    rule_runner: RuleRunner,
) -> None:
    files = {
        "config.yaml": "# mine\nexternal_package_dirs: [a]  # shared\nmodel_name: é\n",
        ".truss_ignore": "*.log\n",
        "a/BUILD": "truss_external_package()",
    }
    planned = plan(rule_runner, "made", files, "--truss-gather-ignore=['tmp/']")
    assert set(planned.generated) == {"config.yaml", ".truss_ignore"}
    assert planned.generated["config.yaml"].decode() == (
        "# mine\nexternal_package_dirs: []  # shared\nmodel_name: é\n"
    )
    lines = ignore_lines(["tmp/"], b"*.log\n")
    assert planned.generated[".truss_ignore"].decode() == "\n".join(lines) + "\n"
    assert "tmp/" in lines and "*.log" in lines


def test_a_config_that_needs_no_edit_keeps_its_bytes(rule_runner: RuleRunner) -> None:
    config = "model_name: x\r\nrequirements:   [ numpy ]\r\n"
    planned = plan(rule_runner, "bytes", {"config.yaml": config})
    assert planned.generated["config.yaml"] == config.encode()


def test_patterns_hold_for_what_the_truss_gets_from_elsewhere(
    rule_runner: RuleRunner,
) -> None:
    files = {
        "BUILD": "truss(name='t', sources=['*', 'model/**'])",
        "config.yaml": "external_package_dirs: [a]\n",
        ".truss_ignore": "*.log\n!keep.log\n/packages/data/\n",
        "x.log": "",
        "model/keep.log": "",
        "model/model.py": "",
        "a/BUILD": "truss_external_package()",
        "a/y.log": "",
        "a/keep.log": "",
        "a/data/z": "",
        "a/m.txt": "",
    }
    planned = plan(rule_runner, "patterns", files)
    assert set(placed(planned)) == {
        ".truss_ignore",
        "config.yaml",
        "model/keep.log",
        "model/model.py",
        "packages/keep.log",
        "packages/m.txt",
    }


def test_imports_that_patterns_leave_out_are_reported(rule_runner: RuleRunner) -> None:
    files = {
        "BUILD": "truss(name='t', sources=['*', 'model/**'])\npython_sources(sources=['model/**'])",
        ".truss_ignore": "left_*.py\n",
        "model/model.py": "import model.left_own\nimport left_shared",
        "model/left_own.py": "",
        "src/BUILD": "python_sources()",
        "src/left_shared.py": "",
    }
    planned = plan(rule_runner, "left", files)
    assert told(planned) == [
        ("dropped-file", "left/model/left_own.py"),
        ("dropped-file", "left/src/left_shared.py"),
    ]
    assert set(placed(planned)) == {".truss_ignore", "config.yaml", "model/model.py"}


def test_python_without_a_target_is_reported_where_imports_are_bundled(
    rule_runner: RuleRunner,
) -> None:
    files = {"model/model.py": "import x"}
    assert told(plan(rule_runner, "unowned", files)) == [
        ("unowned-python", "unowned/model/model.py")
    ]
    build = {"BUILD": "truss(name='t', bundle_imports=False)"}
    assert told(plan(rule_runner, "unowned", {**files, **build})) == []


def test_folders_that_pants_does_not_see_are_reported(rule_runner: RuleRunner) -> None:
    files = {
        "config.yaml": "external_package_dirs: [a]\n",
        ".cfg/x": "",
        ".git/x": "",
        "a/BUILD": "truss_external_package()",
        "a/.more/y": "",
    }
    # The truss's own folder has that of the package in it, so it is there twice.
    planned = plan(rule_runner, "unseen", files)
    assert told(planned) == [
        ("dropped-file", "unseen/.cfg"),
        ("dropped-file", "unseen/a/.more"),
        ("dropped-file", "unseen/a/.more"),
    ]


# --- Errors.


def test_patterns_that_truss_cannot_read(rule_runner: RuleRunner) -> None:
    start = "pattern:t: "
    assert error(rule_runner, "pattern", {".truss_ignore": "ok\n[z-a]\n"}) == (
        f"{start}the ignore pattern '[z-a]' is not valid, and Truss fails on it. Fix it in "
        ".truss_ignore or in `[truss-gather].ignore`."
    )
    rule_runner.write_files({"pattern/.truss_ignore": ""})
    Path(rule_runner.build_root, "pattern/.truss_ignore").write_bytes(b"ab\xff")
    with pytest.raises(ExecutionError, match=r"its \.truss_ignore is not UTF-8 \(byte 0xff at off"):
        plan(rule_runner, "pattern", {"other": "x"})


def test_bad_links_of_truss_and_packages_are_one_error(rule_runner: RuleRunner) -> None:
    files = {"config.yaml": "external_package_dirs: [../links_lib]\n", "model/x": ""}
    rule_runner.write_files({"links_lib/BUILD": "truss_external_package()", "links/model/x": ""})
    Path(rule_runner.build_root, "links/model/one").symlink_to("nowhere")
    Path(rule_runner.build_root, "links_lib/two").symlink_to("/nowhere")
    assert error(rule_runner, "links", files) == (
        "links:t: links/model/one (links:t) is a symlink to "
        "'nowhere', which does not exist. Remove it or fix it.\n"
        "links_lib/two (links_lib:links_lib) is a symlink to '/nowhere', an absolute path. Make it "
        "relative.\n"
        "Or leave it out with `!` in `sources` of its target."
    )
    ignore = {".truss_ignore": "/model/one\n/packages/two\n"}
    planned = plan(rule_runner, "links", {**files, **ignore})
    assert set(placed(planned)) == {".truss_ignore", "config.yaml", "model/x"}


@pytest.mark.parametrize(
    ("sources", "missing"),
    [("['model/**']", "config.yaml"), ("['*', '!.truss_ignore']", ".truss_ignore")],
)
def test_sources_must_hold_what_is_read(
    rule_runner: RuleRunner, sources: str, missing: str
) -> None:
    files = {
        "BUILD": f"truss(name='t', sources={sources})",
        ".truss_ignore": "",
        "model/x": "",
    }
    assert error(rule_runner, "narrow", files) == (
        f"narrow:t: its `sources` leave out its {missing}. Add "
        f"'{missing}' to them, or changes to it will go unnoticed."
    )


def test_a_request_is_named_by_its_truss() -> None:
    target = TrussTarget({}, Address("src/a", target_name="t"))
    assert TrussFieldSet.create(target).debug_hint() == "src/a:t"
