"""`pants lint` and `pants check`, tool `truss`, on real repositories with the real Truss release."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List
from urllib.parse import unquote

import jsonschema  # type: ignore[import]
import pytest

from pants_truss.core.lint.finding import RULES
from support.configs import DEPRECATED, REALISTIC
from support.monorepo import PYTHON_TOML, Monorepo
from support.truss_library import TrussLibrary

MODEL = "class Model:\n    def predict(self, x):\n        return x\n"

SOURCES = 'python_sources(name="src", sources=["**/*.py"])\n'

# One truss for each fault, with its finding: the place and the beginning of the message.
WRONG: Dict[str, Dict[str, Any]] = {
    "collision": {
        "config": "external_package_dirs: [../../shared]\n",
        "files": {"packages/one.py": "own"},
        "place": "shared/one.py: error: packages/one.py comes from more than one source: ",
        "rule": "collision",
        "is_fatal": True,
    },
    "collision_of_names": {
        "config": "external_package_dirs: [../../shared]\n",
        "files": {"packages/One.py": "own"},
        "place": "shared/one.py: error: shared/one.py (shared:shared) and t/collision_of_names/"
        "packages/One.py (t/collision_of_names:collision_of_names) are packages/one.py and "
        "packages/One.py in the gathered truss: names that are equal but for case",
        "rule": "collision",
        "is_fatal": True,
    },
    "config_schema": {
        "config": "model_name: x\nresourcs: {}\n",
        "place": "t/config_schema/config.yaml:2: error: unknown key `resourcs`",
        "rule": "config-schema",
        "is_fatal": True,
    },
    "deprecated": {
        "config": "python_version: py39\n",
        "place": "t/deprecated/config.yaml:1: warning: `python_version: py39` is deprecated",
        "rule": "deprecated",
        "is_fatal": False,
    },
    "no_effect": {
        "config": "python_version: py311\nenvironment_variables:\n  PORT: '9000'\n",
        "place": "t/no_effect/config.yaml:3: warning: `environment_variables.PORT` has no effect: "
        "the platform sets it.",
        "rule": "no-effect",
        "is_fatal": False,
    },
    "truss_itself": {
        "config": "runtime:\n  egress_restrictions:\n    ip_allow_list: [nope]\n",
        "place": "t/truss_itself/config.yaml:3: error: Truss 0.18.35 refuses it: "
        "`runtime.egress_restrictions.ip_allow_list`: Invalid IP or CIDR 'nope'",
        "rule": "config-schema",
        "is_fatal": True,
    },
    "git_name": {
        "files": {"data/é.txt": "x\n"},
        "place": "t/git_name/data/é.txt: warning: `--changed-since` does not see changes of "
        "'t/git_name/data/é.txt'",
        "rule": "git-name",
        "is_fatal": False,
    },
    "injection": {
        "config": 'base_image:\n  image: "python:3.11\\nRUN id"\n',
        "place": "t/injection/config.yaml:2: error: `base_image.image` is written into `FROM`",
        "rule": "injection",
        "is_fatal": True,
    },
    "large_file": {
        "files": {"model/weights.bin": "x" * 2000},
        "place": "t/large_file/model/weights.bin: warning: it has",
        "rule": "large-file",
        "is_fatal": False,
    },
    "missing_model": {
        "config": "model_class_filename: modle.py\n",
        "place": "t/missing_model/config.yaml:1: error: the truss has no model/modle.py, which the "
        "server loads the model from. It has model/model.py.",
        "rule": "model-class",
        "is_fatal": True,
    },
    "model_class": {
        "files": {"model/model.py": "\n\nclass Model:\n    def preditc(self, x):\n        pass\n"},
        "place": "t/model_class/model/model.py:3: error: the class `Model` has no method `predict`",
        "rule": "model-class",
        "is_fatal": True,
    },
    "nested_truss": {
        "files": {
            "inner/config.yaml": "model_name: inner\n",
            "inner/model/model.py": MODEL,
        },
        "place": "t/nested_truss/inner/config.yaml: warning: it is the config of a truss of its "
        "own, and t/nested_truss:nested_truss holds its files too",
        "rule": "nested-truss",
        "is_fatal": False,
    },
    "pin_without_index": {
        "config": "requirements: [acme-kit]\n",
        "files": {
            "BUILD": 'truss(requirements="lockfile", resolve="acme")\n'
            'python_sources(name="src", sources=["**/*.py"], resolve="acme")\n'
        },
        "place": "t/pin_without_index/config.yaml: warning: the lockfile acme.lock (resolve acme) "
        "has acme-kit==1.0 from https://index.acme.example, but an image asks PyPI for it",
        "rule": "pin-without-index",
        "is_fatal": False,
    },
    "requirement_not_in_image": {
        "config": "requirements_file: requirements.txt\n",
        "files": {"requirements.txt": "-r base.txt\n", "base.txt": "rich\n"},
        "place": "t/requirement_not_in_image/requirements.txt:1: error: '-r base.txt' reads "
        "'base.txt', which is not in the image: ",
        "rule": "requirement-not-in-image",
        "is_fatal": True,
    },
    "invalid_requirement": {
        "config": "requirements: ['torch = 2.0']\n",
        "place": "t/invalid_requirement/config.yaml: error: 'torch = 2.0' is not a requirement",
        "rule": "invalid-requirement",
        "is_fatal": True,
    },
    "no_target": {
        "files": {"BUILD": "# Nothing.\n"},
        "place": "t/no_target/config.yaml: warning: this truss has no target",
        "rule": "no-target",
        "is_fatal": False,
        # A tool of its own reports it.
        "heading": "t/no_target",
    },
    "secret": {
        "files": {"packages/keys.py": "\nAWS = 'AKIA" + "QZ2WRT7YPL3KJHGF'\n"},
        "place": "t/secret/packages/keys.py:2: error: it holds an AWS",
        "rule": "secret",
        "is_fatal": True,
    },
    "secret_value": {
        "config": "secrets:\n  token: hunter22\n",
        "place": "t/secret_value/config.yaml:2: error: `secrets.token` has a value",
        "rule": "secret",
        "is_fatal": True,
    },
    "shadowed": {
        "files": {"packages/yaml.py": ""},
        "place": "t/shadowed/packages/yaml.py: error: the bundled module `yaml`",
        "rule": "shadowed-by-server",
        "is_fatal": False,
    },
    "dropped": {
        "files": {
            ".truss_ignore": "packages/needed.py\n",
            "packages/needed.py": "",
            "model/model.py": "import needed\n\n\n" + MODEL,
        },
        "place": "t/dropped/packages/needed.py: error: it is imported by t/dropped/model/model.py, "
        "but t/dropped/.truss_ignore",
        "rule": "dropped-file",
        "is_fatal": True,
    },
    "missing_requirement": {
        "files": {"model/model.py": "import tomlkit\n\n\n" + MODEL},
        "place": "t/missing_requirement/config.yaml: error: t/missing_requirement/model/model.py "
        "imports `tomlkit`",
        "rule": "missing-requirement",
        "is_fatal": False,
    },
    "shadowed_by_requirement": {
        "config": "requirements: [more-itertools]\n",
        "files": {"packages/more_itertools.py": ""},
        "place": "t/shadowed_by_requirement/packages/more_itertools.py: error: "
        "the bundled module `more_itertools`",
        "rule": "shadowed-by-requirement",
        "is_fatal": False,
    },
    "unpinned": {
        "config": "requirements: ['https://example.com/kit-1.0.tar.gz']\n",
        "files": {"BUILD": 'truss(requirements="lockfile")\n' + SOURCES},
        "place": "t/unpinned/config.yaml: warning: https://example.com/kit-1.0.tar.gz does not say",
        "rule": "unpinned-requirement",
        "is_fatal": False,
    },
    "unowned": {
        "files": {"BUILD": "truss()\n"},
        "place": "t/unowned/model/model.py: warning: no target owns t/unowned/model/model.py",
        "rule": "unowned-python",
        "is_fatal": False,
    },
    "unresolved": {
        "files": {
            "model/model.py": "import kit.near\nimport kit.gone\n\n\n" + MODEL,
            "packages/kit/near.py": "",
        },
        "place": "t/unresolved/model/model.py:2: error: it imports `kit.gone`, and the gathered truss",
        "rule": "unresolved-import",
        "is_fatal": False,
    },
    "unresolved_own": {
        "files": {
            "model/model.py": "from helpers.text import clean\n\n\n" + MODEL,
            "helpers/text.py": "def clean(x): ...\n",
        },
        "place": "t/unresolved_own/model/model.py:1: error: it imports `helpers.text`, which is "
        "t/unresolved_own/helpers/text.py, and an image does not have it",
        "rule": "unresolved-import",
        "is_fatal": False,
    },
    "unreadable": {
        "config": "external_package_dirs: [../nowhere]\n",
        "place": "t/unreadable/config.yaml:1: error: "
        "`external_package_dirs` entry '../nowhere' means the folder t/nowhere, which does not",
        "rule": "cannot-gather",
        "is_fatal": True,
    },
}


ACME_LOCK = """\
version = 1

[[package]]
name = "acme-kit"
version = "1.0"
source = { registry = "https://index.acme.example/simple" }
"""


def heading(name: str) -> str:
    return str(WRONG[name].get("heading", f"t/{name}:{name}"))


def write_truss(repo: Monorepo, folder: str, config: str, files: Dict[str, str]) -> None:
    defaults = {
        "BUILD": "truss()\n" + SOURCES,
        "config.yaml": config,
    }
    repo.write_all({f"{folder}/{path}": text for path, text in {**defaults, **files}.items()})


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monorepo]:
    base = tmp_path_factory.mktemp("lint")
    repo = Monorepo(base / "repo", base / "machine", shares_store=True)
    toml = PYTHON_TOML.format(roots='"/t/*", "/t/*/packages", "/shared", "/good/*"')
    toml = toml.replace("[python]", "[python]\nenable_resolves = true")
    toml += '[python.resolves]\npython-default = "lock.txt"\nacme = "acme.lock"\n'
    repo.write("acme.lock", ACME_LOCK)
    repo.write("lock.txt", "tomlkit==0.13.2\n")
    repo.write("BUILD", 'python_requirement(name="tomlkit", requirements=["tomlkit"])\n')
    repo.configure("pants.backend.python", toml=toml, silent_rules=())
    repo.package("shared", {"one.py": "x = 1\n"})
    repo.write("shared/BUILD", "truss_external_package()\npython_sources(name='src')\n")
    for name, case in WRONG.items():
        files = {"model/model.py": MODEL, **case.get("files", {})}
        write_truss(repo, f"t/{name}", case.get("config", "model_name: x\n"), files)
    for good in REALISTIC:
        has_python = any(path.endswith(".py") for path in good.files)
        build = {} if has_python else {"BUILD": "truss()\n"}
        write_truss(repo, f"good/{good.name}", good.config, {**good.files, **build})
    yield repo
    repo.stop_daemon()


@pytest.fixture(scope="module")
def report(repo: Monorepo) -> str:
    options = ["--truss-lint-large-file-bytes=1000", "--truss-lint-report=truss.sarif"]
    return repo.pants(*options, "lint", "t::").assert_failure().stderr


@pytest.mark.parametrize("name", WRONG)
def test_a_finding_has_its_place(name: str, report: str) -> None:
    case = WRONG[name]
    block = report.split(f"\n{heading(name)}\n", 1)[1].split("\n\n", 1)[0]
    (line,) = block.splitlines()
    assert line.startswith(f"  {case['place']}")
    assert line.endswith(f" [{case['rule']}]")


def example(name: str, report: str) -> str:
    """Returns a faulty truss and its finding, as the page shows them."""
    case = WRONG[name]
    files = {"config.yaml": case["config"]} if "config" in case else {}
    files.update(case.get("files", {}))
    lines = []
    for path, text in files.items():
        long = len(text) > 1000
        lines += [f"# {path}", *([f"({len(text)} bytes)"] if long else text.split("\n")[:-1])]
    said = report.split(f"\n{heading(name)}\n", 1)[1].splitlines()[0].strip()
    return "```text\n" + "\n".join(lines) + f"\n```\n\n> {said.partition(' [')[0]}\n"


def test_the_page_of_rules(report: str) -> None:
    """docs/lint-rules.md has all rules, as they say of themselves, each with an example."""
    parts = []
    for rule in RULES:
        name = next(
            name
            for name, case in WRONG.items()
            # Not the one with a key in it that looks like a real one.
            if case["rule"] == rule.name and name != "secret"
        )
        kind = f"{rule.severity.value}, fatal" if rule.is_fatal else rule.severity.value
        parts += [f"## `{rule.name}`\n", f"{rule.summary} ({kind})\n", f"{rule.help}\n"]
        parts.append(example(name, report))
    made = "\n".join(parts)
    page = Path("docs/lint-rules.md").read_text(encoding="utf-8")
    assert page.partition("\n## ")[2] == made.partition("## ")[2], made


def test_the_summary_and_no_confidential_value(report: str) -> None:
    targeted = [case for case in WRONG.values() if "heading" not in case]
    errors = sum(": error: " in case["place"] for case in targeted)
    warnings = len(targeted) - errors
    summary = f"{errors} errors and {warnings} warnings in {len(targeted)} of {len(targeted)}"
    assert errors > 10 and f"{summary} trusses." in report
    assert "✕ truss failed." in report
    assert "hunter22" not in report and "QZ2WRT7" not in report


def test_sarif_by_its_schema(repo: Monorepo, report: str) -> None:
    assert "Wrote lint report files to dist/lint/truss." in report
    log = json.loads(repo.dist("lint/truss/truss.sarif").read_text())
    schema = json.loads(Path("tests/sarif/sarif-2.1.0.json").read_text())
    jsonschema.Draft7Validator(schema).validate(log)
    results = log["runs"][0]["results"]
    assert {result["ruleId"] for result in results} == {
        case["rule"] for case in WRONG.values() if "heading" not in case
    }
    for result in results:
        location = result["locations"][0]["physicalLocation"]
        assert (repo.root / unquote(location["artifactLocation"]["uri"])).exists()
        assert result["message"]["text"] in report
    assert "hunter22" not in str(log)


@pytest.mark.parametrize("name", WRONG)
def test_check_and_package_say_the_same(name: str, repo: Monorepo, report: str) -> None:
    block = report.split(f"\n{heading(name)}\n", 1)[1].split("\n\n", 1)[0]
    words = block.strip().split(": error: ", 1)[-1].partition(" [")[0]
    check = repo.pants("--truss-lint-large-file-bytes=1000", "check", "--only=truss", f"t/{name}")
    option = "--truss-lint-validate-with-truss=package"
    package = repo.pants(option, "package", f"t/{name}")
    if not WRONG[name]["is_fatal"]:
        assert check.exit_code == package.exit_code == 0
        return
    assert words in check.assert_failure().stderr
    assert words in package.assert_failure().stderr
    assert not repo.dist(f"t.{name}").exists()


def test_package_does_not_need_the_tool(repo: Monorepo) -> None:
    repo.pants("package", "t/truss_itself").assert_success()


def test_a_silent_warning_hides_no_error(repo: Monorepo) -> None:
    config = "python_version: py39\nmodel_cache: []\nresourcs: {}\n"
    write_truss(repo, "t/both", config, {"model/model.py": MODEL})
    run = repo.pants("--truss-lint-disable=['deprecated']", "lint", "t/both").assert_failure()
    assert "unknown key `resourcs`" in run.stderr and "deprecated" not in run.stderr


def test_silencing(repo: Monorepo) -> None:
    disable = "--truss-lint-disable=['model-class', 'collision', 'secret']"
    names = ["t/model_class", "t/collision", "t/secret", "t/secret_value"]
    run = repo.pants(disable, "lint", "check", *names).assert_success()
    assert run.stderr.count("Nothing found in 4 trusses.") == 2
    repo.pants(disable, "package", *names).assert_success()
    severity = "--truss-lint-severity={'model-class': 'warning', 'large-file': 'error'}"
    repo.pants(severity, "lint", "check", "t/model_class").assert_success()
    limit = "--truss-lint-large-file-bytes=1000"
    repo.pants(severity, limit, "lint", "t/large_file").assert_failure()
    run = repo.pants("--truss-lint-skip", "lint", "check", "t::").assert_success()
    bad = repo.pants("--truss-lint-disable=nope", "lint", "t/secret").assert_failure()
    assert "`[truss-lint]` is not valid: 'nope' is not a rule. Rules: " in bad.stderr


@pytest.mark.parametrize("path", ["../../x.sarif", "/tmp/x.sarif", "."])
def test_a_report_stays_where_reports_are(path: str, repo: Monorepo) -> None:
    run = repo.pants(f"--truss-lint-report={path}", "lint", "t/secret").assert_failure()
    assert f"`[truss-lint].report` is '{path}', but must be the name of a file" in run.stderr


def test_a_file_that_pants_cannot_parse(repo: Monorepo) -> None:
    source = b"# coding: latin-1\n# \xe9\n" + MODEL.encode()
    write_truss(repo, "good/latin", "model_name: x\n", {})
    repo.write("good/latin/model/model.py", source)
    run = repo.pants("lint", "good/latin", "t/secret").assert_failure()
    assert "good/latin/config.yaml: error: Pants fails on it: " in run.stderr
    assert "[secret]" in run.stderr
    shutil.rmtree(repo.root / "good/latin")


def test_skipping_a_target(repo: Monorepo) -> None:
    write_truss(repo, "skipped/a", "x: 1\n", {"BUILD": "truss(skip_truss_lint=True)\n"})
    repo.pants("lint", "check", "skipped::").assert_success()
    run = repo.pants("package", "skipped::").assert_failure()
    assert "unknown key `x`" in run.stderr


def test_realistic_trusses_are_clean(repo: Monorepo) -> None:
    # One has a name with a letter that git quotes: the one warning that is right.
    option = "--truss-lint-disable=git-name"
    run = repo.pants(option, "lint", "check", "good::").assert_success()
    assert run.stderr.count(f"Nothing found in {len(REALISTIC)} trusses.") == 2
    assert len(REALISTIC) >= 25


def test_realistic_trusses_pass_a_pushs_checks(repo: Monorepo, truss: TrussLibrary) -> None:
    paths = [str(repo.root / "good" / case.name / "config.yaml") for case in REALISTIC]
    assert truss.values([("validate", path) for path in paths]) == ["valid"] * len(paths)


@pytest.mark.parametrize("case", DEPRECATED, ids=lambda case: case.name)
def test_what_is_deprecated_is_a_warning(case: Any, repo: Monorepo) -> None:
    write_truss(repo, f"good/{case.name}", case.config, case.files)
    run = repo.pants("lint", f"good/{case.name}").assert_success()
    assert "1 warning in 1 of 1 truss." in run.stderr and "is deprecated" in run.stderr


# The work units of lint for one truss. The last one runs Truss itself.
WORK = (
    "plan_truss",
    "find_blocking_findings",
    "scan_for_secrets",
    "lint_truss",
    "run_local_process",
)


def test_one_config_changed_one_truss_linted(tmp_path: Path) -> None:
    repo = Monorepo(tmp_path / "repo", tmp_path / "machine")
    repo.log_work_units("pants.backend.python", toml=PYTHON_TOML.format(roots='"/t/*"'))
    for name in ("a", "b", "c"):
        write_truss(repo, f"t/{name}", f"model_name: {name}\n", {"model/model.py": MODEL})
    repo.pants("lint", "::").assert_success()
    _, units = repo.pants_with_work_units("lint", "::")
    assert not any(units[name] for name in WORK)
    repo.write("t/b/config.yaml", "model_name: other\n")
    run, units = repo.pants_with_work_units("lint", "::")
    run.assert_success()
    assert {name: units[name] for name in WORK} == dict.fromkeys(WORK, 1)
    repo.stop_daemon()


def test_many_findings_of_one_config(repo: Monorepo) -> None:
    config = "a: 1\nmodel_name: 4\nresources: {cpu: four}\nweights: [{source: x}]\n"
    write_truss(repo, "good/many", config, {"model/model.py": MODEL})
    run = repo.pants("package", "good/many").assert_failure()
    lines: List[str] = [line for line in run.stderr.splitlines() if "[config-schema]" in line]
    assert [line.split(": ")[0] for line in lines] == [
        f"good/many/config.yaml:{line}" for line in (1, 2, 3, 4, 4)
    ]


@pytest.mark.parametrize("goal", ["package", "lint", "check"])
@pytest.mark.parametrize(
    "bad", ["python_version: py38\n", "x: [\n", "external_package_dirs: [../nowhere]\n"]
)
def test_a_fixed_truss_passes_again(goal: str, bad: str, repo: Monorepo) -> None:
    """With a daemon, and though the good content was seen before."""
    good = "python_version: py311\n"
    write_truss(repo, "good/fixed", good, {"model/model.py": MODEL})
    off = "--truss-lint-validate-with-truss=off"
    repo.pants(off, goal, "good/fixed").assert_success()
    for _ in range(2):
        repo.write("good/fixed/config.yaml", bad)
        time.sleep(0.5)  # Let the daemon notice.
        repo.pants(off, goal, "good/fixed").assert_failure()
        repo.write("good/fixed/config.yaml", good)
        time.sleep(0.5)
        repo.pants(off, goal, "good/fixed").assert_success()
