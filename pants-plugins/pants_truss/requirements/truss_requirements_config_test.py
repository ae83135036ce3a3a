"""`requirements="config"`: the listed requirements, and findings in whole messages."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

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
    options: Sequence[str] = (),
) -> TrussRequirements:
    rule_runner.set_options(options)
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
    return [
        finding.message.partition(" lacks its distribution ")[2]
        for finding, _ in found.missing
        if finding.rule == "missing-requirement"
    ]


def reported(found: TrussRequirements) -> List[Finding]:
    return [*found.findings, *(finding for finding, _ in found.missing)]


def test_what_is_listed_keeps_its_order_and_its_reason(rule_runner: RuleRunner) -> None:
    config = 'requirements: ["torch==2", "# why", "NumPy>=1", "--pre", "not [valid", "https://host/x.whl"]\n'
    found = find(rule_runner, config, imported("numpy", "numpy"))
    assert found == TrussRequirements(
        None,
        (
            GatheredRequirement("torch==2", "src/t/config.yaml", None),
            GatheredRequirement(
                "NumPy>=1", "src/t/config.yaml", "imported by src/t/model/model.py"
            ),
            GatheredRequirement("--pre", "src/t/config.yaml", None),
            GatheredRequirement("https://host/x.whl", "src/t/config.yaml", None),
        ),
        (Finding("invalid-requirement", "src/t/config.yaml", found.findings[0].message),),
    )
    assert "'not [valid' is not a requirement" in found.findings[0].message


@pytest.mark.parametrize("is_locked", [True, False])
def test_a_uv_project_with_a_folder_beside_it(rule_runner: RuleRunner, is_locked: bool) -> None:
    """Only its own two files are copied into an image."""
    project = '[project]\nname = "a"\nversion = "1"\ndependencies = ["libx"]\n'
    sources = '[tool.uv.sources]\nlibx = {path = "../libx"}\n'
    lock = (
        '[[package]]\nname = "a"\nsource = { virtual = "." }\ndependencies = [{ name = "libx" }]\n'
        '[[package]]\nname = "libx"\nsource = { directory = "../libx" }\n'
    )
    name = "uv.lock" if is_locked else "pyproject.toml"
    files = {"pyproject.toml": project + sources, "uv.lock": lock}
    found = find(rule_runner, f"requirements_file: {name}\n", files=files)
    (finding,) = found.findings
    assert (finding.rule, finding.path) == ("requirement-not-in-image", f"src/t/{name}")
    assert finding.message.startswith(
        "src/t/pyproject.toml takes libx from '../libx', which is not in the image"
    )


def test_a_line_that_an_image_build_refuses(rule_runner: RuleRunner) -> None:
    files = {"listed.txt": "numpy==1.26.4\n\ntorch = 2.0 \\\n  # why\nscipy==1.0 -f x\n"}
    found = find(rule_runner, "requirements_file: listed.txt\n", files=files)
    assert [(f.place, f.severity) for f in found.findings] == [
        ("src/t/listed.txt:3", Severity.ERROR),
        ("src/t/listed.txt:5", Severity.WARNING),
    ]


def test_a_distribution_that_is_imported_and_not_listed(
    rule_runner: RuleRunner,
) -> None:
    found = find(rule_runner, "", imported("TomlKit>=6", "tomlkit", "_tomlkit"))
    assert found.missing == (
        (
            Finding(
                "missing-requirement",
                "src/t/config.yaml",
                "src/t/model/model.py imports `tomlkit` or `_tomlkit`, but `requirements` in "
                "src/t/config.yaml lacks its distribution tomlkit. Add 'TomlKit>=6' to it, or set "
                '`requirements="lockfile"` on the target.',
                Severity.WARNING,
            ),
            ("tomlkit", "_tomlkit"),
        ),
    )


def test_one_that_dependencies_name(rule_runner: RuleRunner) -> None:
    needed = imported("own @ https://me:pw@host/own.whl", "own", reason="explicit dependency")
    (finding,) = reported(find(rule_runner, "", needed))
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
        # In an image, which is Linux and has the Python of the truss.
        ("scikit-learn ; sys_platform == 'darwin'", False),
        ("scikit-learn ; python_version < '3.9'", False),
        ("scikit-learn ; sys_platform == 'linux'", True),
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
def test_what_includes_others_may_have_anything(rule_runner: RuleRunner, option: str) -> None:
    found = find(rule_runner, f'requirements: ["{option}"]\n', imported("scipy", "scipy"))
    assert missing(found) == []
    assert [finding.rule for finding in found.findings] == ["requirement-not-in-image"]
    assert [required.requirement for required in found.listed] == [option]


# --- A file of requirements.


def test_a_path_of_one_machine(rule_runner: RuleRunner) -> None:
    """What `pip freeze` writes in an environment of conda."""
    listed = "requirements: ['numpy @ file:///home/conda/feedstock_root/work']\n"
    (finding,) = reported(find(rule_runner, listed))
    assert (finding.rule, finding.severity) == ("requirement-not-in-image", Severity.WARNING)
    assert "which the default base image does not have. Write the version" in finding.message
    assert not reported(find(rule_runner, listed + "base_image: {image: a/b}\n"))


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
    password, finding = reported(found)
    assert (password.rule, password.place) == ("secret", f"{path}:7")
    assert finding.path == path
    assert finding.message.startswith(
        f"src/t/model/model.py imports `scipy`, but {path} lacks its distribution scipy. Add "
    )


@pytest.mark.parametrize("name", ["uv.lock", "pyproject.toml", "sub/uv.lock"])
def test_files_of_another_kind_leave_nothing_to_report(rule_runner: RuleRunner, name: str) -> None:
    needed = imported("numpy", "numpy")
    found = find(rule_runner, f"requirements_file: {name}\n", needed, files={name: "x = 1\n"})
    assert reported(found) == []


def test_a_requirements_file_that_is_not_there_has_nothing(
    rule_runner: RuleRunner,
) -> None:
    found = find(rule_runner, "requirements_file: absent.txt\n", imported("scipy", "scipy"))
    assert found.listed == ()
    assert [finding.path for finding in reported(found)] == ["src/t/absent.txt"]


def test_a_line_that_reads_a_file_of_the_truss(rule_runner: RuleRunner) -> None:
    text = "# why\nscipy\n-r base.txt\n"
    config = "requirements: [./kit.whl]\nrequirements_file: including.txt\n"
    found = find(rule_runner, config, files={"including.txt": text})
    assert [(finding.place, finding.rule, finding.severity) for finding in found.findings] == [
        ("src/t/config.yaml", "requirement-not-in-image", Severity.ERROR),
        ("src/t/including.txt:3", "requirement-not-in-image", Severity.ERROR),
    ]
    assert found.findings[1].message.endswith(
        "Write the lines of base.txt into src/t/including.txt."
    )


def test_a_password_in_a_url_is_a_warning(rule_runner: RuleRunner) -> None:
    text = "--extra-index-url https://bob:s3cr3tPw99@host/simple\nscipy\n"
    config = (
        "requirements:\n- git+https://bob:hunter2xyz@host/a.git\n- git+ssh://git@host/b.git\n"
        "- c @ https://${USER}:${PASSWORD}@host/c.whl\nrequirements_file: private.txt\n"
    )
    found = find(rule_runner, config, files={"private.txt": text})
    assert [(f.place, f.rule, f.severity) for f in found.findings] == [
        ("src/t/config.yaml", "secret", Severity.WARNING),
        ("src/t/private.txt:1", "secret", Severity.WARNING),
    ]
    said = " ".join(finding.message for finding in found.findings)
    assert "git+https://***@host/a.git" in said and "s3cr3t" not in said and "hunter2" not in said


# --- Distributions that are there without being listed.


def test_what_the_model_server_brings_is_not_missing(rule_runner: RuleRunner) -> None:
    """With what its distributions require: pydantic of fastapi."""
    needed = [imported(name, name) for name in ("fastapi", "numpy", "pydantic", "scipy")]
    found = find(rule_runner, "", *needed)
    assert [text.partition(".")[0] for text in missing(found)] == ["scipy"]
    docker = "docker_server: {start_command: x, server_port: 1}\n"
    assert len(missing(find(rule_runner, docker, *needed))) == 4
    # It runs a model class beside the engine too.
    ((note, _),) = find(rule_runner, "trt_llm: {build: {}}\n", *needed).missing
    assert note.message.endswith("its distribution scipy: the image for `trt_llm` may bring it.")
    assert note.severity is Severity.NOTE


@pytest.mark.parametrize(
    ("listed", "wanted", "module"),
    [
        ("opencv-python-headless==4.9.0.80", "opencv-python", "cv2"),
        ("opencv-contrib-python", "opencv-python-headless", "cv2"),
        ("psycopg2-binary", "psycopg2", "psycopg2"),
        ("tensorflow-cpu", "tensorflow", "tensorflow"),
        ("faiss-cpu", "faiss-gpu", "faiss"),
    ],
)
def test_another_distribution_has_the_module(
    rule_runner: RuleRunner, listed: str, wanted: str, module: str
) -> None:
    found = find(rule_runner, f"requirements: [{listed}]\n", imported(wanted, module))
    assert reported(found) == []


@pytest.mark.parametrize(
    ("config", "source"),
    [
        ("base_image: {image: 'pytorch/pytorch:2.3.0'}\n", "the base image pytorch/pytorch:2.3.0"),
        ("build_commands: [pip install torch]\n", "a build command"),
        ("system_packages: [python3-torch]\n", "the system package python3-torch"),
    ],
)
def test_what_the_image_may_have_is_a_note(
    rule_runner: RuleRunner, config: str, source: str
) -> None:
    (finding,) = reported(find(rule_runner, config, imported("torch", "torch")))
    assert finding.severity is Severity.NOTE
    assert finding.message == (
        "src/t/model/model.py imports `torch`, and `requirements` in src/t/config.yaml does not "
        f"have its distribution torch: {source} may bring it."
    )


def test_what_a_listed_distribution_requires_is_there(rule_runner: RuleRunner) -> None:
    lock = "transformers==4\n    # via -r x\ntokenizers==1\n    # via transformers\n"
    rule_runner.write_files({"own.lock": lock})
    needed = [imported("tokenizers", "tokenizers"), imported("scipy", "scipy")]
    options = [
        "--python-enable-resolves",
        "--python-resolves={'own': 'own.lock', 'none': 'absent.lock'}",
    ]
    config = "requirements: [transformers]\n"
    found = find(rule_runner, config, *needed, options=[*options, "--python-default-resolve=own"])
    assert [text.partition(".")[0] for text in missing(found)] == ["scipy"]
    # Without a lockfile this is not known.
    found = find(rule_runner, config, *needed, options=[*options, "--python-default-resolve=none"])
    assert len(missing(found)) == 2


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
    path.write_bytes("own-dist==1\n# über\n".encode(encoding))
    found = find(rule_runner, "requirements_file: marked.txt\n", imported("own-dist", "own"))
    assert reported(found) == []


def test_a_file_that_is_not_utf_8(rule_runner: RuleRunner) -> None:
    """pip reads it by its second line, uv does not."""
    rule_runner.write_files({"src/t/latin.txt": ""})
    path = Path(rule_runner.build_root, "src/t/latin.txt")
    path.write_bytes("own-dist==1\n# -*- coding: latin-1 -*- über\n".encode("latin-1"))
    found = find(rule_runner, "requirements_file: latin.txt\n", imported("own-dist", "own"))
    assert [(f.rule, f.severity) for f in reported(found)] == [
        ("invalid-requirement", Severity.WARNING)
    ]
