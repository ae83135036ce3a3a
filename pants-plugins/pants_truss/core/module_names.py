"""Names of Python modules: those of files, and those that the text of a module imports."""

from __future__ import annotations

import re
from typing import FrozenSet, Iterator

STUB_SUFFIX = ".pyi"
# On Linux, where a truss is deployed.
NATIVE_SUFFIX = ".so"

_NAME = r"[\w.]+(?:[ \t]+as[ \t]+\w+)?"
_IMPORT = re.compile(
    rf"(?:^|[;:])[ \t]*(?:from[ \t]+(?![ \t])(\.*)(?!\.)(?:[ \t]*([\w.]+))?[ \t]*\bimport\b"
    rf"|import[ \t]+({_NAME}(?:[ \t]*,[ \t]*{_NAME})*))",
    re.MULTILINE,
)


def module_name(module_path: str) -> str:
    """The dotted name of a module, a package, a stub or an extension module, from its path below
    its source root: `textkit/clean.py` and `textkit/clean.abi3.so` are `textkit.clean`, and
    `textkit/__init__.py` is `textkit`. It is empty for an `__init__.py` at the source root."""
    return module_stem(module_path).replace("/", ".")


def module_stem(path: str) -> str:
    """The path of a module without suffix, and without `/__init__`: `textkit/clean`."""
    folder, slash, file = path.rpartition("/")
    name = file.partition(".")[0]
    return folder if name == "__init__" else f"{folder}{slash}{name}"


def imported_packages(text: str, module_path: str) -> FrozenSet[str]:
    """The modules that `import x` and `from x import y` in the text name as `x`, relative ones by
    their full names.

    `module_path` is where the text lies below its source root. The text is not parsed, as it may be
    written for a newer Python than the one that runs this. So a line of a string that looks like an
    import counts too.
    """
    return frozenset(_imported(text.replace("\\\r\n", " ").replace("\\\n", " "), module_path))


def _imported(text: str, module_path: str) -> Iterator[str]:
    parents = module_path.split("/")[:-1]
    for dots, base, names in _IMPORT.findall(text):
        if names:
            for name in names.split(","):
                yield name.split()[0]
        elif not dots:
            yield base
        elif len(dots) <= len(parents) + 1:
            kept = parents[: len(parents) + 1 - len(dots)]
            yield ".".join([*kept, *(base.split(".") if base else [])])
