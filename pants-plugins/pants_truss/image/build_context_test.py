"""Uses a small script in place of Truss, and checks its input and the use of its output."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Mapping, Tuple

import pytest
from pants.engine.fs import CreateDigest, Digest, DigestEntries, FileContent, FileEntry
from pants.testutil.rule_runner import QueryRule, RuleRunner, engine_error

from pants_truss.image import build_context
from pants_truss.image.build_context import (
    BuildContext,
    BuildContextRequest,
    WriteContextRequest,
    WrittenContext,
)
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.testutil.images import OPTIONS, new_image_runner, truss_at
from pants_truss.testutil.results import contents
from pants_truss.truss_cli.rules import TrussCliFailed


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return new_image_runner(
        build_context.rules(),
        QueryRule(BuildContext, [BuildContextRequest]),
        QueryRule(WrittenContext, [TrussFieldSet]),
        QueryRule(WrittenContext, [WriteContextRequest]),
        QueryRule(DigestEntries, [Digest]),
    )


def configure(rule_runner: RuleRunner, *options: str) -> None:
    rule_runner.set_options([*OPTIONS, *options], env_inherit={"PATH", "PYENV_ROOT", "HOME"})


def write(rule_runner: RuleRunner, folder: str, files: Mapping[str, str], config: str = "") -> str:
    all_files = {"BUILD": "truss()", "config.yaml": f"python_version: py311\n{config}", **files}
    rule_runner.write_files({f"{folder}/{path}": text for path, text in all_files.items()})
    return folder


def describe(rule_runner: RuleRunner, folder: str) -> WrittenContext:
    configure(rule_runner)
    request = truss_at(rule_runner, folder)
    return rule_runner.request(WrittenContext, [request])


def given(written: WrittenContext) -> List[str]:
    """Returns the files that Truss got to write the Dockerfile."""
    lines = written.dockerfile.splitlines()
    return [line[2:] for line in lines if line.startswith("# ")]


def build(rule_runner: RuleRunner, folder: str, pinned: bool = False) -> BuildContext:
    configure(rule_runner)
    request = BuildContextRequest(truss_at(rule_runner, folder), pinned)
    return rule_runner.request(BuildContext, [request])


# --- Output of Truss.


def written(rule_runner: RuleRunner, config: str) -> WrittenContext:
    configure(rule_runner)
    files = [FileContent("truss/config.yaml", config.encode())]
    digest = rule_runner.request(Digest, [CreateDigest(files)])
    return rule_runner.request(WrittenContext, [WriteContextRequest("src/a/config.yaml", digest)])


def test_what_truss_adds_and_its_dockerfile(rule_runner: RuleRunner) -> None:
    found = written(rule_runner, "# ENV A=\u65e5\\\n# # not that\n# RUN true\n")
    assert set(contents(rule_runner, found.digest)) == {
        "Dockerfile",
        "config.yaml",
        "constraints.txt",
        "server/constraints.txt",
        "server/main.py",
        "server/requirements.txt",
    }
    assert [(i.keyword, i.text) for i in found.instructions] == [
        ("FROM", "base:1.0 AS server"),
        ("ENV", "A=\u65e5RUN true"),
        ("ENTRYPOINT", '["python3", "/app/main.py"]'),
    ]


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("# fail\n", "ValueError: the config is not to its liking"),
        ("# fail quietly\n", "no output"),
    ],
)
def test_an_error_of_truss(rule_runner: RuleRunner, config: str, reason: str) -> None:
    message = f"src/a/config.yaml: Truss cannot write a Dockerfile: {reason}"
    with engine_error(TrussCliFailed, contains=message):
        written(rule_runner, config)


# --- Input of Truss.


FILES: Dict[str, str] = {
    "model/model.py": "import x",
    "model/deep/er.py": "",
    "data/words.txt": "words",
    "packages/lib.py": "",
    "README.md": "no one needs it",
    "requirements.txt": "numpy",
}


def test_truss_gets_an_outline(rule_runner: RuleRunner) -> None:
    """Truss gets neither code nor data, so their edits do not run it again."""
    found = describe(rule_runner, write(rule_runner, "outline", FILES))
    assert given(found) == [
        "config.yaml",
        "data/placeholder",
        "model/placeholder",
        "packages/placeholder",
    ]
    edited = {**FILES, "model/model.py": "import y", "data/more.txt": "", "README.md": "other"}
    assert describe(rule_runner, write(rule_runner, "outline", edited)) == found


def test_the_outline_changes_with_folders(rule_runner: RuleRunner) -> None:
    folder = write(rule_runner, "folders", {"model/model.py": ""})
    assert given(describe(rule_runner, folder)) == ["config.yaml", "model/placeholder"]
    write(rule_runner, folder, {"data/a": ""})
    assert "data/placeholder" in given(describe(rule_runner, folder))


def test_folders_are_those_of_the_config(rule_runner: RuleRunner) -> None:
    files = {"my code/model.py": "", "inputs/a": "", "vendor/lib.py": "", "data/b": "", "model": ""}
    config = "model_module_dir: my code\ndata_dir: ./inputs/\nbundled_packages_dir: vendor\n"
    assert given(describe(rule_runner, write(rule_runner, "named", files, config))) == [
        "config.yaml",
        "inputs/placeholder",
        "my code/placeholder",
        "vendor/placeholder",
    ]


def test_a_file_with_the_name_of_a_folder_is_not_a_folder(rule_runner: RuleRunner) -> None:
    folder = write(rule_runner, "file", {"data": "a file", "model/model.py": ""})
    assert given(describe(rule_runner, folder)) == ["config.yaml", "model/placeholder"]


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("requirements.txt", ["requirements.txt"]),
        ("deep/pyproject.toml", ["deep/pyproject.toml"]),
        ("deep/uv.lock", ["deep/pyproject.toml", "deep/uv.lock"]),
    ],
)
def test_truss_gets_a_requirements_file_and_the_files_it_needs(
    rule_runner: RuleRunner, name: str, beside: List[str]
) -> None:
    files = {
        "requirements.txt": "",
        "deep/pyproject.toml": "[project]\nname = 'a'\nversion = '1'\n",
        "deep/uv.lock": "version = 1\n",
        "deep/other.txt": "",
    }
    folder = write(rule_runner, f"req_{len(name)}", files, f"requirements_file: {name}\n")
    assert given(describe(rule_runner, folder)) == sorted(["config.yaml", *beside])


def test_truss_gets_all_files_of_a_truss_with_live_reload(rule_runner: RuleRunner) -> None:
    """The Dockerfile contains a digest of all files."""
    folder = write(rule_runner, "reloads", FILES, "live_reload: true\n")
    found = describe(rule_runner, folder)
    assert given(found) == sorted([".truss_ignore", "config.yaml", *FILES])
    write(rule_runner, folder, {"extra.txt": ""}, "live_reload: true\n")
    assert describe(rule_runner, folder) != found


def test_truss_gets_the_config_of_the_gathered_truss(
    rule_runner: RuleRunner,
) -> None:
    rule_runner.write_files({"ext/BUILD": "truss_external_package()", "ext/lib.py": ""})
    config = "external_package_dirs: [../ext]\n"
    folder = write(rule_runner, "config", {"model/model.py": ""}, config)
    found = describe(rule_runner, folder)
    assert given(found) == ["config.yaml", "model/placeholder", "packages/placeholder"]
    text = contents(rule_runner, found.digest)["config.yaml"].decode()
    assert text == "python_version: py311\nexternal_package_dirs: []\n# as Truss writes it\n"


# --- The context.


def test_a_context_has_the_truss_and_what_truss_adds(rule_runner: RuleRunner) -> None:
    files = {**FILES, "constraints.txt": "mine", "server/main.py": "mine too", "run.sh": ""}
    folder = write(rule_runner, "whole", files)
    Path(rule_runner.build_root, folder, "run.sh").chmod(0o755)
    made = build(rule_runner, folder)
    found = contents(rule_runner, made.digest)
    assert set(found) == {
        ".truss_ignore",
        "Dockerfile",
        "config.yaml",
        "server/constraints.txt",
        "server/requirements.txt",
        *files,
    }
    # Files of Truss replace those of the truss, as in Truss's own build.
    assert found["config.yaml"].endswith(b"# as Truss writes it\n")
    assert (found["constraints.txt"], found["server/main.py"]) == (b"h11<1", b"# server\n")
    assert found["model/model.py"] == b"import x"
    entries = rule_runner.request(DigestEntries, [made.digest])
    assert [e.path for e in entries if isinstance(e, FileEntry) and e.is_executable] == ["run.sh"]
    # No file of the outline remains.
    assert not [path for path in found if "placeholder" in path]
    assert {file.path for file in made.gathered.files} == {
        ".truss_ignore", "config.yaml", *files
    }  # fmt: skip
    assert made.written == describe(rule_runner, folder)


@pytest.mark.parametrize(
    ("requirements", "pins"),
    [
        ("[]", "uvicorn==0.30\n"),
        ("[zlib==2, Abc==1]", "Abc==1\nuvicorn==0.30\nzlib==2\n"),
        # The truss's own distribution has priority.
        ("[uvicorn==0.29]", "uvicorn==0.29\n"),
    ],
)
def test_constraints_with_pins(rule_runner: RuleRunner, requirements: str, pins: str) -> None:
    folder = write(
        rule_runner,
        f"pins_{len(requirements)}",
        {"model/model.py": ""},
        f"requirements: {requirements}\n",
    )
    plain = contents(rule_runner, build(rule_runner, folder).digest)
    pinned = contents(rule_runner, build(rule_runner, folder, pinned=True).digest)
    # The file of Truss may lack a final line break.
    assert pinned.pop("constraints.txt") == b"h11<1\n" + pins.encode()
    assert plain.pop("constraints.txt") == b"h11<1"
    assert pinned == plain


def test_a_context_does_not_depend_on_the_path_of_the_truss(rule_runner: RuleRunner) -> None:
    places: Tuple[str, ...] = ("here", "some/where/else")
    digests = [build(rule_runner, write(rule_runner, p, FILES)).digest for p in places]
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    "path, message",
    [
        ("server", "its server (clash_0/server) conflicts with the folder server that Truss"),
        ("Dockerfile/x", "its Dockerfile/x (clash_1/Dockerfile/x) conflicts with the file"),
    ],
)
def test_a_file_where_truss_adds_a_folder(rule_runner: RuleRunner, path: str, message: str) -> None:
    folder = f"clash_{int('/' in path)}"
    with engine_error(InvalidTruss, contains=message):
        build(rule_runner, write(rule_runner, folder, {path: "a file"}))
