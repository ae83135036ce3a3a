from __future__ import annotations

import tempfile
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import List, Optional, Set, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pants_truss.core.gathered import GatheredFile
from pants_truss.core.lint.shadowing import Owner, check_shadowing, server_owners
from pants_truss.core.source_tree import TRUSS

OWNER = Owner(frozenset({"yaml", "google.protobuf", "google.api.http_pb2"}), "it", "rule")


def told(paths: List[str], owners: Tuple[Owner, ...] = (OWNER,)) -> List[str]:
    files = [GatheredFile(path, "", 0, False, "t:t", f"t/{path}", TRUSS) for path in paths]
    found = check_shadowing(files, "packages", owners)
    return [finding.message.split("`")[1] for finding in found]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["packages/yaml.py"], ["yaml"]),
        (["packages/yaml/a.py", "packages/yaml/b.py"], ["yaml"]),
        (["packages/yaml.cpython-311-x86_64-linux-gnu.so"], ["yaml"]),
        (["packages/google/mine.py"], []),
        (["packages/google/__init__.py", "packages/google/mine.py"], ["google"]),
        (["packages/google/protobuf/mine.py"], ["google.protobuf"]),
        (["packages/google/api/__init__.py"], ["google.api"]),
        (["packages/google/api/mine.py"], []),
        (["packages/google.py"], ["google"]),
        (["packages/mine/yaml.py", "packages/yaml-x/a.py", "packages/yaml/x.txt"], []),
        (["model/yaml.py", "yaml.py", "packages.py", "packages/__init__.py"], []),
    ],
)
def test_modules(paths: List[str], expected: List[str]) -> None:
    assert told(paths) == expected


def names(
    release: Tuple[int, ...], python: str, paths: Tuple[str, ...] = ()
) -> List[frozenset[str]]:
    return [owner.modules for owner in server_owners(release, python, paths)]


def test_the_release_of_truss_picks_the_table() -> None:
    assert {"common", "shared"} <= names((0, 18, 17), "3.11")[0]
    assert not {"common", "shared"} & names((0, 18, 18), "3.11")[0]
    assert "_truss_common" in names((0, 18, 35), "3.11")[0]
    # Newer than any known, and older than any.
    assert names((1, 0), "3.11") == names((0, 18, 35), "3.11")
    assert "common" in names((0, 1), "3.11")[0]


def test_the_python_of_the_truss_picks_the_standard_library() -> None:
    old, new = names((0, 18, 35), "3.11"), names((0, 18, 35), "3.13")
    assert {"json", "telnetlib", "_abc"} <= old[1]
    assert "telnetlib" not in new[1]
    assert "tomllib" not in names((0, 18, 35), "3.9")[1]
    assert "zipp" in names((0, 18, 35), "3.9")[2]


def test_the_trusss_own_folders() -> None:
    release = (0, 18, 35)
    assert "model" not in names(release, "3.11", ("model/model.py", "data/x.txt"))[0]
    own = names(release, "3.11", ("model/__init__.py", "data/__init__.py"))[0]
    assert {"model", "data", "model.model"} <= own


# --- The messages.


def gathered(path: str, folder: str = "packages") -> GatheredFile:
    return GatheredFile(f"{folder}/{path}", "", 0, False, "src/t:t", f"src/{path}", TRUSS)


def test_a_module_is_reported_at_its_source() -> None:
    (finding,) = check_shadowing([gathered("yaml/a.py")], "packages", [OWNER])
    assert (finding.rule, finding.path, finding.line) == ("rule", "src/yaml/a.py", None)
    assert finding.message == (
        "the bundled module `yaml` (of src/t:t) is never imported: it has one of this name, which "
        "comes first. Rename it."
    )


def test_a_package_beside_a_namespace_package_gets_the_advice_to_merge() -> None:
    (finding,) = check_shadowing([gathered("google/__init__.py")], "packages", [OWNER])
    assert finding.message == (
        "the bundled module `google` (of src/t:t) and the namespace package of this name in it "
        "exclude each other. Remove its `__init__.py`, so that the two merge, or rename it."
    )


def test_the_first_owner_is_the_one_that_comes_first() -> None:
    owners = [Owner(frozenset({"a"}), "one", "r1"), Owner(frozenset({"a", "b"}), "two", "r2")]
    found = check_shadowing([gathered("b.py"), gathered("a.py")], "packages", owners)
    assert [(finding.rule, finding.path) for finding in found] == [
        ("r1", "src/a.py"),
        ("r2", "src/b.py"),
    ]


@pytest.mark.parametrize("folder", ["packages", "deps/py", "p"])
def test_only_files_of_the_bundled_folder_count(folder: str) -> None:
    others = [gathered("yaml.py", other) for other in (f"{folder}2", f"x/{folder}", "model")]
    others.append(gathered("a.py", f"{folder}_yaml"))
    assert not list(check_shadowing(others, folder, [OWNER]))
    assert len(list(check_shadowing([*others, gathered("yaml.py", folder)], folder, [OWNER]))) == 1


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("yaml.pyd", "yaml"),
        ("yaml.pyi", None),
        ("yaml.pyc", None),
        ("yaml.py.txt", None),
        ("google/__init__.cpython-311-x86_64-linux-gnu.so", "google"),
        ("google/protobuf/deep/er.py", "google.protobuf"),
        ("google/api/http_pb2/x.py", "google.api.http_pb2"),
        ("google/api/http_pb.py", None),
        ("google/api.py", "google.api"),
        ("yaml/a-b.py", None),
        ("__init__.py", None),
        ("YAML.py", None),
    ],
)
def test_which_module_a_file_is(path: str, module: Optional[str]) -> None:
    assert told([f"packages/{path}"]) == ([module] if module else [])


def test_the_servers_owners() -> None:
    files = ("json.py", "truss_server.py", "yaml/x.py", "model/model.py", "data/x.py")
    found = check_shadowing(
        [gathered(path) for path in files],
        "packages",
        server_owners((0, 18, 35), "3.11", ["data/__init__.py"]),
    )
    assert {f.path[4:]: f.message.split(": ")[-1].split(" has ")[0] for f in found} == {
        "data/x.py": "the folder /app of the model server",
        "json.py": "the standard library of Python 3.11",
        "model/model.py": "the folder /app of the model server",
        "truss_server.py": "the folder /app of the model server",
        "yaml/x.py": "a distribution that the model server installs",
    }


def test_a_python_that_no_table_has() -> None:
    # It has the names that all known versions of Python have.
    unknown, known = names((0, 18, 35), "3.99"), names((0, 18, 35), "3.13")
    assert all(few < more for few, more in zip(unknown[1:], known[1:]))
    assert "json" in unknown[1] and "yaml" in unknown[2]


# --- Python's own answer.

# Modules of a server: `a` is a module or package, `a.b` is in a namespace package.
SERVERS = st.sets(st.sampled_from(["a", "b", "a.b", "a.c", "a.b.c", "b.a", "b.c.a"]), max_size=4)
PARTS = st.sampled_from(["a", "b", "c"])
FILES = st.sets(
    st.tuples(st.lists(PARTS, max_size=2), st.sampled_from(["a", "b", "c", "__init__"]))
    .filter(lambda file: file[1] != "__init__" or bool(file[0]))
    .map(lambda file: "/".join([*file[0], file[1]]) + ".py"),
    min_size=1,
    max_size=5,
)


def finds(path: str, server: List[str], packages: str) -> bool:
    """Returns True if an import finds the file in `packages` after the server has imported its own
    modules."""
    folders = [*server, packages]
    found: Optional[ModuleSpec] = None
    parts = path[: -len(".py")].split("/")
    for part in parts if parts[-1] != "__init__" else parts[:-1]:
        own = PathFinder.find_spec(part, server) if server else None
        found = PathFinder.find_spec(part, folders)
        if found is None or (own and (own.loader or found.loader)):
            return False
        folders = list(found.submodule_search_locations or [])
        server = list((own and own.submodule_search_locations) or [])
    return found is not None and found.origin == f"{packages}/{path}"


@given(SERVERS, FILES, st.booleans())
@settings(max_examples=100, deadline=None)
def test_exactly_what_python_does_not_find_is_reported(
    server: Set[str], files: Set[str], has_packages: bool
) -> None:
    modules = frozenset(m for m in server if not any(m.startswith(f"{o}.") for o in server))
    with tempfile.TemporaryDirectory() as temporary:
        app, packages = Path(temporary, "app"), Path(temporary, "packages")
        ending = "/__init__.py" if has_packages else ".py"
        paths = [app / (module.replace(".", "/") + ending) for module in modules]
        for path in (*paths, *(packages / file for file in files)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        # Not those that hide each other.
        alone = [file for file in sorted(files) if finds(file, [], str(packages))]
        hidden = [file for file in alone if not finds(file, [str(app)], str(packages))]
    found = told([f"packages/{file}" for file in files], (Owner(modules, "it", "rule"),))
    places = [module.replace(".", "/") for module in found]
    assert hidden == [
        file
        for file in alone
        if any(file == f"{place}.py" or file.startswith(f"{place}/") for place in places)
    ]
