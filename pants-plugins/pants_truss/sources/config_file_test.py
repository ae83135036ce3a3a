from __future__ import annotations

from pathlib import Path
from typing import List

import pytest
from pants.engine.addresses import Address
from pants.engine.internals.scheduler import ExecutionError
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.core.errors import TrussError
from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.sources import config_file
from pants_truss.sources.config_file import InvalidTruss, ReadTrussConfigRequest, TrussConfigFile
from pants_truss.target_types.truss import TrussConfigField
from pants_truss.testutil.results import raised

ADDRESS = Address("src/t", target_name="prod")


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *config_file.rules(),
            QueryRule(TrussConfigFile, [ReadTrussConfigRequest]),
        ]
    )


def read(rule_runner: RuleRunner, folder: str, config: str = "config.yaml") -> TrussConfigFile:
    field = TrussConfigField(config, Address(folder, target_name="t"))
    return rule_runner.request(TrussConfigFile, [ReadTrussConfigRequest(field)])


def error(rule_runner: RuleRunner, folder: str, config: str = "config.yaml") -> InvalidTruss:
    with pytest.raises(ExecutionError) as caught:
        read(rule_runner, folder, config)
    found = raised(caught)
    assert isinstance(found, InvalidTruss)
    return found


# --- The error.


def test_an_error_names_the_target_and_keeps_what_is_wrong() -> None:
    found = InvalidTruss.of(ADDRESS, "its x is y.")
    assert str(found) == "src/t:prod: its x is y."
    assert (found.what, found.findings) == ("its x is y.", ())


def test_several_lines_begin_below_the_target() -> None:
    findings = [
        Finding("config-schema", "src/t/config.yaml", "it is bad.", line=3, column=1),
        Finding("cannot-gather", "src/t", "it is worse.", Severity.WARNING),
    ]
    found = InvalidTruss.found(ADDRESS, findings)
    assert str(found) == (
        "src/t:prod:\n"
        "src/t/config.yaml:3: it is bad. [config-schema]\n"
        "src/t: it is worse. [cannot-gather]\n"
        "To silence a rule, add it to `[truss-lint].disable`."
    )
    assert found.findings == tuple(findings)
    one = InvalidTruss.found(ADDRESS, findings[1:])
    assert str(one) == ("src/t:prod (src/t): it is worse. [cannot-gather]")
    assert one.what == "src/t: it is worse. [cannot-gather]"


def test_an_error_of_another_kind_is_shown_by_its_text() -> None:
    found = InvalidTruss.of(ADDRESS, ValueError("é"))
    assert (str(found), found.what) == (
        "src/t:prod: é",
        "é",
    )


# --- Reading.


@pytest.mark.parametrize(
    ("folder", "config"),
    [
        ("plain", "config.yaml"),
        ("", "config.yaml"),
        ("deep/er", "conf/prod.yaml"),
        ("é [x]* ?", "a [b]*.yaml"),
    ],
)
def test_the_config_is_read_from_beside_the_build_file(
    rule_runner: RuleRunner, folder: str, config: str
) -> None:
    path = f"{folder}/{config}" if folder else config
    content = "model_name: é\nmodel_class_name: M\n".encode()
    rule_runner.write_files({path: content, "e [xx]/ab.yaml": "model_class_name: Other\n"})
    found = read(rule_runner, folder, config)
    assert (found.path, found.content) == (path, content)
    assert found.config.model_class_name == "M"


def test_a_linked_config(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"linked/base.yaml": "model_class_name: Base\n"})
    Path(rule_runner.build_root, "linked/config.yaml").symlink_to("base.yaml")
    found = read(rule_runner, "linked")
    assert (found.path, found.config.model_class_name) == ("linked/config.yaml", "Base")


def test_a_config_that_changes_is_read_again(rule_runner: RuleRunner) -> None:
    for name in ("One", "Two"):
        rule_runner.write_files({"edited/config.yaml": f"model_class_name: {name}\n"})
        assert read(rule_runner, "edited").config.model_class_name == name


@pytest.mark.parametrize(
    ("name", "files", "config", "hint"),
    [
        (
            "none",
            [],
            "config.yaml",
            "A truss needs one next to its BUILD file; `truss init` ",
        ),
        (
            "yml",
            ["config.yml", "a.yaml"],
            "config.yaml",
            "Rename config.yml to config.yaml.",
        ),
        (
            "others",
            ["b.yaml", "a.yml", "sub/c.yaml", "x.json"],
            "config.yaml",
            "The folder has a.yml, b.yaml: set `config` to one of them.",
        ),
        # That name is only meant where the default is asked for.
        (
            "yml_other",
            ["config.yml"],
            "prod.yaml",
            "The folder has config.yml: set `config` to one of them.",
        ),
        (
            "in_folder",
            ["config.yml"],
            "conf/config.yaml",
            "Rename config.yml to config.yaml.",
        ),
        (
            "é [x]*",
            ["z.yaml"],
            "config.yaml",
            "The folder has z.yaml: set `config` to one of ",
        ),
    ],
)
def test_a_missing_config_is_reported_with_what_is_there(
    rule_runner: RuleRunner, name: str, files: List[str], config: str, hint: str
) -> None:
    folder = f"missing/{name}"
    rule_runner.write_files({f"{folder}/{file}": "" for file in [*files, "keep"]})
    found = error(rule_runner, folder, config)
    assert found.what.startswith(f"its config {folder}/{config} does not exist. {hint}")
    assert found.findings == ()


def test_a_config_that_is_a_folder_does_not_exist(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"folder/config.yaml/x": ""})
    assert error(rule_runner, "folder").what == (
        "its config folder/config.yaml does not exist. A truss needs one next to its BUILD file; "
        "`truss init` makes it."
    )


def test_all_that_is_wrong_is_reported_and_not_only_the_first(
    rule_runner: RuleRunner,
) -> None:
    rule_runner.write_files(
        {"wrong/config.yaml": ("external_package_dirs: shared\nresourcs: {}\nrequirements: [1]\n")}
    )
    found = error(rule_runner, "wrong")
    assert sorted((finding.rule, finding.line) for finding in found.findings) == [
        ("config-schema", 1),
        ("config-schema", 2),
        ("config-schema", 3),
    ]
    lines = str(found).splitlines()
    assert lines[0] == "wrong:t:"
    assert sorted(line.partition(": ")[0] for line in lines[1:-1]) == [
        f"wrong/config.yaml:{number}" for number in (1, 2, 3)
    ]
    assert lines[-1] == "To silence a rule, add it to `[truss-lint].disable`."


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        b"a: [",
        b"- a\n- b\n",
        b"a: &a [*a]",
        b"'just text'",
        b"a: b: c",
        b"\t",
        b"a: 1\na: [\n",
        b"!!python/object/apply:os.system ['exit 1']",
        b"{" * 2000,
    ],
)
def test_what_is_not_a_config_is_an_error_with_its_place(
    rule_runner: RuleRunner, content: bytes
) -> None:
    rule_runner.write_files({"hostile/config.yaml": content})
    found = error(rule_runner, "hostile")
    assert {finding.path for finding in found.findings} == {"hostile/config.yaml"}
    assert str(found).startswith("hostile:t (hostile/config.yaml")


@pytest.mark.parametrize(
    "content", [b"", b"# nothing\n", b"---\n", b"null\n", b"{}", b"\xef\xbb\xbf"]
)
def test_an_empty_config_has_the_defaults(rule_runner: RuleRunner, content: bytes) -> None:
    rule_runner.write_files({"empty/config.yaml": content})
    config = read(rule_runner, "empty").config
    assert (config.model_file, config.external_package_dirs) == ("model/model.py", ())


def test_an_error_holds_nothing_that_a_terminal_obeys() -> None:
    for what in ("a \x1b[31m\n::error::b", TrussError("a \x1b[31m\n::error::b")):
        found = InvalidTruss.of(ADDRESS, what)
        assert str(found).endswith(":prod: a \\x1b[31m\n\\::error::b")
