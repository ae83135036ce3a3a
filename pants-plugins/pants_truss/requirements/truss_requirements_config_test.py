"""`requirements="config"`: what is listed and what is told to be missing, in whole messages."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Optional, Tuple

import pytest
from pants.backend.python.subsystems.setup import PythonSetup
from pants.engine.addresses import Address
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.core.gathered import GatheredRequirement
from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.truss_config import parse
from pants_truss.imports.import_closure import ImportedRequirement
from pants_truss.requirements import lockfile, truss_requirements
from pants_truss.requirements.truss_requirements import TrussRequirements, TrussRequirementsRequest
from pants_truss.sources.config_file import TrussConfigFile
from pants_truss.target_types.truss import TrussRequirementsField

ADDRESS = Address("src/t")


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *PythonSetup.rules(),
            *lockfile.rules(),
            *truss_requirements.rules(),
            QueryRule(TrussRequirements, [TrussRequirementsRequest]),
        ]
    )


def imported(
    requirement: str, *modules: str, reason: str = "imported by src/t/model/model.py"
) -> ImportedRequirement:
    return ImportedRequirement(requirement, modules, f"3rdparty:{modules[0]}", None, reason)


def find(
    rule_runner: RuleRunner,
    config: str,
    *needed: ImportedRequirement,
    files: Optional[Dict[str, str]] = None,
) -> TrussRequirements:
    rule_runner.set_options([])
    rule_runner.write_files({f"src/t/{path}": text for path, text in (files or {}).items()})
    content = config.encode()
    request = TrussRequirementsRequest(
        ADDRESS,
        TrussRequirementsField(None, ADDRESS),
        TrussConfigFile("src/t/config.yaml", content, parse(content)),
        None,
        needed,
    )
    return rule_runner.request(TrussRequirements, [request])


def missing(found: TrussRequirements) -> List[str]:
    return [finding.message.partition(" lacks its distribution ")[2] for finding in found.findings]


def test_what_is_listed_keeps_its_order_and_its_reason(rule_runner: RuleRunner) -> None:
    config = 'requirements: ["torch==2", "# why", "NumPy>=1", "--pre", "not [valid", "./wheel"]\n'
    found = find(rule_runner, config, imported("numpy", "numpy"))
    assert found == TrussRequirements(
        None,
        (
            GatheredRequirement("torch==2", "src/t/config.yaml", None),
            GatheredRequirement(
                "NumPy>=1", "src/t/config.yaml", "imported by src/t/model/model.py"
            ),
            GatheredRequirement("--pre", "src/t/config.yaml", None),
            GatheredRequirement("./wheel", "src/t/config.yaml", None),
        ),
        (),
    )


def test_a_distribution_that_is_imported_and_not_listed(
    rule_runner: RuleRunner,
) -> None:
    found = find(rule_runner, "", imported("PyYAML>=6", "yaml", "_yaml"))
    assert found.findings == (
        Finding(
            "missing-requirement",
            "src/t/config.yaml",
            "src/t/model/model.py imports `yaml` or `_yaml`, but `requirements` in "
            "src/t/config.yaml lacks its distribution pyyaml. Add 'PyYAML>=6' to it, or set "
            '`requirements="lockfile"` on the target.',
            Severity.WARNING,
        ),
    )


def test_one_that_dependencies_name(rule_runner: RuleRunner) -> None:
    needed = imported("own @ https://me:pw@host/own.whl", "own", reason="explicit dependency")
    (finding,) = find(rule_runner, "", needed).findings
    assert finding.message == (
        "3rdparty:own is an explicit dependency, but `requirements` in src/t/config.yaml lacks its "
        "distribution own. Add 'own @ https://***@host/own.whl' to it, or set "
        '`requirements="lockfile"` on the target.'
    )


@pytest.mark.parametrize(
    ("listed", "is_there"),
    [
        ("scikit-learn", True),
        ("SCIKIT_LEARN[x]==1", True),
        ("scikit.learn ; python_version > '3'", True),
        ("https://host/scikit_learn-1.0-py3-none-any.whl", True),
        ("git+https://host/scikit-learn.git@main", True),
        ("git+https://host/x.git#egg=Scikit-Learn", True),
        ("scikit-learn-extra", False),
        ("sklearn", False),
        ("# scikit-learn", False),
        ("--find-links scikit-learn", False),
    ],
)
def test_which_lines_bring_a_distribution(
    rule_runner: RuleRunner, listed: str, is_there: bool
) -> None:
    config = f'requirements: ["{listed}"]\n'
    found = find(rule_runner, config, imported("scikit-learn", "sklearn"))
    assert missing(found) == (
        []
        if is_there
        else [
            "scikit-learn. Add 'scikit-learn' to it, or set `requirements=\"lockfile\"` on the "
            "target."
        ]
    )


@pytest.mark.parametrize("option", ["-r more.txt", "--requirement=x", "-e .", "--editable ."])
def test_what_includes_others_leaves_nothing_to_tell(rule_runner: RuleRunner, option: str) -> None:
    found = find(rule_runner, f'requirements: ["{option}"]\n', imported("numpy", "numpy"))
    assert found.findings == ()
    assert [required.requirement for required in found.listed] == [option]


# --- A file of requirements.


def test_a_requirements_file_is_read_beside_the_list(rule_runner: RuleRunner) -> None:
    config = "requirements: [torch]\nrequirements_file: ./deps/é [x].txt\n"
    text = (
        "# by hand\n"
        "numpy==1.26.4 \\\r\n  --hash=sha256:00 \\\r\n  --hash=sha256:11\r\n"
        "\n"
        "PyYAML  # why\n"
        "--extra-index-url https://me:pw@host/simple\n"
    )
    needed = [imported(name, name) for name in ("numpy", "pyyaml", "torch", "scipy")]
    found = find(rule_runner, config, *needed, files={"deps/é [x].txt": text})
    path = "src/t/deps/é [x].txt"
    assert [(r.requirement, r.origin) for r in found.listed] == [
        ("torch", "src/t/config.yaml"),
        ("numpy==1.26.4", path),
        ("PyYAML", path),
        ("--extra-index-url https://***@host/simple", path),
    ]
    (finding,) = found.findings
    assert finding.path == path
    assert finding.message.startswith(
        f"src/t/model/model.py imports `scipy`, but {path} lacks its distribution scipy. Add "
    )


@pytest.mark.parametrize("name", ["uv.lock", "pyproject.toml", "sub/uv.lock"])
def test_files_of_another_kind_leave_nothing_to_tell(rule_runner: RuleRunner, name: str) -> None:
    needed = imported("numpy", "numpy")
    found = find(rule_runner, f"requirements_file: {name}\n", needed, files={name: "x = 1\n"})
    assert found.findings == ()


def test_a_requirements_file_that_is_not_there_has_nothing(
    rule_runner: RuleRunner,
) -> None:
    found = find(rule_runner, "requirements_file: absent.txt\n", imported("numpy", "numpy"))
    assert found.listed == ()
    assert [finding.path for finding in found.findings] == ["src/t/absent.txt"]


def test_findings_come_in_the_order_of_what_is_imported(
    rule_runner: RuleRunner,
) -> None:
    names: Tuple[str, ...] = ("zz", "aa", "mm")
    found = find(rule_runner, "", *(imported(name, name) for name in names))
    assert [message.partition(".")[0] for message in missing(found)] == list(names)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_with_a_byte_order_mark(rule_runner: RuleRunner, encoding: str) -> None:
    rule_runner.write_files({"src/t/marked.txt": ""})
    path = Path(rule_runner.build_root, "src/t/marked.txt")
    path.write_bytes("own-dist==1\nüber\n".encode(encoding))
    found = find(rule_runner, "requirements_file: marked.txt\n", imported("own-dist", "own"))
    assert found.findings == ()
