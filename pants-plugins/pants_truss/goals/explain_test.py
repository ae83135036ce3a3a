from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Dict, List

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as python_inference
from pants.backend.python.target_types import (
    PythonRequirementTarget,
    PythonSourcesGeneratorTarget,
)
from pants.core.target_types import FilesGeneratorTarget
from pants.core.target_types import rules as core_target_types_rules
from pants.testutil.rule_runner import GoalRuleResult, RuleRunner

from pants_truss.dependency_inference import truss as inference
from pants_truss.gather import gather
from pants_truss.goals import explain
from pants_truss.goals.explain import TrussExplain
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget

MODEL = "import textkit.clean\n\nclass Model:\n    pass\n"
SERVER = "docker_server: {server_port: 8000}\n"
OPTIONS = [
    "--python-interpreter-constraints=['CPython==3.11.*']",
    "--python-infer-use-rust-parser",
    "--source-root-patterns=['/*/shared', '/*/truss*']",
    "--truss-lint-disable=['config-schema', 'model-class', 'missing-requirement']",
]


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *explain.rules(),
            *gather.rules(),
            *inference.rules(),
            *python_inference.rules(),
            *target_types_rules.rules(),
        ],
        target_types=[
            FilesGeneratorTarget,
            PythonRequirementTarget,
            PythonSourcesGeneratorTarget,
            TrussExternalPackageTarget,
            TrussTarget,
        ],
    )


def run(rule_runner: RuleRunner, *args: str) -> GoalRuleResult:
    return rule_runner.run_goal_rule(
        TrussExplain, global_args=OPTIONS, args=args, env_inherit={"PATH", "PYENV_ROOT", "HOME"}
    )


def explained(rule_runner: RuleRunner, *args: str) -> str:
    result = run(rule_runner, *args)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def refused(rule_runner: RuleRunner, *args: str) -> str:
    result = run(rule_runner, *args)
    assert (result.exit_code, result.stdout) == (1, "")
    return result.stderr


def write(rule_runner: RuleRunner, root: str, files: Dict[str, str]) -> None:
    rule_runner.write_files({f"{root}/{path}": text for path, text in files.items()})


@pytest.fixture(scope="module")
def repo(rule_runner: RuleRunner) -> str:
    """Two trusses that import one module, one of them with an external package."""
    python = "python_sources(name='src', sources=['**/*.py'])\n"
    write(
        rule_runner,
        "r",
        {
            "truss_a/BUILD": "truss(dependencies=['r/ext_b', 'r/shared/hidden.py'])\n" + python,
            "truss_a/config.yaml": "external_package_dirs: [../ext_a]\nrequirements: [six==1.16]\n",
            "truss_a/model/model.py": MODEL,
            "truss_b/BUILD": "truss()\ntruss(name='prod', config='prod.yaml')\n" + python,
            "truss_b/config.yaml": "",
            "truss_b/prod.yaml": "",
            "truss_b/model/model.py": MODEL,
            "ext_a/BUILD": "truss_external_package()",
            "ext_a/lib/a.txt": "a",
            "ext_b/BUILD": "truss_external_package()",
            "ext_b/lib/b.txt": "bb",
            "shared/BUILD": "python_sources(sources=['**/*.py'])",
            "shared/hidden.py": "",
            "shared/textkit/__init__.py": "",
            "shared/textkit/clean.py": "import textkit.words\nimport yaml\n",
            "shared/textkit/words.py": "",
            "3rdparty/BUILD": (
                "python_requirement(name='y', requirements=['pyyaml>=6'], modules=['yaml'])"
            ),
            "files/BUILD": "files(sources=['*.txt'])",
            "files/x.txt": "",
        },
    )
    Path(rule_runner.build_root, "r/shared/textkit/words.py").chmod(0o755)
    return "r"


# --- Which trusses.

NO_TRUSS = (
    "No truss target was named. `pants list --filter-target-type=truss ::` lists them, and "
    "`pants tailor ::` adds those that are missing.\n"
)


@pytest.mark.parametrize(
    "args", [[], ["r/shared::"], ["r/files"], ["r/truss_a/model/model.py:../src"]]
)
def test_without_a_truss_there_is_nothing_to_explain(
    rule_runner: RuleRunner, repo: str, args: List[str]
) -> None:
    assert refused(rule_runner, *args) == NO_TRUSS
    # Nor to draw, or to list as JSON.
    assert refused(rule_runner, "--format=json", *args) == NO_TRUSS
    assert refused(rule_runner, "--path=config.yaml", *args) == NO_TRUSS


def test_trusses_are_reported_by_address_whatever_the_order(
    rule_runner: RuleRunner, repo: str
) -> None:
    text = explained(rule_runner, "r/truss_b:", "r/truss_a:", "r/files")
    heads = [line.partition(": ")[0] for line in text.splitlines() if line.startswith("r/")]
    assert heads == ["r/truss_a:truss_a", "r/truss_b:truss_b", "r/truss_b:prod"]
    assert text == explained(rule_runner, "r/truss_a:", "r/truss_b:prod", "r/truss_b")
    # A blank line between two, and none at the end.
    assert text.count("\n\nr/truss_b:") == 2
    assert text.endswith("\n") and not text.endswith("\n\n")


def test_a_truss_that_cannot_be_gathered_is_an_error(rule_runner: RuleRunner) -> None:
    write(rule_runner, "broken", {"truss/BUILD": "truss()"})
    text = refused(rule_runner, "broken/truss")
    assert "its config broken/truss/config.yaml does not exist." in text


# --- As text.


def test_files_are_grouped_by_where_they_come_from(rule_runner: RuleRunner, repo: str) -> None:
    text = explained(rule_runner, "r/truss_a")
    head, body = text.split("\n\n", 1)
    assert re.fullmatch(r"r/truss_a:truss_a: 9 files, 618 B, sha256:[0-9a-f]{64}", head)
    assert body == (
        "  truss (r/truss_a:truss_a): 1 file, 44 B\n"
        "    model/model.py      44 B\n"
        "\n"
        "  external_package_dirs (r/ext_a:ext_a): 1 file, 1 B\n"
        "    packages/lib/a.txt       1 B\n"
        "\n"
        "  imported: 3 files, 33 B\n"
        "    packages/textkit/__init__.py       0 B  imported by r/shared/textkit/clean.py\n"
        "    packages/textkit/clean.py         33 B  imported by r/truss_a/model/model.py\n"
        "    packages/textkit/words.py*         0 B  imported by r/shared/textkit/clean.py\n"
        "\n"
        "  explicit dependency: 2 files, 2 B\n"
        "    packages/hidden.py       0 B  r/shared/hidden.py\n"
        "    packages/lib/b.txt       2 B  r/ext_b:ext_b\n"
        "\n"
        "  generated: 2 files, 538 B\n"
        "    .truss_ignore     486 B\n"
        "    config.yaml        52 B\n"
        "\n"
        "  requirements\n"
        "    six==1.16  r/truss_a/config.yaml\n"
    )


def test_what_a_truss_has_not_is_not_mentioned(rule_runner: RuleRunner, repo: str) -> None:
    titles = [
        line.partition(":")[0].strip()
        for line in explained(rule_runner, "r/truss_b:truss_b").splitlines()
        if re.match("  [a-z]", line)
    ]
    assert titles == ["truss (r/truss_b", "imported", "generated"]


# --- One file.


def test_a_file_of_each_kind(rule_runner: RuleRunner, repo: str) -> None:
    expected = {
        "model/model.py": "  from r/truss_a/model/model.py (r/truss_a:truss_a)\n  because: truss\n",
        "packages/lib/a.txt": (
            "  from r/ext_a/lib/a.txt (r/ext_a:ext_a)\n  because: external_package_dirs\n"
        ),
        "packages/lib/b.txt": (
            "  from r/ext_b/lib/b.txt (r/ext_b:ext_b)\n  because: explicit dependency\n"
        ),
        "packages/hidden.py": (
            "  from r/shared/hidden.py (r/shared/hidden.py)\n  because: explicit dependency\n"
        ),
        "packages/textkit/words.py": (
            "  from r/shared/textkit/words.py (r/shared/textkit/words.py:../shared)\n"
            "  r/truss_a/model/model.py\n"
            "  -> r/shared/textkit/clean.py\n"
            "    -> r/shared/textkit/words.py\n"
        ),
        ".truss_ignore": "  from made by gather\n  because: generated\n",
        "config.yaml": "  from r/truss_a/config.yaml (r/truss_a:truss_a)\n  because: generated\n",
    }
    found = {
        path: explained(rule_runner, f"--path={path}", "r/truss_a").split("\n", 1)[1]
        for path in expected
    }
    assert found == expected


@pytest.mark.parametrize(
    "path",
    [
        "./packages/textkit/clean.py",
        "packages//textkit/clean.py",
        "model/../packages/textkit/clean.py",
    ],
)
def test_a_path_may_be_written_in_other_ways(rule_runner: RuleRunner, repo: str, path: str) -> None:
    text = explained(rule_runner, f"--path={path}", "r/truss_b:truss_b")
    assert text.startswith("r/truss_b:truss_b: packages/textkit/clean.py\n")


def test_of_several_trusses_it_is_about_those_that_have_the_file(
    rule_runner: RuleRunner, repo: str
) -> None:
    text = explained(rule_runner, "--path=packages/lib/a.txt", "r::")
    assert text == (
        "r/truss_a:truss_a: packages/lib/a.txt\n"
        "  from r/ext_a/lib/a.txt (r/ext_a:ext_a)\n"
        "  because: external_package_dirs\n"
    )
    both = explained(rule_runner, "--path=model/model.py", "r::").split("\n\n")
    assert [part.splitlines()[0] for part in both] == [
        "r/truss_a:truss_a: model/model.py",
        "r/truss_b:truss_b: model/model.py",
        "r/truss_b:prod: model/model.py",
    ]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("gone", " `pants truss-explain` without `--path` lists all."),
        ("clean.py", " Did you mean packages/textkit/clean.py?"),
        ("", " `pants truss-explain` without `--path` lists all."),
        ("../model/model.py", " Did you mean model/model.py?"),
        ("/model/model.py", " Did you mean model/model.py?"),
        ("é 'x'", " `pants truss-explain` without `--path` lists all."),
    ],
)
def test_a_path_that_no_truss_has(
    rule_runner: RuleRunner, repo: str, path: str, message: str
) -> None:
    """The message names the first truss."""
    expected = f"r/truss_a:truss_a has no file {path!r}.{message}\n"
    assert refused(rule_runner, f"--path={path}", "r::") == expected
    # A path has one form.
    assert refused(rule_runner, f"--path={path}", "--format=dot", "r::") == expected


# --- For other tools.


def test_json_is_a_list_of_manifests(rule_runner: RuleRunner, repo: str) -> None:
    text = explained(rule_runner, "--format=json", "r::")
    data = json.loads(text)
    assert [manifest["target"] for manifest in data] == [
        "r/truss_a:truss_a",
        "r/truss_b:truss_b",
        "r/truss_b:prod",
    ]
    assert [len(manifest["files"]) for manifest in data] == [9, 7, 6]
    assert text == json.dumps(data, indent=2) + "\n"
    (one,) = json.loads(explained(rule_runner, "--format=json", "r/truss_b:prod"))
    assert one == data[2]


def test_the_graph_of_one_truss(rule_runner: RuleRunner, repo: str) -> None:
    assert explained(rule_runner, "--format=dot", "r/truss_b:prod") == (
        "digraph trusses {\n"
        "  rankdir=LR;\n"
        '  "pip:pyyaml" [shape=ellipse];\n'
        '  "r/shared/textkit" [shape=folder];\n'
        '  "r/truss_b:prod" [shape=box];\n'
        '  "r/shared/textkit" -> "pip:pyyaml";\n'
        '  "r/truss_b:prod" -> "r/shared/textkit";\n'
        "}\n"
    )


def test_trusses_share_a_graph(rule_runner: RuleRunner, repo: str) -> None:
    text = explained(rule_runner, "--format=dot", "r::")
    assert text.count('"r/shared/textkit" [shape=folder];') == 1
    # In one truss only: an external package, and a requirement that no code is known to import.
    assert '  "r/truss_a:truss_a" -> "r/ext_a:ext_a";\n' in text
    assert '  "r/truss_a:truss_a" -> "pip:six";\n' in text
    assert text.count('"pip:pyyaml"') == 2
    for name in ("truss_a:truss_a", "truss_b:prod", "truss_b:truss_b"):
        assert text.count(f'  "r/{name}" -> "r/shared/textkit";\n') == 1


# --- Where it goes.


def test_it_goes_to_a_file_if_one_is_named(
    rule_runner: RuleRunner, repo: str, tmp_path: Path
) -> None:
    text = explained(rule_runner, "r/truss_b:prod")
    out = tmp_path / "out.txt"
    assert explained(rule_runner, f"--output-file={out}", "r/truss_b:prod") == ""
    assert out.read_text() == text
    # An error leaves it alone.
    refused(rule_runner, f"--output-file={out}", "--path=gone", "r/truss_b:prod")
    assert out.read_text() == text


# --- Trusses that cannot be gathered.


def test_a_broken_truss_does_not_hide_the_others(rule_runner: RuleRunner) -> None:
    write(
        rule_runner,
        "partly",
        {
            "good/BUILD": "truss()",
            "good/config.yaml": SERVER,
            "bad1/BUILD": "truss()",
            "bad1/config.yaml": "requirements: numpy\n",
            "bad2/BUILD": "truss()",
        },
    )
    for arguments, start in ((), "partly/good:good: "), (("--format=json",), "[\n"):
        result = run(rule_runner, *arguments, "partly::")
        assert result.exit_code == 1
        assert result.stdout.startswith(start)
        assert "partly/bad1:bad1 (partly/bad1/config.yaml:1): " in result.stderr
        assert "partly/bad2:bad2: its config" in result.stderr
        assert result.stderr.endswith("2 of 3 trusses cannot be gathered.\n")
    assert "bad1" in refused(rule_runner, "partly/bad1:")
