from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pants_truss.core import yaml_document
from pants_truss.core.errors import TrussError
from pants_truss.core.paths import normalize_inside
from pants_truss.core.truss_config import TrussConfig, needs_model, parse, problems, read


def test_defaults_are_those_of_truss() -> None:
    assert parse(b"") == TrussConfig((), "packages")


def test_values() -> None:
    config = parse(
        b"external_package_dirs: [../b, ../a]\nbundled_packages_dir: ./x//y/\nmodel_module_dir: m\n"
    )
    assert config == TrussConfig(
        ("../b", "../a"), "x/y", model_module_dir="m", model_file="m/model.py"
    )


def test_all_other_values() -> None:
    config = parse(
        b"model_class_filename: sub/own.py\nmodel_class_name: Mine\ndata_dir: ./d/\n"
        b"examples_filename: ./e.yaml\npython_version: py311\nrequirements: [numpy, a==1]\n"
        b"requirements_file: ./r//reqs.txt\ndocker_server: {start_command: serve}\n"
        b"unknown: [to, {this: part}]\n"
    )
    assert config == TrussConfig(
        model_file="model/sub/own.py",
        model_class_name="Mine",
        data_dir="d",
        examples_filename="e.yaml",
        python_version="py311",
        requirements=("numpy", "a==1"),
        requirements_file="r/reqs.txt",
        needs_model=False,
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "external_package_dirs: ../x",
            r"is the string '../x'. Write `external_package_dirs: \[../x\]`",
        ),
        ("external_package_dirs: 3", "is the number 3"),
        ("external_package_dirs:", r"is null. Write `external_package_dirs: \[../shared\]`"),
        ("external_package_dirs: ''", r"the string ''. Write `external_package_dirs: \[../shared"),
        ("external_package_dirs: {a: b}", "is a dict"),
        ("external_package_dirs: [1]", 'one entry is the number 1. Quote it: `"1"`'),
        ("external_package_dirs: [null]", "one entry is null"),
        ("bundled_packages_dir: /abs", "must be a folder inside the truss, but is '/abs'"),
        ("bundled_packages_dir: ../x", "must be a folder inside the truss"),
        ("bundled_packages_dir: a/../../x", "must be a folder inside the truss"),
        ("bundled_packages_dir: ''", "must be a folder inside the truss"),
        ("bundled_packages_dir: .", "must be a folder of its own in the truss"),
        ("bundled_packages_dir: a/..", "must be a folder of its own in the truss"),
        ("bundled_packages_dir: 1", "must be a string, but is the number 1"),
        ("bundled_packages_dir: model", "overlaps `model_module_dir` 'model'"),
        ("bundled_packages_dir: model/sub", "overlaps `model_module_dir`"),
        ("bundled_packages_dir: a\nmodel_module_dir: a/b", "overlaps `model_module_dir` 'a/b'"),
        ("bundled_packages_dir: ./a/\nmodel_module_dir: b/../a", "overlaps `model_module_dir`"),
        ("data_dir: ../d", "`data_dir` is '../d', which lies outside the truss"),
        ("data_dir: /d/", "Move the file into the truss and write `data_dir: d`"),
        ("data_dir: /", "Move the file into the truss and write `data_dir: name`"),
        ("data_dir: yes", "must be a string, but is the boolean true. Write `data_dir: data`"),
        ("data_dir:", "`data_dir` must be a string, but is null. Write `data_dir: data`"),
        ("data_dir: 2024-01-01", "`data_dir` must be a string, but is a date"),
        ("model_module_dir: ../m", "`model_module_dir` is '../m', which lies outside"),
        ("examples_filename: /e.yaml", "`examples_filename` is '/e.yaml', which lies outside"),
        ("bundled_packages_dir: config.yaml", "must be a folder of its own in the truss"),
        ("bundled_packages_dir: .truss_ignore", "must be a folder of its own in the truss"),
        ('bundled_packages_dir: "a\\0b"', "has the character"),
        ('bundled_packages_dir: "\\ud83d"', "has the character"),
        ('external_package_dirs: ["\\ud83d"]', "has half a character, U.D83D"),
        ('external_package_dirs: [a, "b\\tc"]', r"has the character '\\t' in 'b\\tc'. Remove it"),
        ('examples_filename: "a\\nb"', r"`examples_filename` has the character '\\n' in 'a\\nb'"),
        ("model_module_dir: [x]", "`model_module_dir` must be a string"),
        ("model_class_name: 1.5", "is the number 1.5. Write `model_class_name: Model`"),
        ("model_class_filename: {}", "is a dict. Write `model_class_filename: model.py`"),
        ("python_version: 3.11", "is the number 3.11. Write `python_version: py311`"),
        ("python_version: 3.10", "is the number 3.1. Write `python_version: py310`"),
        ("python_version: .nan", "Write `python_version: py313`"),
        ("python_version: 3", "is the number 3. Write `python_version: py313`"),
        ("requirements: numpy", r"a list of requirements, .* Write `requirements: \[numpy\]`"),
        ("requirements: {numpy: 1}", r"is a dict. Write `requirements: \[numpy\]`"),
        ("requirements_file: [r]", "is a list. Write `requirements_file: requirements.txt`"),
        (
            "requirements_file: ../r/reqs.txt",
            "Move the file into the truss and write `requirements_file: reqs.txt`",
        ),
        ("requirements_file: /etc/reqs.txt", "lies outside the truss and"),
    ],
)
def test_bad_values(text: str, message: str) -> None:
    with pytest.raises(TrussError, match=message):
        parse(text.encode())


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("bundled_packages_dir: models\n", "models"),
        ("bundled_packages_dir: mo\n", "mo"),
        ("bundled_packages_dir: x/model\n", "x/model"),
        ("bundled_packages_dir: ..x\n", "..x"),
        # The model lies in the truss folder itself, which contains every other folder.
        ("bundled_packages_dir: x\nmodel_module_dir: .\n", "x"),
    ],
)
def test_a_folder_of_its_own_for_shared_code(text: str, folder: str) -> None:
    assert parse(text.encode()).bundled_packages_dir == folder


@pytest.mark.parametrize("value", ["", "null", "''", "."])
def test_no_requirements_file(value: str) -> None:
    assert parse(f"requirements_file: {value}\n".encode()).requirements_file is None


def test_the_model_in_the_truss_itself() -> None:
    config = parse(b"model_module_dir: .\nmodel_class_filename: main.py\n")
    assert (config.model_module_dir, config.model_file) == ("", "main.py")


def test_a_line_of_requirements_may_continue_another() -> None:
    """What `pip-compile` writes, in one entry."""
    config = parse(
        b"requirements:\n- |\n  rich==13.0.0 \\\n      --hash=sha256:aa \\\n      --hash=sha256:bb\n"
        b"- six\n"
    )
    first, second = config.requirement_lines
    assert first.split() == ["rich==13.0.0", "--hash=sha256:aa", "--hash=sha256:bb"]
    assert second == "six"


def test_an_entry_of_requirements_may_have_several_lines() -> None:
    config = parse(b"requirements:\n  - |\n    numpy\n    pandas==2\n  - torch\n  - ''\n")
    assert config.requirement_lines == ("numpy", "pandas==2", "torch")
    assert config.requirements == ("numpy\npandas==2\n", "torch", "")


@pytest.mark.parametrize(
    ("version", "python"),
    [
        (None, (3, 13)),
        ("py39", (3, 9)),
        ("py310", (3, 10)),
        ("py314", (3, 14)),
        ("3.11", (3, 13)),
        ("py311 ", (3, 13)),
        ("xpy311", (3, 13)),
        ("py3", (3, 13)),
        ("py31", (3, 13)),
        ("py399", (3, 13)),
        ("py27", (3, 13)),
        ("", (3, 13)),
    ],
)
def test_the_python_of_a_truss(version: Optional[str], python: Tuple[int, int]) -> None:
    content = "" if version is None else f"python_version: '{version}'\n"
    assert parse(content.encode()).python == python


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, True),
        ({"docker_server": {"start_command": "x"}}, False),
        ({"trt_llm": {"build": {}}}, False),
        ({"bis_llm": True}, False),
        # As in Truss, an empty value counts as absent.
        ({"docker_server": None, "trt_llm": {}, "bis_llm": False}, True),
        ({"base_image": {"image": "x"}}, True),
    ],
)
def test_servers_that_load_no_model(data: Dict[str, Any], expected: bool) -> None:
    assert needs_model(data) is expected


# --- Errors.


def test_an_error_has_its_place() -> None:
    with pytest.raises(TrussError) as caught:
        parse(b"model_name: x\n\nrequirements:\n  - a\n  - 1\n")
    assert (caught.value.line, caught.value.column) == (3, 1)
    assert caught.value.key == ("requirements",)


def test_the_place_of_a_merged_key_is_where_it_is_written() -> None:
    with pytest.raises(TrussError) as caught:
        parse(b"base: &b\n    data_dir: ../d\n<<: *b\n")
    assert (caught.value.line, caught.value.column) == (2, 5)


def test_an_overlapping_default_has_no_place() -> None:
    # The default of one key overlaps the value of the other.
    overlaps = "overlaps `model_module_dir` 'packages'.* Write `bundled_packages_dir: bundled`"
    with pytest.raises(TrussError, match=overlaps) as caught:
        parse(b"model_module_dir: packages\n")
    assert (caught.value.line, caught.value.key) == (None, ("bundled_packages_dir",))


def test_all_problems_are_reported_with_their_places() -> None:
    document = yaml_document.parse(
        b"requirements: x\ndata_dir: ../d\nbundled_packages_dir: ''\nexternal_package_dirs: [1]\n"
        b"python_version: 3.12\nmodel_class_name: []\n"
    )
    assert [(error.key[0], error.line) for error in problems(document)] == [
        ("data_dir", 2),
        ("external_package_dirs", 4),
        ("bundled_packages_dir", 3),
        ("model_class_name", 6),
        ("python_version", 5),
        ("requirements", 1),
    ]


@pytest.mark.parametrize(
    "value",
    [
        "hf_abcdefghijklmnopqrstuvwxyz",
        "https://user:hunter2@host/simple",
        "my secret",
        "passwd",
        "x." * 40,
    ],
)
@pytest.mark.parametrize("key", ["external_package_dirs", "requirements"])
def test_a_string_that_may_be_confidential_is_not_shown(key: str, value: str) -> None:
    with pytest.raises(TrussError) as caught:
        parse(f"{key}: {value}\n".encode())
    assert f"`{key}` must be a list" in str(caught.value)
    assert ", but is a string. Write" in str(caught.value)
    assert value not in str(caught.value)


texts = st.one_of(
    st.sampled_from(["", ".", "..", "/", "a", "./a/", "a/../..", "model", "config.yaml", "py311"]),
    st.text(alphabet="ab./~\\ \n\x00é", max_size=8),
)
values = st.one_of(
    texts,
    texts,
    st.lists(st.one_of(texts, st.integers(), st.none()), max_size=3),
    st.none(),
    st.booleans(),
    st.integers(-9, 9),
    st.floats(),
    st.dictionaries(st.text("ab"), st.text("ab"), max_size=1),
)
KEYS = (
    "external_package_dirs bundled_packages_dir model_module_dir model_class_filename "
    "model_class_name data_dir examples_filename python_version requirements requirements_file"
).split()


@given(st.dictionaries(st.sampled_from(KEYS), values, max_size=4))
@settings(max_examples=600)
def test_a_config_is_read_or_each_problem_names_its_key_and_a_remedy(data: Dict[str, Any]) -> None:
    document = yaml_document.parse(yaml.safe_dump(data).encode())
    found = list(problems(document))
    for error in found:
        assert str(error).startswith(f"`{error.key[0]}` ")
        assert any(verb in str(error) for verb in ("rite `", "Quote it", "Remove it"))
        # The key is written, or its default overlaps one that is.
        assert error.line or "overlaps" in str(error)
        assert "\n" not in str(error)
    if found:
        with pytest.raises(TrussError) as caught:
            read(document)
        assert str(caught.value) == str(found[0])
        return
    config = read(document)
    folders = [config.bundled_packages_dir, config.model_module_dir, config.data_dir]
    for path in [*folders, config.examples_filename, config.requirements_file or ""]:
        assert not path or normalize_inside(path) == path
    assert config.bundled_packages_dir not in ("", config.model_module_dir)
    assert config.external_package_dirs == tuple(data.get("external_package_dirs", ()))
    assert config.model_file.startswith(config.model_module_dir)


def test_messages_never_show_the_content_of_a_mapping() -> None:
    with pytest.raises(TrussError) as caught:
        parse(b"requirements: [{index: 'https://u:hunter2@host'}]\n")
    assert "one entry is a dict" in str(caught.value) and "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["data_dir: 0x", "requirements: [0x", "requirements: 0x"])
def test_a_number_that_python_refuses_to_print(text: str) -> None:
    end = "]" if "[" in text else ""
    with pytest.raises(TrussError, match="a number"):
        parse(f"{text}{'f' * 5000}{end}\n".encode())


def test_the_model_file_is_a_path() -> None:
    assert parse(b"model_class_filename: ./sub//model.py\n").model_file == "model/sub/model.py"


@pytest.mark.parametrize(
    ("number", "meant"), [("3.8", "py310"), ("3.9", "py310"), ("3.10", "py310"), ("3.19", "py314")]
)
def test_the_advice_for_a_number_is_a_version_of_truss(number: str, meant: str) -> None:
    with pytest.raises(TrussError, match=f"Write `python_version: {meant}`"):
        parse(f"python_version: {number}\n".encode())
