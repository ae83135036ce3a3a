"""`pants truss-verify`: whether `dist/` still holds what `pants package` wrote."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import tarfile
from pathlib import Path
from typing import IO, Any, Dict, Iterable, Iterator, List, Optional, Tuple

from pants.base.build_root import BuildRoot
from pants.core.util_rules.distdir import DistDir
from pants.engine.console import Console
from pants.engine.fs import Workspace
from pants.engine.goal import Goal, GoalSubsystem
from pants.engine.rules import collect_rules, goal_rule
from pants.option.option_types import StrListOption
from pants.util.strutil import help_text, softwrap

from pants_truss.core.bounded_tar import BadArchive, BoundedStream, bounded_headers, members
from pants_truss.core.manifest import FILE_SUFFIX
from pants_truss.core.terminal import visible, visible_line
from pants_truss.core.verification import FoundFile, layout_problems, truss_problems
from pants_truss.gather.output_path import TAR_SUFFIX

_CHUNK = 1 << 20
# Manifests of images are a few kB; of trusses, 300 bytes for each file.
_LARGEST_DOCUMENT = 256 << 20


class TrussVerifySubsystem(GoalSubsystem):
    name = "truss-verify"
    help = help_text(
        """
        Check that gathered trusses and image layouts in `dist/` are whole: each file has the
        content, size and mode of its manifest, and each blob of an image its digest.

        Run it before another tool uploads what `pants package` wrote. A full disk or a killed run
        can leave half of a truss; this goal names the files and exits with code 1.

            pants truss-verify
            pants truss-verify --paths=dist/src.trusses.sentiment
        """
    )

    paths = StrListOption(
        default=[],
        metavar="<folder>",
        help=softwrap(
            """
            The folders to search for manifests and image layouts, relative to the build root. By
            default, all of `dist/`.
            """
        ),
    )


class TrussVerify(Goal):
    subsystem_cls = TrussVerifySubsystem
    environment_behavior = Goal.EnvironmentBehavior.LOCAL_ONLY


@goal_rule
async def verify_trusses(
    console: Console,
    subsystem: TrussVerifySubsystem,
    build_root: BuildRoot,
    dist_dir: DistDir,
    _workspace: Workspace,
) -> TrussVerify:
    root = Path(build_root.path)
    folders = [root / path for path in subsystem.paths or (str(dist_dir.relpath),)]
    checked = [result for folder in folders for result in verify(folder)]
    for path, problems in checked:
        name = visible_line(os.path.relpath(path, root))
        if not problems:
            console.print_stdout(f"{console.green('✓')} {name}")
        for problem in problems:
            console.print_stderr(f"{console.red('✕')} {name}: {visible(problem)}")
    if not checked:
        searched = ", ".join(os.path.relpath(folder, root) for folder in folders)
        console.print_stderr(
            f"No manifest of a truss and no image layout below {searched}. `pants package ::` "
            f"writes them."
        )
    return TrussVerify(exit_code=0 if checked and not any(p for _, p in checked) else 1)


def verify(folder: Path) -> Iterator[Tuple[Path, List[str]]]:
    """Yield each truss and each layout below `folder`, with what is wrong with it."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if name.endswith(FILE_SUFFIX):
                yield from _verify_truss(Path(parent, name))
            elif name == "oci-layout":
                yield Path(parent), _layout_problems(Path(parent))


def _verify_truss(manifest: Path) -> Iterator[Tuple[Path, List[str]]]:
    made = Path(str(manifest)[: -len(FILE_SUFFIX)])
    archive = Path(f"{made}{TAR_SUFFIX}")
    there = [path for path in (made, archive) if path.exists()]
    try:
        data = json.loads(manifest.read_bytes())
    except (OSError, ValueError, RecursionError) as e:
        yield manifest, [f"cannot read the manifest: {e}"]
        return
    if not there:
        yield manifest, [f"neither the folder {made.name} nor {archive.name} exists"]
    for path in there:
        try:
            found = _files_of_tar(path) if path == archive else _files_of_folder(path)
        except BadArchive as e:
            yield path, [f"it {e}"]
            continue
        except (OSError, tarfile.TarError, ValueError, RecursionError) as e:
            yield path, [f"cannot read it: {e}"]
            continue
        problems = truss_problems(data, found)
        if problems and len(there) > 1:
            other = next(one.name for one in there if one != path)
            problems.append(f"remove it if an earlier run left it: {other} has the same manifest")
        yield path, problems


def _files_of_folder(folder: Path) -> Dict[str, Optional[FoundFile]]:
    found: Dict[str, Optional[FoundFile]] = {}
    for parent, folders, names in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        for name in [*names, *links]:
            path = Path(parent, name)
            found[path.relative_to(folder).as_posix()] = _hash_file(path)
    return found


def _hash_file(path: Path) -> Optional[FoundFile]:
    """Returns None if the path is not a regular file, or does not exist."""
    try:
        info = path.lstat()
        if not stat.S_ISREG(info.st_mode):
            return None
        with path.open("rb") as file:
            return _hash(file, bool(info.st_mode & stat.S_IXUSR))
    except FileNotFoundError:
        return None


def _hash(file: IO[bytes], is_executable: bool, limit: int = sys.maxsize) -> FoundFile:
    """Hashes the next `limit` bytes."""
    digest, size = hashlib.sha256(), 0
    while True:
        chunk = file.read(min(_CHUNK, limit - size))
        if not chunk:
            break
        digest.update(chunk)
        size += len(chunk)
    return FoundFile(digest.hexdigest(), size, is_executable)


def _files_of_tar(path: Path) -> Dict[str, Optional[FoundFile]]:
    found: Dict[str, Optional[FoundFile]] = {}
    with path.open("rb") as headers, path.open("rb") as data:
        size = os.fstat(data.fileno()).st_size
        stream: Any = BoundedStream(headers, size)
        for member in members(tarfile.TarFile(fileobj=stream, tarinfo=bounded_headers()), size):
            if member.isdir():
                continue
            data.seek(member.offset_data)
            is_executable = bool(member.mode & stat.S_IXUSR)
            found[member.name] = _hash(data, is_executable, member.size) if member.isreg() else None
    return found


def _layout_problems(layout: Path) -> List[str]:
    return layout_problems(
        lambda path: _read(layout / path), lambda path: _hash_file(layout / path)
    )


def _read(path: Path) -> Optional[bytes]:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_DOCUMENT)
    except OSError:
        return None


def rules() -> Iterable[object]:
    return collect_rules()
