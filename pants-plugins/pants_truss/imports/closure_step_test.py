"""What Pants' inference finds and no server runs: `__init__.py` files above a truss, files of other
trusses, and type stubs."""

from __future__ import annotations

from typing import Dict, Iterator, Optional, Tuple

import pytest
from pants.testutil.rule_runner import RuleRunner, engine_error

from pants_truss.sources.config_file import InvalidTruss
from pants_truss.testutil.rule_runners import (
    bundled,
    gather_truss,
    new_rule_runner,
    remove_files,
    write,
)


@pytest.fixture(scope="module")
def shared_runner() -> RuleRunner:
    return new_rule_runner()


@pytest.fixture
def rule_runner(shared_runner: RuleRunner) -> Iterator[RuleRunner]:
    yield shared_runner
    remove_files(shared_runner)


# --- What lies above a truss.

# A truss in a Python package, whose folder is a source root or not.
ROOTS = {
    "root": "--source-root-patterns=['/', '/*/co/serving/truss*']",
    "no_root": "--source-root-patterns=['/*']",
}
INITS = ["always", "content_only", "never"]


def write_package(rule_runner: RuleRunner, root: str, files: Dict[str, str]) -> str:
    defaults = {
        "BUILD": "python_sources(sources=['**/*.py', '!co/serving/truss/**', '!ext/**'])",
        "co/__init__.py": "from co import everything",
        "co/everything.py": "",
        "co/lib.py": "",
        "co/serving/__init__.py": "import co.everything",
        "co/serving/truss/BUILD": "truss()\npython_sources(name='src', sources=['**/*.py'])",
        "co/serving/truss/__init__.py": "import co.everything",
        "co/serving/truss/config.yaml": "",
        "co/serving/truss/model/__init__.py": "import model.on_the_way",
        "co/serving/truss/model/on_the_way.py": "",
        "co/serving/truss/model/model.py": "",
    }
    rule_runner.write_files({f"{root}/{p}": t for p, t in {**defaults, **files}.items()})
    return f"{root}/co/serving/truss"


def options(roots: str, inits: str) -> Tuple[str, ...]:
    return (ROOTS[roots], f"--python-infer-init-files={inits}")


@pytest.mark.parametrize("roots", ROOTS)
@pytest.mark.parametrize("inits", INITS)
def test_what_lies_above_a_truss_is_not_part_of_it(
    rule_runner: RuleRunner, roots: str, inits: str
) -> None:
    folder = write_package(rule_runner, f"above_{roots}_{inits}", {})
    gathered = gather_truss(rule_runner, folder, *options(roots, inits))
    assert not bundled(gathered)
    assert not gathered.notes


@pytest.mark.parametrize("inits", INITS)
def test_a_module_of_the_package_around_a_truss_has_its_init_files(
    rule_runner: RuleRunner, inits: str
) -> None:
    root = f"around_{inits}"
    folder = write_package(
        rule_runner, root, {"co/serving/truss/model/model.py": "from co.lib import x"}
    )
    assert bundled(gather_truss(rule_runner, folder, *options("no_root", inits))) == {
        "co/__init__.py": f"imported by {root}/co/lib.py",
        "co/everything.py": f"imported by {root}/co/__init__.py",
        "co/lib.py": f"imported by {root}/co/serving/truss/model/model.py",
    }


@pytest.mark.parametrize(
    "text",
    ["import co", "from co import VERSION", "import os, co as c", "from co import (\n  V\n)"],
)
def test_a_package_around_a_truss_that_it_imports_is_bundled(
    rule_runner: RuleRunner, text: str
) -> None:
    root = f"imported_{abs(hash(text))}"
    files = {"co/serving/truss/model/model.py": text, "co/__init__.py": "VERSION = V = 1"}
    folder = write_package(rule_runner, root, files)
    assert bundled(gather_truss(rule_runner, folder, *options("no_root", "always"))) == {
        "co/__init__.py": f"imported by {root}/co/serving/truss/model/model.py"
    }


@pytest.mark.parametrize("inits", INITS)
def test_what_lies_above_an_external_package_is_not_part_of_it(
    rule_runner: RuleRunner, inits: str
) -> None:
    root = f"external_{inits}"
    files = {
        "co/serving/truss/config.yaml": "external_package_dirs: [../../../ext/pkg]",
        "co/serving/truss/model/model.py": "import tokens.split",
        "ext/BUILD": "python_sources()",
        "ext/__init__.py": "import co.everything",
        "ext/pkg/BUILD": "truss_external_package()\npython_sources(name='s', sources=['**/*.py'])",
        "ext/pkg/tokens/__init__.py": "",
        "ext/pkg/tokens/split.py": "from co import lib",
    }
    folder = write_package(rule_runner, root, files)
    found = bundled(gather_truss(rule_runner, folder, *options("no_root", inits)))
    assert set(found) == {
        "tokens/__init__.py",
        "tokens/split.py",
        "co/__init__.py",
        "co/everything.py",
        "co/lib.py",
    }


def test_what_lies_above_the_source_root_of_bundled_code_is_not_part_of_it(
    rule_runner: RuleRunner,
) -> None:
    files = {
        "BUILD": "python_sources()",
        "__init__.py": "import no_such_module",
        "shared/__init__.py": "x = 1",
        "shared/lib/__init__.py": "x = 1",
        "shared/lib/a.py": "",
        "truss/model/model.py": "import lib.a",
    }
    folder = write(rule_runner, "roots_above", files)
    options = ["--python-infer-init-files=always", "--source-root-patterns=['/', '/*/shared']"]
    gathered = gather_truss(rule_runner, folder, *options)
    assert set(bundled(gathered)) == {"lib/__init__.py", "lib/a.py"}


def test_a_truss_at_the_source_root_of_the_repository(rule_runner: RuleRunner) -> None:
    files = {
        "truss/__init__.py": "import at_root",
        "truss/packages/__init__.py": "",
        "truss/packages/p/__init__.py": "import at_root_too",
        "truss/packages/p/q.py": "",
        "truss/model/model.py": "import p.q",
        "shared/at_root.py": "",
        "shared/at_root_too.py": "",
    }
    gathered = gather_truss(rule_runner, write(rule_runner, "at_root", files))
    assert "at_root_too.py" in bundled(gathered)
    assert "at_root.py" not in bundled(gathered)


# --- Other trusses.

OTHER = {
    "truss_b/BUILD": "truss()\npython_sources(name='src', sources=['**/*.py'])",
    "truss_b/config.yaml": "",
    "truss_b/packages/kit/__init__.py": "import kit.core\nimport toolz",
    "truss_b/packages/kit/core.py": "import other_lib",
    "shared/other_lib.py": "",
    "shared/reqs/BUILD": "python_requirement(name='toolz', requirements=['toolz'])",
    "truss/model/model.py": "import kit.core",
}


def test_an_import_never_means_a_file_of_another_truss(rule_runner: RuleRunner) -> None:
    gathered = gather_truss(rule_runner, write(rule_runner, "foreign", OTHER))
    assert not bundled(gathered)
    assert not gathered.imports.requirements
    (note,) = gathered.notes
    assert note == (
        "Warning: foreign/truss/model/model.py: it imports `kit.core`, which only "
        "foreign/truss_b/packages/kit/core.py of foreign/truss_b:truss_b has. A truss cannot use "
        "files of another truss, so nothing is bundled. If no requirement brings the module, move "
        "the file to a folder outside all trusses. "
        "[dropped-file]"
    )


@pytest.mark.parametrize(
    "requirement",
    ["kit", "kit==1.0", "kit @ git+https://host/me/kit.git", "git+https://host/me/kit.git@v1"],
)
def test_a_requirement_that_has_the_name_answers_the_import(
    rule_runner: RuleRunner, requirement: str
) -> None:
    root = f"installed_{abs(hash(requirement))}"
    files = {**OTHER, "truss/config.yaml": f"requirements: ['{requirement}']"}
    gathered = gather_truss(rule_runner, write(rule_runner, root, files))
    assert not bundled(gathered)
    assert not gathered.notes


@pytest.mark.parametrize("key", ["build_commands: [git clone x]", "base_image: {image: x}"])
def test_what_an_image_brings_may_answer_the_import(rule_runner: RuleRunner, key: str) -> None:
    root = f"image_{key[:5]}"
    files = {**OTHER, "truss/config.yaml": key}
    gathered = gather_truss(rule_runner, write(rule_runner, root, files))
    assert not bundled(gathered)
    assert [note.partition(":")[0] for note in gathered.notes] == ["Note"]


def test_an_import_by_shared_code_or_an_external_package(rule_runner: RuleRunner) -> None:
    files = {
        **OTHER,
        "truss/config.yaml": "external_package_dirs: [../ext]",
        "truss/model/model.py": "import between",
        "shared/between.py": "import kit",
        "ext/BUILD": "truss_external_package()\npython_sources(name='src')",
        "ext/within.py": "import kit.core",
    }
    gathered = gather_truss(rule_runner, write(rule_runner, "indirect", files))
    assert set(bundled(gathered)) == {"between.py", "within.py"}
    assert len(gathered.notes) == 2


def test_a_module_that_shared_code_has_too_is_that_one(rule_runner: RuleRunner) -> None:
    """`by_source_root` prefers what is nearer, which is the other truss."""
    files = {f"trusses/{path}": text for path, text in OTHER.items()}
    files["shared/kit/core.py"] = "import other_lib"
    files["trusses/shared/BUILD"] = "python_sources()"
    files["trusses/truss/BUILD"] = "truss()\npython_sources(name='src', sources=['**/*.py'])"
    files["trusses/truss/config.yaml"] = ""
    write(rule_runner, "both", files)
    options = [
        "--python-infer-ambiguity-resolution=by_source_root",
        "--source-root-patterns=['shared', '/*/trusses/*', '/*/trusses/*/packages']",
    ]
    gathered = gather_truss(rule_runner, "both/trusses/truss", *options)
    assert bundled(gathered) == {
        "kit/core.py": "imported by both/trusses/truss/model/model.py",
        "other_lib.py": "imported by both/shared/kit/core.py",
    }
    assert not gathered.notes


def test_a_module_of_the_truss_itself_comes_before_another_truss(rule_runner: RuleRunner) -> None:
    files = {
        **OTHER,
        "truss/BUILD": "truss()\npython_sources(name='src', sources=['model/*.py'])",
        "truss/packages/kit/core.py": "",
    }
    gathered = gather_truss(rule_runner, write(rule_runner, "itself", files))
    assert bundled(gathered) == {"kit/core.py": "truss"}
    assert not [note for note in gathered.notes if "dropped-file" in note]


def test_shared_code_that_names_a_file_of_another_truss_is_refused(
    rule_runner: RuleRunner,
) -> None:
    named = "refused/truss_b/packages/kit/core.py:../../src"
    files = {
        **OTHER,
        "truss/model/model.py": "import other_lib",
        "shared/BUILD": f"python_sources(dependencies=['{named}'])",
    }
    folder = write(rule_runner, "refused", files)
    with engine_error(InvalidTruss, contains="needs files that belong to another truss"):
        gather_truss(rule_runner, folder)


# --- Extension modules behind type stubs.

NATIVE = "_core.cpython-311-x86_64-linux-gnu.so"
STUBBED = {
    "truss/model/model.py": "import fast.api",
    "shared/BUILD": "python_sources(sources=['**/*.py', '**/*.pyi'])",
    "shared/fast/__init__.py": "",
    "shared/fast/api.py": "from fast import _core\nfrom fast._core import add",
    "shared/fast/_core.pyi": "def add(): ...",
}


@pytest.mark.parametrize(
    ("name", "build", "native", "target"),
    [
        ("unowned", "", NATIVE, None),
        ("plain", "", "_core.so", None),
        ("stable_abi", "", "_core.abi3.so", None),
        ("of_package", "", "_core/__init__.so", None),
        ("resource", f"resource(name='so', source='{NATIVE}')", NATIVE, "shared/fast:so"),
        ("files", "files(name='so', sources=['*.so'])", NATIVE, f"shared/fast/{NATIVE}:so"),
    ],
)
def test_an_extension_module_beside_its_stub_is_bundled(
    rule_runner: RuleRunner, name: str, build: str, native: str, target: Optional[str]
) -> None:
    root = f"native_{name}"
    files = {**STUBBED, "shared/fast/BUILD": build, f"shared/fast/{native}": "ELF"}
    gathered = gather_truss(rule_runner, write(rule_runner, root, files))
    assert bundled(gathered) == {
        "fast/__init__.py": f"imported by {root}/shared/fast/api.py",
        "fast/api.py": f"imported by {root}/truss/model/model.py",
        f"fast/{native}": f"imported by {root}/shared/fast/api.py",
    }
    (found,) = [file for file in gathered.files if file.path.endswith(native)]
    assert found.target == (target and f"{root}/{target}")
    assert not gathered.notes


@pytest.mark.parametrize("file", ["shared/fast/_core.py", "shared/fast/_core/__init__.py"])
def test_a_module_beside_its_stub_that_no_target_owns_is_bundled(
    rule_runner: RuleRunner, file: str
) -> None:
    build = "python_sources(sources=['**/*.pyi', 'fast/*.py', '!fast/_core.py'])"
    files = {**STUBBED, "shared/BUILD": build, file: "x = 1"}
    gathered = gather_truss(rule_runner, write(rule_runner, "free", files))
    assert file[len("shared/") :] in bundled(gathered)
    (note,) = gathered.notes
    assert f"no target owns free/{file}, so what it imports is not bundled" in note


@pytest.mark.parametrize("inits", INITS)
def test_a_stub_above_a_module_is_not_an_import(rule_runner: RuleRunner, inits: str) -> None:
    files = {
        "BUILD": "python_sources(sources=['*.py', '*.pyi', 'co/*.py', 'co/*.pyi'])",
        "co/__init__.py": "x = 1",
        "co/__init__.pyi": "x: int",
        "co/lib.pyi": "",
    }
    folder = write_package(rule_runner, "stub_above", files)
    gathered = gather_truss(rule_runner, folder, *options("root", inits))
    assert not bundled(gathered)
    assert not gathered.notes


def test_stubs_that_code_names_are_no_imports(rule_runner: RuleRunner) -> None:
    files = {
        **STUBBED,
        "shared/BUILD": (
            "python_sources(sources=['fast/*.py'], dependencies=[':stubs'])\n"
            "python_sources(name='stubs', sources=['**/*.pyi'])"
        ),
        "shared/fast/api.py": "",
    }
    gathered = gather_truss(rule_runner, write(rule_runner, "named_stubs", files))
    assert not gathered.notes


def test_an_extension_module_that_is_imported_itself_has_its_init_files(
    rule_runner: RuleRunner,
) -> None:
    files = {
        **STUBBED,
        "truss/model/model.py": "import fast._core",
        f"shared/fast/{NATIVE}": "ELF",
    }
    gathered = gather_truss(rule_runner, write(rule_runner, "native_alone", files))
    assert set(bundled(gathered)) == {"fast/__init__.py", f"fast/{NATIVE}"}


def test_stubs_in_a_folder_of_their_own(rule_runner: RuleRunner) -> None:
    files = {
        **STUBBED,
        "shared/fast/_core.pyi": "",
        f"shared/fast/{NATIVE}": "ELF",
        "shared/BUILD": "python_sources()",
        "ext_stubs/BUILD": "python_sources(sources=['**/*.pyi'])",
        "ext_stubs/fast/_core.pyi": "",
        "truss/model/model.py": "import fast._core",
    }
    gathered = gather_truss(rule_runner, write(rule_runner, "stub_folder", files))
    assert f"fast/{NATIVE}" in bundled(gathered)
    assert not gathered.notes


def test_a_stub_alone_is_reported(rule_runner: RuleRunner) -> None:
    gathered = gather_truss(rule_runner, write(rule_runner, "alone", STUBBED))
    assert set(bundled(gathered)) == {"fast/__init__.py", "fast/api.py"}
    (note,) = gathered.notes
    assert note == (
        "Warning: alone/shared/fast/api.py: it imports `fast._core`, but "
        "alone/shared/fast/_core.pyi is a type stub, and no module lies beside it. If an extension "
        "module has it, build it as _core.so in the same folder, remove it from `.gitignore`, or "
        "name its target in `dependencies` of the target that imports it. "
        "[dropped-file]"
    )


def test_an_explicit_dependency_answers_the_stub(rule_runner: RuleRunner) -> None:
    files = {**STUBBED, "ext/BUILD": "files(sources=['**/*.so'])", "ext/fast/_core.x.so": "ELF"}
    truss = "truss(dependencies=['answered/ext'])"
    gathered = gather_truss(rule_runner, write(rule_runner, "answered", files, truss))
    assert "fast/_core.x.so" in bundled(gathered)
    assert not gathered.notes


@pytest.mark.parametrize("name", ["present", "absent"])
@pytest.mark.parametrize("place", ["truss/model", "truss/packages/own", "ext/own"])
def test_a_stub_among_the_files_of_the_truss(
    rule_runner: RuleRunner, place: str, name: str
) -> None:
    root = f"own_{name}_{place.replace('/', '_')}"
    package = "model" if place == "truss/model" else "own"
    files = {
        "truss/BUILD": "truss()\npython_sources(name='src', sources=['**/*.py', '**/*.pyi'])",
        "truss/config.yaml": "external_package_dirs: [../ext]",
        "truss/model/model.py": f"import {package}._core",
        "ext/BUILD": "truss_external_package()\npython_sources(name='src', sources=['**/*.py*'])",
        "ext/x.py": "",
        f"{place}/__init__.py": "",
        f"{place}/_core.pyi": "",
    }
    if name == "present":
        files[f"{place}/{NATIVE}"] = "ELF"
    gathered = gather_truss(rule_runner, write(rule_runner, root, files))
    assert {file.reason for file in gathered.files} <= {
        "truss",
        "external_package_dirs",
        "generated",
    }
    assert len(gathered.notes) == (0 if name == "present" else 1)


@pytest.mark.parametrize("answer", ["distribution", "target", "stubs_alone"])
def test_stubs_of_a_distribution_are_not_reported(rule_runner: RuleRunner, answer: str) -> None:
    files = {
        "truss/model/model.py": "import thirdparty.sub",
        "shared/BUILD": "python_sources(sources=['**/*.py', '**/*.pyi'])",
        "shared/other.py": "",
        "shared/thirdparty/sub.pyi": "",
    }
    if answer == "distribution":
        files["truss/config.yaml"] = "requirements: [thirdparty==1]"
        files["shared/thirdparty/beside.py"] = ""
    if answer == "target":
        files["truss/config.yaml"] = "requirements: [some-name]"
        files["shared/thirdparty/beside.py"] = ""
        files[
            "shared/reqs/BUILD"
        ] = "python_requirement(name='r', requirements=['some-name'], modules=['thirdparty'])"
    gathered = gather_truss(rule_runner, write(rule_runner, f"dist_{answer}", files))
    assert not bundled(gathered)
    assert not gathered.notes


def test_a_distribution_of_stubs_brings_nothing(rule_runner: RuleRunner) -> None:
    files = {
        "truss/model/model.py": "import yaml",
        "shared/reqs/BUILD": "python_requirement(name='t', requirements=['types-PyYAML'])",
    }
    gathered = gather_truss(rule_runner, write(rule_runner, "types", files))
    assert (gathered.imports.requirements, gathered.notes) == ((), ())
