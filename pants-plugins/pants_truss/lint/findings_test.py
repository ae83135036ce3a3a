"""All that linting finds in one truss, without the Truss tool."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Tuple

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as python_inference
from pants.backend.python.target_types import (
    PythonRequirementTarget,
    PythonSourcesGeneratorTarget,
)
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.engine.internals.scheduler import ExecutionError
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.dependency_inference import truss as inference
from pants_truss.lint import findings
from pants_truss.lint.findings import LintedTrusses, LintTrussesRequest
from pants_truss.subsystems.lint import InvalidLintOptions
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget
from pants_truss.testutil.results import raised
from pants_truss.truss_cli.rules import TrussCliFailed

MODEL = "class Model:\n    def predict(self, x):\n        return x\n"
# In two parts, so that no scanner takes this file for a leak.
KEY = "AKIA" + "QZ7RTX2MNB5VKW4D"
OPTIONS = [
    "--python-interpreter-constraints=['CPython==3.11.*']",
    "--python-infer-use-rust-parser",
    "--source-root-patterns=['/*', '/*/src']",
    "--truss-lint-validate-with-truss=off",
]


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *python_inference.rules(),
            *target_types_rules.rules(),
            *findings.rules(),
            *inference.rules(),
            QueryRule(LintedTrusses, [LintTrussesRequest]),
        ],
        target_types=[
            PythonRequirementTarget,
            PythonSourcesGeneratorTarget,
            TrussExternalPackageTarget,
            TrussTarget,
        ],
    )


def lint(
    rule_runner: RuleRunner, root: str, files: Dict[str, str], *options: str
) -> Tuple[Finding, ...]:
    """Lints a truss with a model at `<root>`, unless `files` have other ones."""
    defaults = {
        "BUILD": "truss(name='t')\npython_sources(sources=['**/*.py'])",
        "config.yaml": "",
        "model/model.py": MODEL,
    }
    rule_runner.set_options([*OPTIONS, *options], env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    rule_runner.write_files({f"{root}/{p}": text for p, text in {**defaults, **files}.items()})
    target = rule_runner.get_target(Address(root, target_name="t"))
    request = LintTrussesRequest((TrussFieldSet.create(target),))
    (linted,) = rule_runner.request(LintedTrusses, [request]).trusses
    assert linted.name == f"{root}:t"
    return linted.findings


def told(found: Tuple[Finding, ...]) -> List[Tuple[str, str]]:
    return [(finding.rule, finding.place) for finding in found]


def test_nothing_is_found_in_a_good_truss(rule_runner: RuleRunner) -> None:
    assert lint(rule_runner, "good", {}) == ()


def test_findings_of_all_kinds_come_in_the_order_of_places(
    rule_runner: RuleRunner,
) -> None:
    files = {
        "config.yaml": "resourcs: {}\n",
        "model/model.py": "class Other:\n    pass\n",
        "model/key.txt": f"\n{KEY}\n",
        "model/big.bin": "x" * 2000,
        "packages/json.py": "",
        "BUILD": "truss(name='t')",
    }
    found = lint(rule_runner, "all", files, "--truss-lint-large-file-bytes=1999")
    assert told(found) == [
        ("config-schema", "all/config.yaml:1"),
        ("large-file", "all/model/big.bin"),
        ("secret", "all/model/key.txt:2"),
        ("unowned-python", "all/model/model.py"),
        ("model-class", "all/model/model.py:1"),
        ("shadowed-by-server", "all/packages/json.py"),
    ]
    assert found[2].message == (
        "it holds an AWS access key, which every copy of the truss would carry. Remove it, revoke "
        "it, and declare it in `secrets` of the config."
    )


def test_the_policy_has_the_last_word(rule_runner: RuleRunner) -> None:
    files = {"model/big.bin": "x" * 2000, "model/key.txt": KEY}
    options = [
        "--truss-lint-large-file-bytes=1000",
        "--truss-lint-disable=['secret']",
        "--truss-lint-severity={'large-file': 'note'}",
    ]
    found = lint(rule_runner, "policy", files, *options)
    assert [(f.rule, f.severity) for f in found] == [("large-file", Severity.NOTE)]


def test_the_data_folder_may_hold_large_files(rule_runner: RuleRunner) -> None:
    files = {"config.yaml": "data_dir: weights\n", "weights/big.bin": "x" * 2000}
    assert lint(rule_runner, "data", files, "--truss-lint-large-file-bytes=1999") == ()


def test_a_secret_in_shared_code_is_reported_where_it_is(rule_runner: RuleRunner) -> None:
    files = {
        "model/model.py": f"import shared_key\n{MODEL}",
        "src/shared_key.py": f"k = '{KEY}'\n",
    }
    build = "truss(name='t', sources=['*', 'model/**'])\npython_sources(sources=['**/*.py'])"
    found = lint(rule_runner, "shared", {**files, "BUILD": build})
    assert told(found) == [("secret", "shared/src/shared_key.py:1")]


# --- What stops gathering.


@pytest.mark.parametrize(
    ("name", "files", "place", "message"),
    [
        (
            "no_config",
            {"BUILD": "truss(name='t', config='prod.yaml')"},
            "no_config/prod.yaml",
            "its config no_config/prod.yaml does not exist. The folder has config.yaml: set "
            "`config` to one of them.",
        ),
        (
            "no_package",
            {"config.yaml": "a: 1\nexternal_package_dirs: [nowhere]\n"},
            "no_package/config.yaml:2",
            "`external_package_dirs` entry 'nowhere' means the folder no_package/nowhere, which "
            "does not exist, or which Pants ignores (`[GLOBAL].pants_ignore` or git). The path is "
            "relative to the truss.",
        ),
        (
            "bad_ignore",
            {".truss_ignore": "[z-a]\n"},
            "bad_ignore/config.yaml",
            "the ignore pattern '[z-a]' is not valid, and Truss fails on it. Fix it in "
            ".truss_ignore or in `[truss-gather].ignore`.",
        ),
        (
            "narrow",
            {"BUILD": "truss(name='t', sources=['model/**'])"},
            "narrow/config.yaml",
            "its `sources` leave out its config.yaml. Add 'config.yaml' to them, or changes to it "
            "will go unnoticed.",
        ),
    ],
)
def test_what_stops_gathering_is_a_finding(
    rule_runner: RuleRunner, name: str, files: Dict[str, str], place: str, message: str
) -> None:
    (found,) = lint(rule_runner, name, files)
    assert (found.rule, found.place, found.severity) == (
        "cannot-gather",
        place,
        Severity.ERROR,
    )
    assert found.message == message


def test_a_config_that_cannot_be_read_has_its_own_findings(
    rule_runner: RuleRunner,
) -> None:
    files = {"config.yaml": "resourcs: {}\nrequirements: numpy\n"}
    found = lint(rule_runner, "unreadable", files)
    assert told(found) == [
        ("config-schema", "unreadable/config.yaml:1"),
        ("config-schema", "unreadable/config.yaml:2"),
    ]


def test_a_link_that_leads_nowhere_is_reported_with_its_target(
    rule_runner: RuleRunner,
) -> None:
    rule_runner.write_files({"linked/model/x": ""})
    Path(rule_runner.build_root, "linked/model/broken").symlink_to("nowhere")
    (found,) = lint(rule_runner, "linked", {})
    assert told((found,)) == [("cannot-gather", "linked/config.yaml")]
    assert found.message == (
        "linked/model/broken (linked:t) is a symlink to 'nowhere', which does not exist. Remove it "
        "or fix it.\nOr leave it out with `!` in `sources` of its target."
    )


def test_a_failure_of_pants_is_a_finding_of_that_truss(rule_runner: RuleRunner) -> None:
    files = {"BUILD": "truss(name='t', dependencies=['fails/nowhere'])"}
    (found,) = lint(rule_runner, "fails", files)
    assert told((found,)) == [("cannot-gather", "fails/config.yaml")]
    assert found.message.startswith("Pants fails on it: ")
    assert "fails/nowhere" in found.message


def test_what_is_fixed_is_found_no_more(rule_runner: RuleRunner) -> None:
    assert told(lint(rule_runner, "fixed", {"config.yaml": "external_package_dirs: [x]"})) == [
        ("cannot-gather", "fixed/config.yaml:1")
    ]
    assert lint(rule_runner, "fixed", {}) == ()


def test_options_that_are_wrong_are_no_finding_of_a_truss(
    rule_runner: RuleRunner,
) -> None:
    for config in ("", "external_package_dirs: [nowhere]\n"):
        with pytest.raises(ExecutionError) as caught:
            lint(
                rule_runner,
                "options",
                {"config.yaml": config},
                "--truss-lint-disable=['x']",
            )
        found = raised(caught)
        assert isinstance(found, InvalidLintOptions)
        assert str(found).startswith("`[truss-lint]` is not valid: 'x' is not a rule. Rules: ")


def test_a_tool_that_is_not_there_is_no_finding_of_a_truss(
    rule_runner: RuleRunner,
) -> None:
    with pytest.raises(ExecutionError) as caught:
        lint(rule_runner, "tool", {}, "--truss-cli-install-from-resolve=nope")
    found = raised(caught)
    assert isinstance(found, TrussCliFailed)
    assert str(found) == (
        "`[truss-cli].install_from_resolve` is 'nope', but `[python].resolves` does not name it with "
        "a path in the repository. Add it there."
    )


# --- Modules that others hide.


def test_a_module_that_a_requirement_provides_too(rule_runner: RuleRunner) -> None:
    """By `modules` of its target, where the code imports it, and by the mapping of Pants."""
    files = {
        "config.yaml": "requirements: [own-dist==1, scikit-learn, 'no [name', './x']\n",
        "3rdparty/BUILD": (
            "python_requirement(name='own', requirements=['own-dist'], modules=['odd_name'])"
        ),
        "model/model.py": f"import odd_name\n{MODEL}",
        "packages/odd_name.py": "",
        "packages/own_dist.py": "",
        "packages/sklearn/__init__.py": "",
        "packages/mine.py": "",
        "BUILD": "truss(name='t')\npython_sources(sources=['model/*.py'])",
    }
    found = lint(rule_runner, "hidden", files, "--truss-lint-disable=['config-schema']")
    assert told(found) == [
        ("invalid-requirement", "hidden/config.yaml"),
        ("requirement-not-in-image", "hidden/config.yaml"),
        ("shadowed-by-requirement", "hidden/packages/odd_name.py"),
        ("shadowed-by-requirement", "hidden/packages/sklearn/__init__.py"),
    ]


def test_what_is_required_but_not_imported_goes_by_the_mapping(
    rule_runner: RuleRunner,
) -> None:
    files = {
        "config.yaml": "requirements: [My-Dist]\n",
        "packages/my_dist.py": "",
        "packages/mydist.py": "",
    }
    assert told(lint(rule_runner, "mapped", files)) == [
        ("shadowed-by-requirement", "mapped/packages/my_dist.py")
    ]


def test_another_server_hides_nothing(rule_runner: RuleRunner) -> None:
    """Truss's own module path is that of its own server."""
    config = (
        "base_image:\n  image: x/y:1\n"
        "docker_server:\n  start_command: run\n  server_port: 8000\n"
        "  predict_endpoint: /p\n  readiness_endpoint: /r\n  liveness_endpoint: /l\n"
    )
    rule_runner.write_files({"other/packages/json.py": ""})
    files = {
        "config.yaml": config,
        "BUILD": "truss(name='t', sources=['*', 'packages/**'])",
    }
    found = lint(rule_runner, "other", files)
    assert [finding.rule for finding in found] == []


def test_an_error_lasts_no_longer_than_its_cause(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"fixed/model/__init__.py": ""})
    link = Path(rule_runner.build_root, "fixed/model/link.py")
    link.symlink_to("nowhere.py")
    assert [rule for rule, _ in told(lint(rule_runner, "fixed", {}))] == ["cannot-gather"]
    # The engine does not know of it: a link that leads nowhere is not a file to the engine.
    link.unlink()
    assert lint(rule_runner, "fixed", {}) == ()
