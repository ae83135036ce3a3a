"""Describes problems of a truss for people: the place in the truss, and the cause.

Part of `run_examples.py`.
"""

import ast
import logging
import os
import re
import sys
import sysconfig
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from local_truss import Here  # type: ignore[import]  # pants: no-infer-dep

# What the server uses to send an output.
_SENDERS = ("starlette", "json", "orjson", "shared", "fastapi", "common")


def describe(error: BaseException, here: Here) -> Dict[str, Any]:
    error = _innermost(error)
    importer, line = _importer(error, here)
    advice = None if importer else _output_problem(error)
    if advice:
        importer = _model_file(here)
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    return {
        "type": type(error).__name__,
        "advice": advice,
        "message": _relative(str(error), here),
        "traceback": _relative(_traceback(error, here), here),
        "missing": missing,
        "wanted": _wanted(missing, importer, line, here) if missing else None,
        "hidden": _hidden(missing, here) if missing else None,
        "absent": _absent(error, here),
        "importer": importer,
        "line": line,
        "via": _importing_distribution(error, here) if missing else None,
    }


def _innermost(error: BaseException) -> BaseException:
    """Newer releases of the server run a response in a group of tasks, which wraps its error."""
    while True:
        inside = getattr(error, "exceptions", None)
        if not isinstance(inside, tuple) or len(inside) != 1:
            return error
        error = inside[0]


def _output_problem(error: BaseException) -> Optional[str]:
    """Describes the output of `predict` that the server could not send, or returns None."""
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    last = Path(files[-1]).parts if files else ()
    if not any(name in part for name in _SENDERS for part in last):
        return None
    text = str(error)
    chunk = re.match(r"'([\w.]+)' object has no attribute 'encode'", text)
    if chunk:
        return (
            f"`predict` yields {chunk[1]}, but a stream is text or bytes. Write "
            f"`yield str(...)` or `yield json.dumps(...)`."
        )
    value = re.search(r"(?:[Oo]bject of type|not JSON serializable:) '?([\w.]+)", text)
    if value:
        return (
            f"`predict` returns a value of type {value[1]}, which is not JSON. Return text, "
            f"numbers, booleans, None, and lists and dictionaries of these."
        )
    if isinstance(error, (TypeError, ValueError, AttributeError, RecursionError)):
        return f"the server cannot send what `predict` returns ({type(error).__name__}: {text})."
    return None


def _model_file(here: Here) -> Optional[str]:
    """The file of the model class, as the server has loaded it."""
    files = {str(getattr(module, "__file__", None) or "") for module in [*sys.modules.values()]}
    places = sorted(filter(None, (_place(Path(file), here) for file in files if file)))
    inside = [place for place in places if not place.endswith("/__init__.py")]
    if "app/model/model.py" in inside:
        return "app/model/model.py"
    return next((place for place in inside if place.startswith("app/")), None)


def _wanted(missing: str, importer: Optional[str], line: Optional[int], here: Here) -> str:
    """Returns the whole module that the line imports. Python names only the first missing part."""
    if importer and line:
        for imported in find_imports(here.root / importer):
            if imported.line == line and imported.module.startswith(f"{missing}."):
                return imported.module
    return missing


def _absent(error: BaseException, here: Here) -> Optional[str]:
    """The file that the model could not open: its place in the image."""
    name = error.filename if isinstance(error, FileNotFoundError) else None
    if name is None:
        # Libraries have errors of their own, with the path in the message.
        found = re.search(r"(?:No such file|not found|does not exist).*", str(error), re.IGNORECASE)
        paths = re.findall(rf"{re.escape(str(here.root))}/[^\s'\":]+", str(error))
        name = paths[0] if found and paths else None
    if not isinstance(name, (str, os.PathLike)):
        return None
    # The server runs in this folder.
    path = Path(os.path.normpath(here.app / os.fspath(name)))
    return path.relative_to(here.root).as_posix() if here.root in path.parents else None


def _hidden(module: str, here: Here) -> Optional[Dict[str, str]]:
    """Returns where a missing module is bundled, and which module hides it."""
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
    """Returns the file of a module. A module that is compiled into Python gets a file in `stdlib`,
    a namespace package None."""
    origin = getattr(getattr(module, "__spec__", None), "origin", None)
    if origin in ("built-in", "frozen"):
        return os.path.join(sysconfig.get_path("stdlib"), f"{module.__name__}.py")
    return getattr(module, "__file__", None) or None


def _importing_distribution(error: BaseException, here: Here) -> Optional[str]:
    """Returns the file of an installed distribution in which an import failed, or None."""
    files = [_relative(frame.filename, here) for frame in traceback.extract_tb(error.__traceback__)]
    own = [file for file in files if file.startswith(("app/model/", "packages/", "site-packages/"))]
    return own[-1] if own and own[-1].startswith("site-packages/") else None


def _importer(error: BaseException, here: Here) -> Tuple[Optional[str], Optional[int]]:
    """Returns the last place in the truss that the error passed through."""
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
    """Starts at the first frame in the truss: earlier frames belong to the server. An error without
    a frame in the truss has its last frame."""
    tb: Optional[TracebackType] = error.__traceback__
    while tb and not _place(Path(tb.tb_frame.f_code.co_filename), here):
        if not tb.tb_next:
            return "".join(traceback.format_exception(type(error), error, tb, chain=False))
        tb = tb.tb_next
    return "".join(traceback.format_exception(type(error), error, tb))


def _relative(text: str, here: Here) -> str:
    """Removes the folders of this machine from the text."""
    for folder in here.sites:
        text = text.replace(folder, "site-packages")
    text = text.replace(sysconfig.get_path("stdlib"), "stdlib")
    return text.replace(f"{here.root}{os.sep}", "")


class LoggedErrors(logging.Handler):
    """Collects errors of the model. The server answers with its own error and logs the model's.
    Errors that the model itself logs do not count as failures."""

    def __init__(self, here: Here) -> None:
        super().__init__()
        self._app, self._model = here.app, here.app / "model"
        self.errors: List[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        folders = Path(record.pathname).resolve().parents
        if error and self._app in folders and self._model not in folders:
            self.errors.append(error)


# --- Shadowed packages: gathered code that another module hides.


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
    # Report a hidden package once: its modules are hidden with it.
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
    """Returns the first place in the truss that imports `module` or a name in it."""
    for folder in (here.app / "model", here.packages):
        for path in sorted(folder.rglob("*.py")):
            for imported in find_imports(path):
                if any(f"{name}.".startswith(f"{module}.") for name in imported.names):
                    return path.relative_to(here.root).as_posix(), imported.line
    return None, None


class Imported(NamedTuple):
    """`names` are the module, and the names imported from it."""

    module: str
    names: List[str]
    line: int


def find_imports(path: Path) -> Iterator[Imported]:
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
