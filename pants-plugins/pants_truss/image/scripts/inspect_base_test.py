"""Tests parts of the script for which whole layers would show less."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.testutil.scripts import import_scripts

SCRIPTS = Path(__file__).resolve().parent
(inspect_base,) = import_scripts(["inspect_base"], SCRIPTS, SCRIPTS.parent.parent / "core")

FILE, FOLDER = "file", "folder"


def tree(*entries: Any) -> Any:
    """Returns a tree of files, folders (with a final slash) and links (path, target)."""
    made = inspect_base.Tree()
    for entry in entries:
        if isinstance(entry, tuple):
            made._set(entry[0], "link", entry[1])
        else:
            made._set(entry.rstrip("/"), FOLDER if entry.endswith("/") else FILE, "")
    return made


@pytest.mark.parametrize(
    "entries, path, expected",
    [
        (["a"], "a", "a"),
        (["a"], "/a", "a"),
        (["a"], "//./a/.", "a"),
        (["a"], "b", None),
        # The root exists, and nothing lies above it.
        ([], "/", ""),
        ([], "", ""),
        (["a"], "../../a", "a"),
        (["x/a", "b"], "x/../b", "b"),
        ([("l", "a"), "a"], "l", "a"),
        ([("l", "/a"), "a"], "x/../l", "a"),
        ([("usr/l", "../a"), "a"], "usr/l", "a"),
        ([("usr/l", "../../../a"), "a"], "usr/l", "a"),
        ([("usr/l", "/a"), "a"], "/usr/l", "a"),
        # A link in the middle of a path, to a folder.
        ([("bin", "usr/bin"), "usr/bin/x"], "/bin/x", "usr/bin/x"),
        ([("bin", "./usr//bin/"), "usr/bin/x"], "bin/x", "usr/bin/x"),
        ([("a", "b"), ("b", "c"), "c/d"], "a/d", "c/d"),
        # The parent of a link is the parent of its target.
        ([("a", "b/c"), "b/x"], "a/../x", "b/x"),
        ([("l", "nowhere")], "l", None),
        ([("l", "l")], "l", None),
        ([("a", "b"), ("b", "a")], "a/x", None),
        # A link that grows with each step.
        ([("a", "a/a")], "a", None),
    ],
)
def test_resolve(entries: List[Any], path: str, expected: Optional[str]) -> None:
    assert tree(*entries).resolve(path) == expected
    assert tree(*entries).has(path) is (expected is not None)


STEPS = st.lists(st.sampled_from(["a", "b", "..", "."]), max_size=6).map("/".join)
LINKS = st.dictionaries(st.sampled_from(["a", "b", "a/b", "b/a", "a/a"]), STEPS, max_size=4)


@given(LINKS, STEPS)
def test_links_neither_loop_nor_leave_the_image(links: Dict[str, str], path: str) -> None:
    made = tree(*links.items(), "c/")
    found = made.resolve(path)
    assert found is None or found == "" or found in made.kinds


@pytest.mark.parametrize(
    "name, expected",
    [("a/b", "a/b"), ("./a", "a"), ("a//./b/", "a/b"), (".", ""), ("..a/b..", "..a/b..")],
)
def test_names_inside_of_the_image(name: str, expected: str) -> None:
    assert inspect_base.inside(name, "entry", "l") == expected


@pytest.mark.parametrize("name", ["/a", "..", "a/..", "a/../b", "./../x", "//a"])
def test_names_that_lead_out_of_the_image(name: str) -> None:
    with pytest.raises(inspect_base.BadBase) as caught:
        inspect_base.inside(name, "entry", "sha256-1")
    assert str(caught.value) == (
        f"the layer sha256-1 has the entry {name!r}, which leads out of the image"
    )


# Several layers.


def member(name: str, target: str = "", kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.linkname, info.type = target, kind
    return info


def layer(folder: Path, *members: tarfile.TarInfo) -> Tuple[str, str]:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for info in members:
            tar.addfile(info)
    path = folder / f"layer{len(list(folder.iterdir()))}"
    path.write_bytes(data.getvalue())
    return str(path), f"sha256:{hashlib.sha256(data.getvalue()).hexdigest()}"


def stacked(folder: Path, *layers: List[tarfile.TarInfo]) -> Any:
    made = inspect_base.Tree()
    for members in layers:
        made.add_layer(*layer(folder, *members))
    return made


def link(name: str, target: str) -> tarfile.TarInfo:
    return member(name, target, tarfile.SYMTYPE)


def folder_of(name: str) -> tarfile.TarInfo:
    return member(name, "", tarfile.DIRTYPE)


def test_only_files_of_python_are_kept(tmp_path: Path) -> None:
    names = [
        "usr/bin/python3.13t",
        "bin/python",
        "venv/pyvenv.cfg",
        "opt/lib/python3.9/os.py",
        "lib64/ld-linux-x86-64.so.2",
        "lib/ld-musl-aarch64.so.1",
    ]
    others = [
        "usr/bin/python3-config",
        "usr/bin/python3.11.exe",
        "usr/bin/ipython3",
        "opt/lib/python3.9/ossaudio.py",
        "opt/lib/python3.9/json/os.py",
        "lib/ld-linux.so",
        "etc/passwd",
    ]
    made = stacked(tmp_path, [member(name) for name in [*names, *others]])
    assert sorted(made.kinds) == sorted(names)
    # All links and folders are kept, because they may be on the way.
    made = stacked(tmp_path, [link("etc/x", "/y"), folder_of("srv/"), folder_of("./")])
    assert made.kinds == {"etc/x": "link", "srv": FOLDER, "": FOLDER}
    assert made.links == {"etc/x": "/y"}


PYTHON = [member("usr/bin/python3"), member("usr/bin/python3.11"), folder_of("usr/bin")]


@pytest.mark.parametrize(
    "upper, left",
    [
        ([member("usr/bin/.wh.python3")], ["usr/bin", "usr/bin/python3.11"]),
        # Paths that only begin with the same name stay.
        ([member("usr/bin/.wh.python")], ["usr/bin", "usr/bin/python3", "usr/bin/python3.11"]),
        ([member("usr/.wh.bin")], []),
        ([member(".wh.usr")], []),
        ([member(".wh..wh..opq")], []),
        ([member("usr/bin/.wh..wh..opq")], ["usr/bin"]),
        ([member("us/.wh..wh..opq")], ["usr/bin", "usr/bin/python3", "usr/bin/python3.11"]),
        # A layer does not hide its own entries, in any order.
        (
            [member("usr/bin/python3"), member("usr/bin/.wh..wh..opq")],
            ["usr/bin", "usr/bin/python3"],
        ),
        ([member("./usr/bin/.wh..wh..opq"), link("usr/bin/x", "y")], ["usr/bin", "usr/bin/x"]),
    ],
)
def test_whiteouts(tmp_path: Path, upper: List[tarfile.TarInfo], left: List[str]) -> None:
    made = stacked(tmp_path, PYTHON, upper)
    assert sorted(made.kinds) == left


def test_a_link_of_a_lower_layer_that_a_folder_replaces(tmp_path: Path) -> None:
    made = stacked(tmp_path, [link("app", "/srv")], [folder_of("app")])
    assert (made.kinds, made.links) == ({"app": FOLDER}, {})
    hidden = stacked(tmp_path, [link("app", "/srv")], [member(".wh.app")])
    assert (hidden.kinds, hidden.links) == ({}, {})


def test_a_layer_that_ends_too_early(tmp_path: Path) -> None:
    path, diff_id = layer(tmp_path, *(member(f"usr/bin/python3.{number}") for number in range(9)))
    whole = gzip.compress(Path(path).read_bytes())
    Path(path).write_bytes(whole[:-20])
    spec: Dict[str, Any] = {
        "layers": [path],
        "diff_ids": [diff_id],
        "python": "python3",
        "path": "/usr/bin",
    }
    with pytest.raises(inspect_base.BadBase) as caught:
        inspect_base.inspect({**spec, "ours": [], "new": []})
    assert str(caught.value) == (
        f"the layer {Path(path).name} cannot be read: Compressed file ended before the "
        "end-of-stream marker was reached"
    )


def test_bytes_after_the_end_of_a_layer_change_its_digest(tmp_path: Path) -> None:
    path, diff_id = layer(tmp_path, *PYTHON)
    with open(path, "ab") as file:
        file.write(b"x")
    found = f"sha256:{hashlib.sha256(Path(path).read_bytes()).hexdigest()}"
    with pytest.raises(inspect_base.BadBase) as caught:
        inspect_base.Tree().add_layer(path, diff_id)
    assert str(caught.value) == (
        f"the layer {Path(path).name} has the uncompressed digest {found}, but its config says "
        f"{diff_id}"
    )


def test_layers_are_read_compressed_or_not(tmp_path: Path) -> None:
    path, diff_id = layer(tmp_path, *PYTHON)
    raw = Path(path).read_bytes()
    # Gzip data in two members is one file as well.
    for content in (raw, gzip.compress(raw), gzip.compress(raw[:700]) + gzip.compress(raw[700:])):
        Path(path).write_bytes(content)
        made = inspect_base.Tree()
        made.add_layer(path, diff_id)
        assert len(made.kinds) == 3


@pytest.mark.parametrize("folder", ["\udcff", "a\x1b"])
def test_a_python_in_a_folder_whose_name_is_not_text(folder: str) -> None:
    made = tree(f"{folder}/bin/python3.11", f"{folder}/lib/python3.11/os.py")
    with pytest.raises(inspect_base.BadBase, match="has a name that is not text"):
        inspect_base.describe_python(made, f"/{folder}/bin/python3.11")


def test_links_that_lead_to_themselves_take_no_time() -> None:
    """A kernel follows 40 links. Each of these makes the path longer."""
    long = "/".join("a" * 2000)
    made = tree(("a", long), ("b", "b"), *((f"c{n}", f"c{n + 1}") for n in range(40)), "c40")
    paths = ":".join(f"/a/{number}" for number in range(100_000))
    with pytest.raises(inspect_base.BadBase):
        inspect_base.find_python(made, "python3", paths)
    assert made.resolve("b") is None
    assert made.resolve("c1") == "c40" and made.resolve("c0") == "c40"
    assert tree(*((f"c{n}", f"c{n + 1}") for n in range(41)), "c41").resolve("c0") is None


# Python.


@pytest.mark.parametrize(
    "entries, python, path, expected",
    [
        (["usr/bin/python3"], "python3", "/bin:/usr/bin", "/usr/bin/python3"),
        (["usr/bin/python3"], "/usr/bin/python3", "", "/usr/bin/python3"),
        (["usr/bin/python3", "bin/python3"], "python3", "/bin:/usr/bin", "/bin/python3"),
        # An empty entry is the working folder of a process.
        (["python3", "bin/python3"], "python3", "::/bin", "/bin/python3"),
        # A folder of that name, and a broken link, are skipped.
        (["a/python3/", ("b/python3", "x"), "c/python3"], "python3", "/a:/b:/c", "/c/python3"),
        ([("bin", "usr/bin"), "usr/bin/python3"], "python3", "/bin", "/bin/python3"),
    ],
)
def test_the_python_that_is_found(
    entries: List[Any], python: str, path: str, expected: str
) -> None:
    assert inspect_base.find_python(tree(*entries), python, path) == expected


@pytest.mark.parametrize(
    "entries, python, message",
    [
        ([], "python3", "it has no python3 on its PATH '/a:/b'."),
        ([], "/x/python3", "it has no /x/python3."),
        (
            ["opt/bin/python3.11", "opt/bin/python3", "lib/python3.9/os.py", "bin/python"],
            "python3",
            "it has no python3 on its PATH '/a:/b'. It has /opt/bin/python3, /opt/bin/python3.11.",
        ),
        (
            [f"{letter}x/python3" for letter in "fedcba"],
            "/p",
            "it has no /p. It has /ax/python3, /bx/python3, /cx/python3, /dx/python3, /ex/python3.",
        ),
    ],
)
def test_a_missing_python(entries: List[str], python: str, message: str) -> None:
    with pytest.raises(inspect_base.BadBase) as caught:
        inspect_base.find_python(tree(*entries), python, "/a:/b")
    assert str(caught.value) == message


def described(*entries: Any, python: str = "/usr/bin/python3") -> Tuple[str, str, str]:
    found = inspect_base.describe_python(tree(*entries), python)
    return found["version"], found["site"], found["prefix"]


LIBRARY = "usr/lib/python3.11/os.py"


def test_the_version_of_an_executable_without_a_version_in_its_name() -> None:
    assert described("usr/bin/python3", LIBRARY)[0] == "3.11"
    # A library of another Python, below or beside it.
    others = ["usr/local/lib/python3.12/os.py", "opt/usr/lib/python3.13/os.py"]
    assert described("usr/bin/python3", LIBRARY, *others)[0] == "3.11"


@pytest.mark.parametrize("libraries", [[], [LIBRARY, "usr/lib/python3.12/os.py"]])
def test_a_version_that_cannot_be_determined(libraries: List[str]) -> None:
    with pytest.raises(inspect_base.BadBase) as caught:
        described("usr/bin/python3", *libraries)
    assert str(caught.value) == "cannot determine the version of its /usr/bin/python3"


def test_a_virtual_environment_is_where_its_link_lies() -> None:
    base = ["usr/bin/python3.11", LIBRARY, "usr/lib/python3/dist-packages/"]
    venv = [("venv/bin/python3", "/usr/bin/python3.11"), "venv/pyvenv.cfg"]
    expected = ("3.11", "venv/lib/python3.11/site-packages", "venv")
    assert described(*base, *venv, python="/venv/bin/python3") == expected
    # Through links, each resolved where it lies.
    links = [("bin/python3", "../here/python3"), ("here/python3", "/venv/bin/python3")]
    assert described(*base, *venv, *links, python="/bin/python3") == expected
    moved = [("opt/env", "/venv")]
    assert described(*base, *venv, *moved, python="/opt/env/bin/python3") == (
        "3.11",
        "opt/env/lib/python3.11/site-packages",
        "opt/env",
    )


@pytest.mark.parametrize(
    "entries, site",
    [
        ([LIBRARY], "usr/lib/python3.11/site-packages"),
        ([LIBRARY, "usr/lib/python3/dist-packages/"], "usr/local/lib/python3.11/dist-packages"),
    ],
)
def test_debians_python_has_its_own_folders(entries: List[str], site: str) -> None:
    assert described("usr/bin/python3.11", ("usr/bin/python3", "python3.11"), *entries) == (
        "3.11",
        site,
        site.rpartition("/lib/")[0],
    )


# Links in the paths that are written to.


@pytest.mark.parametrize(
    "entries, folders, step",
    [
        ([("app", "/srv")], ["app"], "app"),
        ([("opt", "/srv")], ["app", "opt/a/b"], "opt"),
        ([("opt/a", "x"), ("opt/a/b", "y")], ["opt/a/b"], "opt/a"),
        # A link to itself, or to nothing, counts too.
        ([("app", "app")], ["app"], "app"),
    ],
)
def test_a_link_in_the_way(entries: List[Any], folders: List[str], step: str) -> None:
    made = tree(*entries)
    with pytest.raises(inspect_base.BadBase) as caught:
        inspect_base.check_ours(made, folders)
    assert str(caught.value) == (
        f"its /{step} is a link to {made.links[step]!r}, but the image needs a folder there"
    )


def test_links_elsewhere_are_not_in_the_way() -> None:
    made = tree(("app2", "/srv"), ("opt/a/b", "x"), ("srv", "/app"), "app/")
    inspect_base.check_ours(made, ["app", "opt/a", "opt/b"])
