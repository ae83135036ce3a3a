from __future__ import annotations

from typing import Any, List, Optional, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core import truss_config, yaml_document
from pants_truss.core.gathered import GatheredFile
from pants_truss.core.lint.file_checks import check_files, check_names, check_sizes
from pants_truss.core.lint.finding import Finding, Severity

MODEL = "model/model.py"
NO_HINT = " Add it, or correct the key."


def found(config: str, *paths: str) -> List[Finding]:
    document = yaml_document.parse(config.encode())
    return list(check_files("t/config.yaml", document, truss_config.read(document), paths))


def only(config: str, *paths: str) -> Finding:
    (finding,) = found(config, *paths)
    return finding


# --- The file of the model.


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ("", "model/model.py"),
        ("model_class_filename: serve.py\n", "model/serve.py"),
        ("model_module_dir: src\n", "src/model.py"),
        ("model_module_dir: ./a//b/\nmodel_class_filename: c.py\n", "a/b/c.py"),
        ("model_module_dir: .\n", "model.py"),
    ],
)
def test_the_file_of_the_model(config: str, path: str) -> None:
    assert not found(config, path, "config.yaml")
    finding = only(config, "config.yaml")
    assert (finding.rule, finding.severity) == ("model-class", Severity.ERROR)
    assert finding.message == (
        f"the truss has no {path}, which the server loads the model from.{NO_HINT}"
    )


def test_the_key_to_correct_is_that_of_the_folder_or_of_the_file() -> None:
    config = "model_class_filename: serve.py\nmodel_module_dir: src\n"
    assert only(config, "src/other.txt").line == 1
    assert only(config, "srcs/x.txt").line == 2
    assert only("a: 1\nmodel_class_filename: serve.py\nmodel_module_dir: .\n").line == 2


@pytest.mark.parametrize("server", ["docker_server", "trt_llm", "bis_llm"])
def test_a_server_without_a_model(server: str) -> None:
    assert not found(f"{server}: {{x: 1}}\n")
    assert found(f"{server}: {{}}\n")


@pytest.mark.parametrize(
    ("paths", "hint"),
    [
        ((), NO_HINT),
        (("src/other.py",), NO_HINT),
        # Files of the same name elsewhere: the first of them.
        (("z/model.py", "a/model.py", "model/mode1.py"), " It has a/model.py."),
        (("model.py",), " It has model.py."),
        # A file with a similar name.
        (("model/modle.py", "model/x.py"), " It has model/modle.py."),
        (("models/model_.py",), " It has models/model_.py."),
        (("model/my_other_model.py.bak",), NO_HINT),
    ],
)
def test_the_file_that_may_be_meant(paths: Tuple[str, ...], hint: str) -> None:
    assert only("", *paths).message.endswith(f"loads the model from.{hint}")


# --- Requirements.


@pytest.mark.parametrize("path", ["requirements.txt", "deps/r.in", "pyproject.toml"])
def test_the_file_of_requirements(path: str) -> None:
    config = f"a: 1\nrequirements_file: ./{path}\n"
    assert not found(config, MODEL, path)
    finding = only(config, MODEL, "x/deps")
    assert (finding.rule, finding.severity, finding.line) == ("config-schema", Severity.ERROR, 2)
    assert finding.message == (
        f"`requirements_file` is {path!r}, which the truss does not have.{NO_HINT}"
    )
    assert only(config, MODEL, f"old/{path}").message.endswith(f" It has old/{path}.")


@pytest.mark.parametrize("config", ["", "requirements_file:\n", "requirements_file: ''\n"])
def test_no_file_of_requirements(config: str) -> None:
    assert not found(config, MODEL)


@pytest.mark.parametrize(
    ("lock", "project"),
    [("uv.lock", "pyproject.toml"), ("deps/uv.lock", "deps/pyproject.toml")],
)
def test_a_lockfile_of_uv_needs_its_project(lock: str, project: str) -> None:
    config = f"requirements_file: {lock}\n"
    assert not found(config, MODEL, lock, project)
    # One elsewhere is not that of the lockfile.
    finding = only(config, MODEL, lock, f"other/{project}", "pyproject.toml.bak")
    assert finding.line == 1
    assert finding.message == (
        f"`requirements_file` is {lock!r}, and Truss wants {project} beside it. Add that file."
    )
    assert "does not have" in only(config, MODEL, project).message
    assert not found("requirements_file: my-uv.lock\n", MODEL, "my-uv.lock")


# --- The folder of data, and examples.


@pytest.mark.parametrize(
    ("key", "value", "path"),
    [
        ("data_dir", "weights", "weights/w.bin"),
        ("data_dir", "./a//b/", "a/b/c/w.bin"),
        ("examples_filename", "e.yaml", "e.yaml"),
        ("examples_filename", "docs/e.yaml", "docs/e.yaml"),
    ],
)
def test_other_paths_that_the_config_names(key: str, value: str, path: str) -> None:
    config = f"a: 1\n{key}: {value}\n"
    assert not found(config, MODEL, path)
    finding = only(config, MODEL, "weights2/w.bin", "a/bc", "e.yaml.orig", "z")
    assert (finding.rule, finding.severity, finding.line) == (
        "no-effect",
        Severity.WARNING,
        2,
    )
    assert finding.message.startswith(f"`{key}` is {value!r}, which the truss does not have.")


@pytest.mark.parametrize(
    "config",
    ["data_dir: data\n", "examples_filename: examples.yaml\n", "data_dir: ''\n", "data_dir: .\n"],
)
def test_what_a_truss_need_not_have(config: str) -> None:
    assert not found(config, MODEL)


def test_all_that_is_missing_is_reported() -> None:
    config = "examples_filename: e\nrequirements_file: r\ndata_dir: d\nmodel_class_filename: m.py\n"
    assert [finding.line for finding in found(config)] == [None, 2, 3, 1]


NAMES = st.sampled_from(
    ["model.py", "modle.py", "e.yaml", "uv.lock", "pyproject.toml", "weights", "wieghts"]
)
PATHS = st.lists(st.lists(NAMES, min_size=1, max_size=3).map("/".join), max_size=8, unique=True)
NAMED = "data_dir: weights\nexamples_filename: e.yaml\nrequirements_file: uv.lock\n"


@given(PATHS, st.randoms(use_true_random=False))
def test_the_order_of_the_files_does_not_matter(paths: List[str], random: Any) -> None:
    shuffled = list(paths)
    random.shuffle(shuffled)
    assert found(NAMED, *paths) == found(NAMED, *shuffled)
    everything = [MODEL, "weights/w", "e.yaml", "uv.lock", "pyproject.toml"]
    assert not found(NAMED, *paths, *everything)


# --- Sizes.


def file(path: str, size: int, source: Optional[str] = None) -> GatheredFile:
    return GatheredFile(path, "0" * 64, size, False, None, source, "")


def test_a_file_over_the_limit() -> None:
    files = [file("model/w.bin", 1_500_001, "t/model/w.bin"), file("made.bin", 2_000_000)]
    first, second = check_sizes(files, "data", 1_500_000)
    assert first == Finding(
        "large-file",
        "t/model/w.bin",
        "it has 1.5 MB: every build and push carries it. Have weights delivered by `weights` in "
        "the config, or move the file to `data/`.",
        Severity.WARNING,
    )
    # A file that gathering made has no source.
    assert second.path == "made.bin"


def test_a_file_of_exactly_the_limit_is_not_over_it() -> None:
    assert not check_sizes([file("w.bin", 1000)], "data", 1000)
    assert len(check_sizes([file("w.bin", 1001)], "data", 1000)) == 1


@pytest.mark.parametrize(
    ("path", "data_dir", "told"),
    [
        ("data/w.bin", "data", False),
        ("data/a/b/w.bin", "data", False),
        ("a/b/w.bin", "a/b", False),
        ("anything", "", False),
        ("data2/w.bin", "data", True),
        ("model/data/w.bin", "data", True),
        ("a/w.bin", "a/b", True),
    ],
)
def test_data_may_be_large(path: str, data_dir: str, told: bool) -> None:
    found = check_sizes([file(path, 10)], data_dir, 1)
    assert [f"move the file to `{data_dir}/`" in finding.message for finding in found] == [
        True
    ] * told


@pytest.mark.parametrize(
    ("size", "shown"),
    [(1, "0.0 MB"), (50_001, "0.1 MB"), (999_949, "1.0 MB"), (12_345_678_901, "12,345.7 MB")],
)
def test_sizes_as_text(size: int, shown: str) -> None:
    (finding,) = check_sizes([file("w", size)], "data", 0)
    assert finding.message.startswith(f"it has {shown}: ")


# --- Names that git quotes.


def names(*paths: str) -> List[Finding]:
    return list(
        check_names([GatheredFile(path, "0", 1, False, None, path, "truss") for path in paths])
    )


def test_names_that_git_quotes() -> None:
    found = names("a.py", "t/é.py", 't/q".py', "t/line\nbreak", "t/back\\slash", "sp ace.py")
    assert [(f.rule, f.path, f.severity) for f in found] == [
        ("git-name", "t/back\\slash", Severity.WARNING),
        ("git-name", "t/é.py", Severity.WARNING),
    ]
    escaped, quoted = found
    assert "'t/line\\nbreak'" in escaped.message and escaped.message.endswith("Rename them.")
    assert "`git config core.quotePath false`" in quoted.message


def test_many_such_names_are_one_finding() -> None:
    (found,) = names(*(f"é{number}.py" for number in range(5)))
    assert "'é2.py' and 2 more: git quotes" in found.message


def test_a_file_that_gathering_makes_has_no_name_in_git() -> None:
    assert not list(check_names([GatheredFile("é", "0", 1, False, None, None, "generated")]))
