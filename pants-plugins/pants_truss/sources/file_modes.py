"""Modes of files, and the times of their changes, which Pants does not report to rules."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import FrozenSet, Iterable, List, Tuple

from pants.base.build_environment import get_buildroot
from pants.engine.internals.session import RunId
from pants.engine.rules import collect_rules
from pants.option.global_options import GlobalOptions

from pants_truss.pants_api import rule


@dataclass(frozen=True)
class FileModesRequest:
    """Paths of files relative to the build root; not all of them need exist."""

    paths: Tuple[str, ...]


@dataclass(frozen=True)
class FileModes:
    """Which of the files exist, and which of these are executable."""

    files: FrozenSet[str]
    executables: FrozenSet[str]

    def is_executable(self, path: str, unless_there: bool) -> bool:
        """`unless_there` is the answer for a file that is generated."""
        return path in self.executables if path in self.files else unless_there


@rule
async def read_file_modes(request: FileModesRequest, run_id: RunId) -> FileModes:
    modes = {}
    for path in request.paths:
        with suppress(OSError):
            modes[path] = os.stat(os.path.join(get_buildroot(), path)).st_mode
    return FileModes(
        frozenset(modes),
        # The bit that Pants goes by.
        frozenset(path for path, mode in modes.items() if mode & 0o100),
    )


# Before any file of a truss is read.
_STARTED_NS = time.time_ns()


def edited_meanwhile(
    paths: Iterable[str], global_options: GlobalOptions, since_ns: int = _STARTED_NS
) -> List[str]:
    """Returns the files that have changed since this process began, so that one may have been read
    before its change and another after. The daemon watches files and reads changed ones again;
    Pants without a daemon does not. Files that never existed are left out."""
    if global_options.pantsd and not global_options.concurrent:
        return []
    found = []
    for path in paths:
        with suppress(OSError):
            if os.stat(os.path.join(get_buildroot(), path)).st_ctime_ns > since_ns:
                found.append(path)
    return found


def rules() -> Iterable[object]:
    return collect_rules()
