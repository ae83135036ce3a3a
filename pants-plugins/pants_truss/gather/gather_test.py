"""Random repositories, gathered by the rules and by a reference that is short enough to trust."""

from __future__ import annotations

import itertools
import posixpath
from pathlib import Path
from typing import Dict, List, Tuple

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.engine.fs import DigestContents
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.dependency_inference import truss as inference
from pants_truss.gather import gather
from pants_truss.gather.gather import GatheredTruss
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget

Files = Dict[str, str]
Tree = Dict[str, Tuple[str, bool]]


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *gather.rules(),
            *inference.rules(),
            QueryRule(GatheredTruss, [TrussFieldSet]),
        ],
        target_types=[TrussTarget, TrussExternalPackageTarget],
    )


def gather_truss(rule_runner: RuleRunner, folder: str) -> Tuple[GatheredTruss, Tree]:
    rule_runner.set_options(
        [
            "--truss-gather-package-collisions=warn",
            "--truss-lint-disable=['config-schema', 'model-class']",
        ]
    )
    target = rule_runner.get_target(Address(folder))
    gathered = rule_runner.request(GatheredTruss, [TrussFieldSet.create(target)])
    contents = rule_runner.request(DigestContents, [gathered.digest])
    return gathered, {f.path: (f.content.decode(), f.is_executable) for f in contents}


def test_trusses_share_what_is_kept_of_a_package(rule_runner: RuleRunner) -> None:
    """Pants keeps the answers of all rules: hundreds of trusses over the same code must not each
    keep a copy."""
    config = "external_package_dirs: [../many]\n"
    rule_runner.write_files(
        {
            "many/BUILD": "truss_external_package()",
            **{f"many/lib/m{number}.py": f"{number}" for number in range(50)},
            **{f"share_{name}/BUILD": "truss()" for name in "abc"},
            **{f"share_{name}/config.yaml": config for name in "abc"},
            # One file of the package has an equal in the truss: the package's comes later, and stays.
            "share_c/packages/lib/m7.py": "7",
        }
    )
    found = [gather_truss(rule_runner, f"share_{name}") for name in "abc"]
    shared = [{f.path: f for f in g.files if f.path.startswith("packages/")} for g, _ in found]
    assert [len(files) for files in shared] == [50, 50, 50]
    assert all(shared[0][path] is shared[1][path] is shared[2][path] for path in shared[0])
    assert [dict(g.packages) for g, _ in found] == [{"many": 50}] * 3
    assert all(tree["packages/lib/m7.py"] == ("7", False) for _, tree in found)


# --- Random repositories.

names = st.sampled_from(["a", "b.py", "lib", "packages", "config.yaml", "é x", "[q]", "build"])


def without_folders(files: Files) -> Files:
    """No path that another needs as a folder: a file system could not hold both."""
    return {p: c for p, c in files.items() if not any(q.startswith(p + "/") for q in files)}


trees = st.dictionaries(
    st.lists(names, min_size=1, max_size=3).map("/".join),
    st.sampled_from(["", "1", "2"]),
    max_size=5,
).map(without_folders)
packages = st.dictionaries(st.sampled_from(["one", "two", "deep/three"]), trees, max_size=3)
bundled_dirs = st.sampled_from(["packages", "vendor/py", "./lib/"])
comments = st.sampled_from(["", "  # why", "\n# [own: line]"])


@st.composite
def configs(draw: st.DrawFn, folders: List[str]) -> str:
    """A config that names the folders in a random order, style and place."""
    entries = [f"../{folder}" for folder in draw(st.permutations(folders))]
    entries += draw(st.lists(st.sampled_from(entries), max_size=1)) if entries else []
    if draw(st.booleans()):
        items = "".join(f"\n  - {entry}{draw(comments)}" for entry in entries)
        value = items or " []"
    else:
        value = " " + yaml.safe_dump(entries, default_flow_style=True, width=1000).strip()
    lines = [
        f"external_package_dirs:{value}",
        f"bundled_packages_dir: {draw(bundled_dirs)}",
        draw(
            st.sampled_from(
                [
                    "model_name: é  # name",
                    "description: |\n  external_package_dirs: [x]",
                ]
            )
        ),
    ]
    return "\n".join(draw(st.permutations(lines))) + draw(st.sampled_from(["", "\n", "\n# end\n"]))


@st.composite
def repositories(draw: st.DrawFn) -> Tuple[Files, Dict[str, Files], str]:
    folders = draw(packages)
    return draw(trees), folders, draw(configs(sorted(folders)))


def reference(own: Files, folders: Dict[str, Files], config: str) -> Files:
    data = yaml.safe_load(config)
    bundled = posixpath.normpath(data["bundled_packages_dir"])
    result = {**own, "config.yaml": config}
    for entry in dict.fromkeys(posixpath.normpath(e) for e in data["external_package_dirs"]):
        for path, content in folders[entry[len("../") :]].items():
            path = f"{bundled}/{path}"
            for other in [*result]:
                if (other + "/").startswith(path + "/") or path.startswith(other + "/"):
                    del result[other]
            result[path] = content
    return result


counter = itertools.count()


@given(repository=repositories())
@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_random_repositories(
    rule_runner: RuleRunner, repository: Tuple[Files, Dict[str, Files], str]
) -> None:
    own, folders, config = repository
    base = f"case{next(counter)}"
    own = {
        path: content for path, content in own.items() if path.partition("/")[0] != "config.yaml"
    }
    files = {f"{base}/truss/{path}": content for path, content in own.items()}
    for folder, package in folders.items():
        files |= {f"{base}/{folder}/{path}": content for path, content in package.items()}
        files[f"{base}/{folder}/BUILD"] = "truss_external_package()"
    files[f"{base}/truss/config.yaml"] = config
    files[f"{base}/truss/BUILD"] = "truss()"
    rule_runner.write_files(files)

    _, tree = gather_truss(rule_runner, f"{base}/truss")

    gathered = {path: content for path, (content, _) in tree.items() if path != ".truss_ignore"}
    expected = reference(own, folders, config)
    edited, original = yaml.safe_load(gathered["config.yaml"]), yaml.safe_load(config)
    assert edited == {**original, "external_package_dirs": []}
    assert {**gathered, "config.yaml": config} == expected


# --- Single behaviours of the rules.


def test_packages_that_only_dependencies_name_come_last_and_bring_theirs(
    rule_runner: RuleRunner,
) -> None:
    rule_runner.write_files(
        {
            "order/truss/BUILD": "truss(dependencies=['order/aaa', 'order/configured'])",
            "order/truss/config.yaml": "external_package_dirs: [../configured]\n",
            "order/configured/BUILD": "truss_external_package()",
            "order/configured/x.py": "configured",
            "order/aaa/BUILD": "truss_external_package(dependencies=['order/needed'])",
            "order/aaa/x.py": "aaa",
            "order/needed/BUILD": "truss_external_package(dependencies=['order/aaa'])",
            "order/needed/y.py": "needed",
        }
    )
    gathered, tree = gather_truss(rule_runner, "order/truss")
    assert tree["packages/x.py"][0] == "aaa"
    assert tree["packages/y.py"][0] == "needed"
    assert list(gathered.packages.items()) == [
        ("order/configured", 0),
        ("order/aaa", 1),
        ("order/needed", 1),
    ]


def test_build_files_never_land(rule_runner: RuleRunner) -> None:
    rule_runner.write_files(
        {
            "builds/truss/BUILD.pants": "truss()",
            "builds/truss/config.yaml": "external_package_dirs: [../ext]\n",
            "builds/truss/model/BUILD": "",
            "builds/ext/BUILD": "truss_external_package(sources=['**/*', 'BUILD'])",
            "builds/ext/BUILDING.md": "kept",
        }
    )
    _, tree = gather_truss(rule_runner, "builds/truss")
    assert set(tree) == {".truss_ignore", "config.yaml", "packages/BUILDING.md"}


def test_executables(rule_runner: RuleRunner) -> None:
    files = {
        "modes/truss/BUILD": "truss()",
        "modes/truss/config.yaml": "",
        "modes/truss/run": "",
    }
    rule_runner.write_files(files)
    Path(rule_runner.build_root, "modes/truss/run").chmod(0o755)
    _, tree = gather_truss(rule_runner, "modes/truss")
    assert {path for path, (_, executable) in tree.items() if executable} == {"run"}


def test_sizes_and_counts(rule_runner: RuleRunner) -> None:
    rule_runner.write_files(
        {
            "sizes/truss/BUILD": "truss()",
            "sizes/truss/config.yaml": "",
            "sizes/truss/data/x": "1234567890",
        }
    )
    gathered, tree = gather_truss(rule_runner, "sizes/truss")
    assert len(gathered.files) == len(tree) == 3
    assert gathered.size == sum(len(content.encode()) for content, _ in tree.values())
