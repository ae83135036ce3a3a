"""Finds the Python of a base image in the file lists of its layers, and checks the digests of the
layers against the config. Nothing is unpacked.

    inspect_base.py base.json

The keys of base.json: `layers`, the blobs, lowest first; `diff_ids`, their uncompressed digests;
`path`, the PATH of the image; `python`, the absolute path of its Python, or a name on `path`;
`ours`, folders that will be written to; `new`, folders that must not exist. Prints JSON: either
`error`, or `version` such as `3.11`, `site`, the folder whose `.pth` files this Python reads first,
and `prefix`, its installation prefix.
"""

import gzip
import json
import os
import posixpath
import re
import sys
import tarfile
from typing import Any, BinaryIO, Dict, Iterator, List, Optional, Set, Tuple, cast

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bounded_tar  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep

LINK = "link"
FILE = "file"
FOLDER = "folder"

OF_PYTHON = re.compile(
    r"(?:.*/)?(?:python3?(?:\.\d+)?t?|pyvenv\.cfg|lib/python3(?:\.\d+)?t?/(?:os\.py|dist-packages|"
    r"site-packages)|ld-(?:musl|linux)-[^/]*\.so\.\d+)"
)


# Limits for layers, which are not trusted. Images that engines can run stay far below them.

# The number of entries in all layers. The largest images have about a million files.
MAX_ENTRIES = 5_000_000
# The links that Linux follows in one path, and the folders of a PATH that are searched.
MAX_LINKS = 40
MAX_PATH = 1000
# The ratio of a layer to its blob. Text compresses to a tenth of its size, zeros to a thousandth.
MAX_EXPANSION = 200
# The bytes that every layer may unpack to, whatever the ratio, and those that none may exceed.
ALWAYS_ALLOWED = 1024**3
MAX_LAYER = 1024**4


class BadBase(Exception):
    """The message is shown to the user."""


def uncompressed(path: str) -> BinaryIO:
    file: Any = open(path, "rb")
    magic = file.read(4)
    file.seek(0)
    if magic == b"\x28\xb5\x2f\xfd":
        import zstandard

        reader: Any = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
    elif magic[:2] == b"\x1f\x8b":
        reader = gzip.GzipFile(fileobj=file)
    else:
        reader = file
    return cast(BinaryIO, reader)


def layer_limit(path: str) -> int:
    return min(MAX_LAYER, max(ALWAYS_ALLOWED, MAX_EXPANSION * os.path.getsize(path)))


def inside(name: str, what: str, layer: str) -> str:
    """Returns the name without `./`. A careless tool would unpack other names outside the image."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts:
        raise BadBase(f"the layer {layer} has the {what} {name!r}, which leads out of the image")
    return "/".join(parts)


def folders_of(name: str) -> Iterator[str]:
    """Yields the folders around a path; the root of the image is empty."""
    while name:
        name = name.rpartition("/")[0]
        yield name


def parts_of(path: str) -> List[str]:
    """The parts of a path, the last one first."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]


class Tree:
    """The files of an image that matter here, by path without a leading slash."""

    def __init__(self) -> None:
        self.kinds: Dict[str, str] = {}
        self.links: Dict[str, str] = {}
        self.entries = 0

    def add_layer(self, path: str, diff_id: str) -> None:
        layer = posixpath.basename(path)
        try:
            self._add_layer(path, layer, diff_id)
        except bounded_tar.BadArchive as e:
            raise BadBase(f"the layer {layer} {e}") from None
        except (tarfile.TarError, OSError, ValueError, RecursionError) as e:
            raise BadBase(f"the layer {layer} cannot be read: {e}") from None

    def _add_layer(self, path: str, layer: str, diff_id: str) -> None:
        limit = layer_limit(path)
        stream: Any = bounded_tar.Hashed(
            uncompressed(path),
            limit,
            f", the limit for a blob of its size ({MAX_EXPANSION} times as much, at least "
            f"{ALWAYS_ALLOWED}, at most {MAX_LAYER})",
        )
        mine: Dict[str, Tuple[str, str]] = {}
        # Paths that are hidden with everything below them, and folders whose content is hidden.
        hidden: List[str] = []
        emptied: List[str] = []
        with tarfile.TarFile(fileobj=stream, tarinfo=bounded_tar.bounded_headers()) as tar:
            for member in bounded_tar.members(tar, limit):
                self.entries += 1
                if self.entries > MAX_ENTRIES:
                    raise bounded_tar.BadArchive(
                        f"exceeds the limit of {MAX_ENTRIES} entries in all layers"
                    )
                name = inside(member.name, "entry", layer)
                if member.islnk():
                    inside(member.linkname, f"hard link {member.name!r} to", layer)
                folder, _, last = name.rpartition("/")
                if last in (".wh..wh..opq", ".wh."):
                    emptied.append(folder)
                elif last.startswith(".wh."):
                    hidden.append(f"{folder}/{last[4:]}".lstrip("/"))
                elif member.issym():
                    mine[name] = (LINK, member.linkname)
                elif member.isdir():
                    mine[name] = (FOLDER, "")
                elif OF_PYTHON.fullmatch(name):
                    mine[name] = (FILE, "")
        if stream.digest() != diff_id:
            raise BadBase(
                f"the layer {layer} has the uncompressed digest {stream.digest()}, but its config "
                f"says {diff_id}"
            )
        self._hide(set(hidden), set(emptied))
        for name, (kind, target) in mine.items():
            self._set(name, kind, target)

    def _hide(self, hidden: Set[str], emptied: Set[str]) -> None:
        for name in list(self.kinds) if hidden or emptied else ():
            if name in hidden or any(f in hidden or f in emptied for f in folders_of(name)):
                self.kinds.pop(name)
                self.links.pop(name, None)

    def _set(self, name: str, kind: str, target: str) -> None:
        self.kinds[name] = kind
        self.links.pop(name, None)
        if kind == LINK:
            self.links[name] = target

    def resolve(self, path: str) -> Optional[str]:
        """Resolves all links, like the kernel in the image. None if the path does not exist."""
        done, links = "", 0
        rest = parts_of(path)
        while rest:
            part = rest.pop()
            if part == "..":
                done = done.rpartition("/")[0]
                continue
            step = f"{done}/{part}" if done else part
            target = self.links.get(step)
            if target is None:
                done = step
                continue
            links += 1
            if links > MAX_LINKS:
                return None
            if target.startswith("/"):
                done = ""
            rest += parts_of(target)
        return done if done in self.kinds or not done else None

    def has(self, path: str) -> bool:
        return self.resolve(path) is not None

    def near(self) -> Iterator[str]:
        return (n for n, kind in sorted(self.kinds.items()) if kind == FILE and "python3" in n)


def find_python(tree: Tree, python: str, path: str) -> str:
    """Returns the path by which the executable is called, without resolving links."""
    if python.startswith("/"):
        candidates = [python]
    else:
        folders = [folder for folder in dict.fromkeys(path.split(":")) if folder][:MAX_PATH]
        candidates = [posixpath.join(folder, python) for folder in folders]
    for candidate in candidates:
        real = tree.resolve(candidate)
        if real is not None and tree.kinds.get(real) == FILE:
            return candidate
    found = [f"/{n}" for n in tree.near() if re.fullmatch(r"python3(\.\d+)?", n.rpartition("/")[2])]
    others = f" It has {', '.join(found[:5])}." if found else ""
    where = "" if python.startswith("/") else f" on its PATH {path!r}"
    raise BadBase(f"it has no {python}{where}.{others}")


def check_libc(tree: Tree) -> None:
    loaders = [name.rpartition("/")[2] for name in tree.kinds if "/ld-" in f"/{name}"]
    musl = [name for name in loaders if name.startswith("ld-musl-")]
    if musl and not any(name.startswith("ld-linux-") for name in loaders):
        raise BadBase("its C library is musl, but requirements are installed for glibc")


def describe_python(tree: Tree, python: str) -> Dict[str, str]:
    prefix, is_venv = prefix_of(tree, python)
    real = tree.resolve(python) or ""
    match = re.fullmatch(r"python(3\.\d+)", real.rpartition("/")[2])
    installed = real.rpartition("/")[0].rpartition("/")[0]
    version = match.group(1) if match else ""
    if not version:
        found = [
            n
            for n in tree.kinds
            if re.fullmatch(rf"{re.escape(installed)}/lib/python3\.\d+/os\.py", n)
        ]
        if len(found) != 1:
            raise BadBase(f"cannot determine the version of its /{real}")
        version = found[0].split("/")[-2][len("python") :]
    site = site_of(tree, prefix, is_venv, version)
    if not site.isprintable():
        raise BadBase(f"the folder of its Python, {site!r}, has a name that is not text")
    return {"version": version, "site": site, "prefix": site.rpartition("/lib/python")[0]}


def prefix_of(tree: Tree, python: str) -> Tuple[str, bool]:
    """Finds the prefix like `site`: the folder of the unresolved executable may have a
    `pyvenv.cfg`."""
    step = python.lstrip("/")
    for _ in range(40):
        folder = step.rpartition("/")[0]
        for place in (folder, folder.rpartition("/")[0]):
            if tree.has(posixpath.join(place, "pyvenv.cfg")):
                return tree.resolve(place) or place, True
        target = tree.links.get(step)
        if target is None:
            break
        step = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
    real = tree.resolve(python) or ""
    return real.rpartition("/")[0].rpartition("/")[0], False


def site_of(tree: Tree, prefix: str, is_venv: bool, version: str) -> str:
    # Debian's Python has its own folders; the folder of pip comes first.
    if not is_venv and prefix == "usr" and tree.has("usr/lib/python3/dist-packages"):
        return f"usr/local/lib/python{version}/dist-packages"
    if not is_venv and not tree.has(f"{prefix}/lib/python{version}/os.py"):
        raise BadBase(f"its Python {version} has no library in /{prefix}/lib")
    return f"{prefix}/lib/python{version}/site-packages"


def check_ours(tree: Tree, folders: List[str]) -> None:
    """Refuses links in these paths: a link would redirect files into another folder."""
    for folder in folders:
        steps = folder.split("/")
        for count in range(1, len(steps) + 1):
            step = "/".join(steps[:count])
            if step in tree.links:
                raise BadBase(
                    f"its /{step} is a link to {tree.links[step]!r}, but the image needs a folder "
                    f"there"
                )


def inspect(spec: Dict[str, Any]) -> Dict[str, str]:
    tree = Tree()
    for layer, diff_id in zip(spec["layers"], spec["diff_ids"]):
        tree.add_layer(layer, diff_id)
    python = find_python(tree, spec["python"], spec["path"])
    described = describe_python(tree, python)
    written = [f"{described['prefix']}/{name}" for name in ("bin", "etc", "share")]
    check_ours(tree, [*spec["ours"], described["site"], *written])
    check_libc(tree)
    for folder in spec["new"]:
        if folder in tree.kinds:
            raise BadBase(f"it already has /{folder}: it is itself an image of a truss")
    return described


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as spec_file:
        given = json.load(spec_file)
    try:
        print(json.dumps(inspect(given), sort_keys=True))
    except BadBase as e:
        print(json.dumps({"error": str(e)}))
