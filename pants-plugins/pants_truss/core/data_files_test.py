from __future__ import annotations

import pytest

from pants_truss.core.data_files import is_data, is_named, leaves_its_folder, named_strings


@pytest.mark.parametrize("path", ["lexicon.json", "data/vocab.TXT.gz", "w.pkl", "a/b.yaml"])
def test_data_by_its_suffix(path: str) -> None:
    assert is_data(path)


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "py.typed",
        "LICENSE",
        "explore.ipynb",
        "requirements.txt",
        "config.yaml",
        "package-lock.json",
        "tests/case.json",
        "docs/picture.png",
        ".pre-commit-config.yaml",
    ],
)
def test_files_that_code_seldom_opens(path: str) -> None:
    assert not is_data(path)


def test_strings_that_can_name_files() -> None:
    source = b"open('a.txt')\nx = f'{y}/b.json'\n'''doc\nc.csv'''\nPath('d', \"e.csv\") # 'f.csv'\n"
    assert {"a.txt", "/b.json", "d", "e.csv"} <= named_strings(source)
    assert "f.csv" not in named_strings(source)
    assert named_strings(b"f'{a}{b}_{c:>{d}}.x'") >= {"*_*.x", "_", ".x"}
    # Not valid on any Python: the strings of the text.
    assert named_strings(b"match x:\n  case 'a.txt' if \"b.txt\" else\n") == {"a.txt", "b.txt"}
    assert named_strings(b"\x00\xff") == frozenset()


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("a.json", "a.json", True),
        ("data/a.json", "a.json", True),
        ("data/a.json", "data/a.json", True),
        ("data/a.json", "./data/a.json", True),
        ("data/a.json", "/a.json", True),
        ("data/a.json", "other/a.json", False),
        ("a.json", "data/a.json", False),
        ("a.json", "b.json", False),
        ("a.json", "aa.json", False),
        ("a.json", "a", False),
        ("a.json", "*.json", True),
        ("b/a.json", "*.json", True),
        ("b/a.json", "b/*.json", True),
        ("b/a.json", "*/b/*.json", True),
        ("b/a.json", "c/*.json", False),
        ("a_de.txt", "a_*.txt", False),
        ("words_de.txt", "words_*.txt", True),
        ("words_de.txt", "*/words_*.txt", True),
        ("a.json", "*/*.json", False),
        ("README.md", "*.md", False),
        ("a.json", "*", False),
        ("a.json", "*.*", False),
        ("a.json", "at * of *.json", False),
    ],
)
def test_a_string_names_a_file(path: str, text: str, expected: bool) -> None:
    assert is_named(path, {text, "", "x"}) is expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (b"open('../a.json')", True),
        (b"join(here, '..', 'a.json')", True),
        (b"join(here, os.pardir)", True),
        (b"Path(__file__).parent.parent / 'a'", True),
        (b"Path(__file__).resolve().parents[1]", True),
        (b"dirname(dirname(__file__))", True),
        (b"os.path.dirname(os.path.dirname(__file__))", True),
        (b"dirname(os.path.abspath(os.path.dirname(__file__)))", False),
        (b"Path(__file__).parent / 'a'", False),
        (b"from .. import a  # ...", False),
    ],
)
def test_code_that_names_the_folder_above(source: bytes, expected: bool) -> None:
    assert leaves_its_folder(source) is expected
