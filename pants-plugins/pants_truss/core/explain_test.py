from __future__ import annotations

import json

import pytest

from pants_truss.core.errors import TrussError
from pants_truss.core.explain import describe_path, describe_truss
from pants_truss.core.gathered import GatheredFile, GatheredRequirement, digest_of
from pants_truss.core.graphviz import DrawnTruss, draw
from pants_truss.core.manifest import manifest, to_bytes


def file(path: str, reason: str, target: str = "t:t", source: str = "", **kw: bool) -> GatheredFile:
    return GatheredFile(
        path, "0" * 64, 1500, kw.get("executable", False), target or None, source or None, reason
    )


FILES = (
    file("config.yaml", "generated", source="t/config.yaml"),
    file("model/model.py", "truss", source="t/model/model.py"),
    file("packages/ext/a.py", "external_package_dirs", "e:e", "e/ext/a.py"),
    file("packages/lib/b.py", "imported by t/model/model.py", "s/lib/b.py", "s/lib/b.py"),
    file("packages/lib/c.py", "imported by s/lib/b.py", "s/lib/c.py", "s/lib/c.py"),
    file("packages/one.py", "explicit dependency", "s:one", "s/one.py", executable=True),
)
REQUIREMENTS = (
    GatheredRequirement("joblib==1.0", "x.lock", "required by scikit-learn"),
    GatheredRequirement("scikit-learn==1.4", "x.lock", "imported by t/model/model.py"),
    GatheredRequirement("--pre", "t/config.yaml", None),
)
VIA = {"t/model/model.py": None, "s/lib/b.py": "t/model/model.py", "s/lib/c.py": "s/lib/b.py"}
SOURCES = {key: key for key in VIA}


def test_text_groups_by_origin() -> None:
    text = describe_truss("t:t", FILES, REQUIREMENTS, digest_of(FILES))
    assert text.startswith("t:t: 6 files, 9.0 kB, sha256:")
    body = text.partition("\n")[2]
    assert body == (
        "\n"
        "  truss (t:t): 1 file, 1.5 kB\n"
        "    model/model.py    1.5 kB\n"
        "\n"
        "  external_package_dirs (e:e): 1 file, 1.5 kB\n"
        "    packages/ext/a.py    1.5 kB\n"
        "\n"
        "  imported: 2 files, 3.0 kB\n"
        "    packages/lib/b.py    1.5 kB  imported by t/model/model.py\n"
        "    packages/lib/c.py    1.5 kB  imported by s/lib/b.py\n"
        "\n"
        "  explicit dependency: 1 file, 1.5 kB\n"
        "    packages/one.py*   1.5 kB  s:one\n"
        "\n"
        "  generated: 1 file, 1.5 kB\n"
        "    config.yaml    1.5 kB\n"
        "\n"
        "  requirements\n"
        "    joblib==1.0        x.lock (required by scikit-learn)\n"
        "    scikit-learn==1.4  x.lock (imported by t/model/model.py)\n"
        "    --pre              t/config.yaml\n"
    )


def test_the_chain_of_imports() -> None:
    assert describe_path("t:t", "packages/lib/c.py", FILES, VIA, SOURCES) == (
        "t:t: packages/lib/c.py\n"
        "  from s/lib/c.py (s/lib/c.py)\n"
        "  t/model/model.py\n"
        "  -> s/lib/b.py\n"
        "    -> s/lib/c.py\n"
    )


@pytest.mark.parametrize(
    ("path", "last_line"),
    [
        ("model/model.py", "because: truss"),
        ("packages/ext/a.py", "because: external_package_dirs"),
        ("packages/one.py", "because: explicit dependency"),
        ("config.yaml", "because: generated"),
    ],
)
def test_files_that_no_import_brought(path: str, last_line: str) -> None:
    text = describe_path("t:t", path, FILES, VIA, SOURCES)
    assert text.splitlines()[-1].strip() == last_line


def test_a_path_that_is_not_there() -> None:
    with pytest.raises(TrussError, match="no file 'lib/c.py'. Did you mean packages/lib/c.py?"):
        describe_path("t:t", "lib/c.py", FILES, VIA, SOURCES)
    with pytest.raises(TrussError, match="`pants truss-explain` without `--path` lists all"):
        describe_path("t:t", "x.py", FILES, VIA, SOURCES)


def test_dot() -> None:
    edges = [
        ("t/model/model.py", "s/lib/b.py"),
        ("s/lib/b.py", "s/lib/c.py"),
        ("s/lib/c.py", "r:sklearn"),
        ("t/model/model.py", "s:one"),
    ]
    drawn = DrawnTruss(
        "t:t",
        FILES,
        REQUIREMENTS,
        edges,
        {**SOURCES, "s:one": "s/one.py"},
        {"r:sklearn": ["scikit-learn"]},
        {"e:e": "e"},
    )
    assert draw([drawn]) == (
        "digraph trusses {\n"
        "  rankdir=LR;\n"
        '  "e:e" [shape=folder];\n'
        '  "pip:joblib" [shape=ellipse];\n'
        '  "pip:scikit-learn" [shape=ellipse];\n'
        '  "s/lib" [shape=folder];\n'
        '  "s/one.py" [shape=folder];\n'
        '  "t:t" [shape=box];\n'
        '  "pip:scikit-learn" -> "pip:joblib";\n'
        '  "s/lib" -> "pip:scikit-learn";\n'
        '  "t:t" -> "e:e";\n'
        '  "t:t" -> "s/lib";\n'
        '  "t:t" -> "s/one.py";\n'
        "}\n"
    )


def test_manifest_bytes_are_stable_ascii() -> None:
    data = manifest("t:t", [file("é.py", "truss", source="t/é.py")], REQUIREMENTS, "sha256:0")
    content = to_bytes(data)
    assert content == to_bytes(json.loads(content))
    assert content.endswith(b"}\n") and b"\\u00e9.py" in content
    assert list(data) == ["version", "target", "tree_digest", "size", "files", "requirements"]


def test_names_are_shown_as_no_terminal_obeys_them() -> None:
    path = "data/k\n::error::x\x1b[31m"
    files = (file(path, "truss", source=f"t/{path}"),)
    shown = "data/k\\n::error::x\\x1b[31m"
    text = describe_truss("t:t", files, (), digest_of(files))
    assert [line for line in text.splitlines() if "error" in line][0].startswith(f"    {shown} ")
    assert describe_path("t:t", path, files, {}, {}).splitlines() == [
        f"t:t: {shown}",
        f"  from t/{shown} (t:t)",
        "  because: truss",
    ]
