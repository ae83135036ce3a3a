"""Which external packages a truss uses, and what is said where they cannot be found."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Tuple

import pytest
from pants.core.target_types import GenericTarget
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.engine.internals.scheduler import ExecutionError
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.dependency_inference import truss as inference
from pants_truss.gather import gather
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.sources.external_packages import (
    ConfiguredPackages,
    ExternalPackages,
    ExternalPackagesInFolder,
    ExternalPackagesInFolderRequest,
    ExternalPackagesRequest,
)
from pants_truss.target_types.truss import (
    TrussConfigField,
    TrussDependenciesField,
    TrussExternalPackageTarget,
    TrussTarget,
)
from pants_truss.testutil.results import raised


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *gather.rules(),
            *inference.rules(),
            QueryRule(ConfiguredPackages, [ExternalPackagesRequest]),
            QueryRule(ExternalPackages, [ExternalPackagesRequest]),
            QueryRule(ExternalPackagesInFolder, [ExternalPackagesInFolderRequest]),
        ],
        target_types=[GenericTarget, TrussExternalPackageTarget, TrussTarget],
    )


PACKAGE = "truss_external_package()"


def case(
    rule_runner: RuleRunner,
    root: str,
    config: str,
    files: Dict[str, str],
    truss: str = "truss()",
) -> ExternalPackagesRequest:
    """A truss in `<root>/truss`."""
    all_files = {"truss/BUILD": truss, "truss/config.yaml": config, **files}
    rule_runner.write_files({f"{root}/{path}": text for path, text in all_files.items()})
    target = rule_runner.get_target(Address(f"{root}/truss"))
    return ExternalPackagesRequest(target[TrussConfigField], target[TrussDependenciesField])


def configured(rule_runner: RuleRunner, request: ExternalPackagesRequest) -> List[str]:
    found = rule_runner.request(ConfiguredPackages, [request])
    return [address.spec for address in found.addresses]


def all_packages(
    rule_runner: RuleRunner, request: ExternalPackagesRequest
) -> List[Tuple[str, bool]]:
    found = rule_runner.request(ExternalPackages, [request])
    return [(package.sources.address.spec, package.is_configured) for package in found.packages]


def error(rule_runner: RuleRunner, request: ExternalPackagesRequest) -> InvalidTruss:
    with pytest.raises(ExecutionError) as caught:
        rule_runner.request(ExternalPackages, [request])
    found = raised(caught)
    assert isinstance(found, InvalidTruss)
    return found


# --- Packages that are found.


def test_they_come_in_the_order_of_the_config_each_once(
    rule_runner: RuleRunner,
) -> None:
    config = "external_package_dirs: [../b, ../a/, ./../b, ../truss/../a, inner, '../é x']\n"
    files = {f"{name}/BUILD": PACKAGE for name in ("a", "b", "truss/inner", "é x")}
    request = case(rule_runner, "order", config, files)
    assert configured(rule_runner, request) == [
        "order/b:b",
        "order/a:a",
        "order/truss/inner:inner",
        "order/é x:é x",
    ]


def test_an_absolute_path_inside_the_build_root(rule_runner: RuleRunner) -> None:
    folder = f"{rule_runner.build_root}/absolute/a"
    request = case(
        rule_runner,
        "absolute",
        f"external_package_dirs: ['{folder}']\n",
        {"a/BUILD": PACKAGE},
    )
    assert configured(rule_runner, request) == ["absolute/a:a"]


def test_a_link_is_the_folder_behind_it(rule_runner: RuleRunner) -> None:
    request = case(
        rule_runner,
        "link",
        "external_package_dirs: [../to, ../real]\n",
        {"real/BUILD": PACKAGE},
    )
    Path(rule_runner.build_root, "link/to").symlink_to("real")
    assert configured(rule_runner, request) == ["link/real:real"]


@pytest.mark.parametrize("config", ["", "external_package_dirs: []\n", "model_name: x\n"])
def test_a_config_without_packages(rule_runner: RuleRunner, config: str) -> None:
    request = case(rule_runner, "without", config, {"a/BUILD": PACKAGE})
    assert configured(rule_runner, request) == []
    assert all_packages(rule_runner, request) == []


def test_other_targets_in_the_folder_do_not_matter(rule_runner: RuleRunner) -> None:
    files = {
        "a/BUILD": "target(name='a')\ntruss_external_package(name='p')",
        "a/b/BUILD": "truss_external_package()",
    }
    request = case(rule_runner, "beside", "external_package_dirs: [../a]\n", files)
    assert configured(rule_runner, request) == ["beside/a:p"]


def test_configured_ones_come_first_then_named_ones_then_theirs(
    rule_runner: RuleRunner,
) -> None:
    files = {
        "z/BUILD": "truss_external_package(dependencies=['deep/d', 'deep/other'])",
        "y/BUILD": "truss_external_package(dependencies=['deep/c', 'deep/z'])",
        "x/BUILD": PACKAGE,
        "c/BUILD": "truss_external_package(dependencies=['deep/e'])",
        "d/BUILD": "truss_external_package(dependencies=['deep/d2'])",
        "d2/BUILD": "truss_external_package(dependencies=['deep/y'])",
        "e/BUILD": PACKAGE,
        # Packages are not looked for behind other targets.
        "other/BUILD": "target(dependencies=['deep/hidden'])",
        "hidden/BUILD": PACKAGE,
    }
    truss = "truss(dependencies=['deep/y', 'deep/x', 'deep/other'])"
    request = case(rule_runner, "deep", "external_package_dirs: [../z]\n", files, truss)
    assert all_packages(rule_runner, request) == [
        ("deep/z:z", True),
        ("deep/x:x", False),
        ("deep/y:y", False),
        ("deep/c:c", False),
        ("deep/d:d", False),
        ("deep/d2:d2", False),
        ("deep/e:e", False),
    ]


# --- Several targets in one folder.

TWO = "truss_external_package(name='one')\ntruss_external_package(name='two', sources=['x'])"


@pytest.mark.parametrize(
    ("name", "dependencies", "expected"),
    [
        ("chosen", "['several_chosen/a:two']", ["several_chosen/a:two"]),
        ("excluded", "['!several_excluded/a:one']", ["several_excluded/a:two"]),
        (
            "both",
            "['several_both/a:two', 'several_both/a:one']",
            ["several_both/a:one", "several_both/a:two"],
        ),
    ],
)
def test_dependencies_decide_between_several(
    rule_runner: RuleRunner, name: str, dependencies: str, expected: List[str]
) -> None:
    request = case(
        rule_runner,
        f"several_{name}",
        "external_package_dirs: [../a]\n",
        {"a/BUILD": TWO},
        f"truss(dependencies={dependencies})",
    )
    assert configured(rule_runner, request) == expected


def test_several_that_nothing_decides_between(rule_runner: RuleRunner) -> None:
    request = case(rule_runner, "unclear", "external_package_dirs:\n  - ../a\n", {"a/BUILD": TWO})
    assert str(error(rule_runner, request)) == (
        "unclear/truss:truss (unclear/truss/config.yaml:2): "
        "`external_package_dirs` entry '../a' could mean several targets:\n"
        "  * unclear/a:one\n"
        "  * unclear/a:two\n"
        "List the one you mean in the truss's `dependencies`, or exclude the others with `!`: "
        '`dependencies=["unclear/a:one"]`.'
    )


def test_all_of_several_are_excluded(rule_runner: RuleRunner) -> None:
    truss = "truss(dependencies=['!none_left/a:one', '!none_left/a:two'])"
    request = case(
        rule_runner,
        "none_left",
        "external_package_dirs: [../a]\n",
        {"a/BUILD": TWO},
        truss,
    )
    assert "could mean several targets:" in str(error(rule_runner, request))


# --- Packages that are not found.


@pytest.mark.parametrize(
    ("name", "entry", "files", "expected"),
    [
        (
            "untargeted",
            "../a",
            {"a/x.py": ""},
            "'../a' means the folder untargeted/a, which has no `truss_external_package` target. "
            "Run `pants tailor untargeted/a`, or write this line into untargeted/a/BUILD:\n\n"
            "    truss_external_package()\n",
        ),
        (
            "taken",
            "../a",
            {"a/BUILD": "target(name='a')"},
            "'../a' means the folder taken/a, which has no `truss_external_package` target. Run "
            "`pants tailor taken/a`, or write this line into taken/a/BUILD:\n\n"
            '    truss_external_package(name="truss_external_package")\n',
        ),
        (
            "file",
            "../a/x.py",
            {"a/x.py": ""},
            "'../a/x.py' is a file, file/a/x.py. Name the folder that holds it: the contents of a "
            "folder become importable.",
        ),
        (
            "typo",
            "../shraed",
            {"shared/x.py": "", "zzz/x.py": ""},
            "'../shraed' means the folder typo/shraed, which does not exist, or which Pants "
            "ignores (`[GLOBAL].pants_ignore` or git). Did you mean `../shared`?",
        ),
        (
            "absent",
            "../nowhere",
            {"shared/x.py": ""},
            "'../nowhere' means the folder absent/nowhere, which does not exist, or which Pants "
            "ignores (`[GLOBAL].pants_ignore` or git). The path is relative to the truss.",
        ),
        (
            "itself",
            ".",
            {},
            "'.' is the truss itself. Remove the entry.",
        ),
        (
            "around",
            "..",
            {},
            "'..' is the folder 'around', which holds the truss itself. Name only the folder of "
            "shared code, such as `../../shared/my_package`.",
        ),
        (
            "home",
            "~/shared",
            {},
            "'~/shared' begins with `~`, which Truss does not expand. Write a path relative to the "
            "truss, such as `../../shared/my_package`.",
        ),
    ],
)
def test_an_entry_that_means_no_package(
    rule_runner: RuleRunner, name: str, entry: str, files: Dict[str, str], expected: str
) -> None:
    config = f"# A comment.\nexternal_package_dirs: ['{entry}']\n"
    found = error(rule_runner, case(rule_runner, name, config, files))
    message = f"`external_package_dirs` entry {expected}"
    assert found.what == f"{name}/truss/config.yaml:2: {message}"
    (finding,) = found.findings
    assert (finding.rule, finding.line, finding.column) == ("cannot-gather", 2, 25)
    assert (finding.path, finding.message) == (f"{name}/truss/config.yaml", message)


def test_the_entry_that_is_wrong_is_the_one_told(rule_runner: RuleRunner) -> None:
    config = "external_package_dirs:\n- ../good\n\n- ../bad\n"
    found = error(rule_runner, case(rule_runner, "second", config, {"good/BUILD": PACKAGE}))
    assert found.what.startswith("second/truss/config.yaml:4: `external_package_dirs` entry '../ba")


def test_the_truss_itself_is_never_what_may_be_meant(rule_runner: RuleRunner) -> None:
    request = case(rule_runner, "near", "external_package_dirs: [../truss_]\n", {})
    assert error(rule_runner, request).what.endswith("The path is relative to the truss.")


def test_an_entry_outside_the_build_root(rule_runner: RuleRunner) -> None:
    request = case(rule_runner, "outside", "external_package_dirs: [../../../x]\n", {})
    folder = str(Path(rule_runner.build_root).parent / "x")
    assert error(rule_runner, request).what == (
        "outside/truss/config.yaml:1: `external_package_dirs` entry '../../../x' lies outside the "
        f"build root ({folder}). Move the folder into the repository and write its path relative "
        "to the truss."
    )


def test_a_link_that_leaves_the_build_root(rule_runner: RuleRunner, tmp_path: Path) -> None:
    request = case(rule_runner, "leaves", "external_package_dirs: [../out]\n", {})
    Path(rule_runner.build_root, "leaves/out").symlink_to(tmp_path)
    assert error(rule_runner, request).what == (
        "leaves/truss/config.yaml:1: `external_package_dirs` entry '../out' is a symlink that "
        "leaves the build root. Move what it points to into the repository."
    )


@pytest.mark.parametrize(
    "name, target, what",
    [
        ("root", "..", "is the folder '.', which holds the truss itself"),
        ("around", ".", "is the folder 'link_around', which holds the truss itself"),
        ("itself", "truss", "is the truss itself"),
    ],
)
def test_a_link_that_leads_to_the_truss(
    rule_runner: RuleRunner, name: str, target: str, what: str
) -> None:
    request = case(rule_runner, f"link_{name}", "external_package_dirs: [../out]\n", {})
    Path(rule_runner.build_root, f"link_{name}/out").symlink_to(target)
    assert error(rule_runner, request).what.startswith(
        f"link_{name}/truss/config.yaml:1: `external_package_dirs` entry '../out' {what}"
    )


def test_a_package_that_config_and_target_contradict_about(
    rule_runner: RuleRunner,
) -> None:
    config = "external_package_dirs: [../a, ../b]\n"
    files = {"a/BUILD": PACKAGE, "b/BUILD": PACKAGE}
    truss = "truss(dependencies=['!excluding/b', '!excluding/a'])"
    request = case(rule_runner, "excluding", config, files, truss)
    assert error(rule_runner, request).what == (
        "its `dependencies` exclude excluding/a:a with `!`, but its config names that folder in "
        "`external_package_dirs`. Remove one of the two."
    )
    request = case(rule_runner, "excluding", config, files, "truss()")
    assert all_packages(rule_runner, request) == [
        ("excluding/a:a", True),
        ("excluding/b:b", True),
    ]


@pytest.mark.parametrize(
    ("build", "addresses", "free_name"),
    [
        (PACKAGE, ["folder:folder"], "truss_external_package"),
        ("target()", [], "truss_external_package"),
        ("truss_external_package(name='x')", ["folder:x"], ""),
        ("", [], ""),
    ],
)
def test_a_name_that_is_free(
    rule_runner: RuleRunner, build: str, addresses: List[str], free_name: str
) -> None:
    rule_runner.write_files({"folder/BUILD": build})
    found = rule_runner.request(
        ExternalPackagesInFolder, [ExternalPackagesInFolderRequest("folder")]
    )
    assert [address.spec for address in found.addresses] == addresses
    assert found.free_name == free_name
