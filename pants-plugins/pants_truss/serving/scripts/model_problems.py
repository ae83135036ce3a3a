"""What went wrong in a truss, described for people: the place in the truss, and the cause.

Part of `run_examples.py`.
"""

import ast
import logging
import os
import sys
import sysconfig
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from local_truss import Here  # type: ignore[import]  # pants: no-infer-dep


def describe(error: BaseException, here: Here) -> Dict[str, Any]:
    importer, line = _importer(error, here)
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    return {
        "type": type(error).__name__,
        "message": _relative(str(error), here),
        "traceback": _relative(_traceback(error, here), here),
        "missing": missing,
        "wanted": _wanted(missing, importer, line, here) if missing else None,
        "hidden": _hidden(missing, here) if missing else None,
        "importer": importer,
        "line": line,
        "via": _importing_distribution(error, here) if missing else None,
    }


def _wanted(missing: str, importer: Optional[str], line: Optional[int], here: Here) -> str:
    """What the line imports in whole: Python names the first part that it does not find."""
    if importer and line:
        for imported in _imports_of(here.root / importer):
            if imported.line == line and imported.module.startswith(f"{missing}."):
                return imported.module
    return missing


def _hidden(module: str, here: Here) -> Optional[Dict[str, str]]:
    """Where a module that was not found is bundled after all, and what stands in front of it."""
    parts = module.split(".")
    for end in (".py", "/__init__.py", ""):
        path = here.packages / ("/".join(parts) + end)
        if path.exists():
            for length in range(len(parts) - 1, 0, -1):
                used = _origin(sys.modules.get(".".join(parts[:length])))
                if used:
                    unused = path.relative_to(here.root).as_posix()
                    return {"used": _relative(used, here), "unused": unused}
    return None


def _origin(module: Any) -> Optional[str]:
    """The file of a module, a file in `stdlib` for one that is compiled into Python, and None for a
    namespace package."""
    origin = getattr(getattr(module, "__spec__", None), "origin", None)
    if origin in ("built-in", "frozen"):
        return os.path.join(sysconfig.get_path("stdlib"), f"{module.__name__}.py")
    return getattr(module, "__file__", None) or None


def _importing_distribution(error: BaseException, here: Here) -> Optional[str]:
    """The file of an installed distribution that an import failed in, if it was in one."""
    files = [_relative(frame.filename, here) for frame in traceback.extract_tb(error.__traceback__)]
    own = [file for file in files if file.startswith(("app/model/", "packages/", "site-packages/"))]
    return own[-1] if own and own[-1].startswith("site-packages/") else None


def _importer(error: BaseException, here: Here) -> Tuple[Optional[str], Optional[int]]:
    """The last place in the truss that the error came through."""
    found: Tuple[Optional[str], Optional[int]] = (None, None)
    if isinstance(error, SyntaxError) and error.filename:
        place = _place(Path(error.filename), here)
        if place:
            return place, error.lineno
    for frame in traceback.extract_tb(error.__traceback__):
        place = _place(Path(frame.filename), here)
        if place:
            found = (place, frame.lineno)
    return found


def _place(file: Path, here: Here) -> Optional[str]:
    for folder in (here.app / "model", here.packages):
        if folder in file.parents:
            return file.relative_to(here.root).as_posix()
    return None


def _traceback(error: BaseException, here: Here) -> str:
    """From the first frame in the truss on: what comes before is the server's."""
    tb: Optional[TracebackType] = error.__traceback__
    while tb and not _place(Path(tb.tb_frame.f_code.co_filename), here):
        tb = tb.tb_next
    return "".join(traceback.format_exception(type(error), error, tb or error.__traceback__))


def _relative(text: str, here: Here) -> str:
    """Without the folders of this machine."""
    for folder in here.sites:
        text = text.replace(folder, "site-packages")
    text = text.replace(sysconfig.get_path("stdlib"), "stdlib")
    return text.replace(f"{here.root}{os.sep}", "")


class LoggedErrors(logging.Handler):
    """The server answers with its own error, and logs the model's. What the model itself logs is no
    failure."""

    def __init__(self, here: Here) -> None:
        super().__init__()
        self._app, self._model = here.app, here.app / "model"
        self.errors: List[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        folders = Path(record.pathname).resolve().parents
        if error and self._app in folders and self._model not in folders:
            self.errors.append(error)


# --- Shadowed packages: code that was gathered, and that something else stands in front of.


def find_shadowed(here: Here) -> List[Dict[str, Any]]:
    bundled = {module: path for module, path in _modules(here.packages)}
    found = []
    for module, path in sorted(bundled.items()):
        loaded = _origin(sys.modules.get(module))
        if not loaded or Path(loaded).resolve() == path.resolve():
            continue
        importer, line = _find_import(here, module)
        if importer:
            found.append(
                {
                    "module": module,
                    "used": _relative(str(loaded), here),
                    "unused": path.relative_to(here.root).as_posix(),
                    "importer": importer,
                    "line": line,
                }
            )
    # Of a package the package alone: its modules are hidden with it.
    names = {entry["module"] for entry in found}
    return [e for e in found if str(e["module"]).rpartition(".")[0] not in names]


def _modules(folder: Path) -> Iterator[Tuple[str, Path]]:
    for path in sorted(folder.rglob("*.py")):
        parts = list(path.relative_to(folder).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        if parts:
            yield ".".join(parts), path


def _find_import(here: Here, module: str) -> Tuple[Optional[str], Optional[int]]:
    """The first place in the truss that imports `module` or something in it."""
    for folder in (here.app / "model", here.packages):
        for path in sorted(folder.rglob("*.py")):
            for imported in _imports_of(path):
                if any(f"{name}.".startswith(f"{module}.") for name in imported.names):
                    return path.relative_to(here.root).as_posix(), imported.line
    return None, None


class Imported(NamedTuple):
    """`names` are the module's, and those of what is imported from it."""

    module: str
    names: List[str]
    line: int


def _imports_of(path: Path) -> Iterator[Imported]:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Imported(alias.name, [alias.name], node.lineno)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            yield Imported(node.module, [node.module, *inside], node.lineno)
