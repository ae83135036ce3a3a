"""Checks what the config says about files against those that the gathered truss will have."""

from __future__ import annotations

import difflib
import posixpath
import re
from typing import Collection, Iterator, List, Sequence

from pants_truss.core.gathered import GatheredFile
from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.lint.problem import Data, Problem
from pants_truss.core.paths import is_within, normalize_inside
from pants_truss.core.truss_config import TrussConfig
from pants_truss.core.yaml_document import YamlDocument


def check_files(
    config_path: str, document: YamlDocument, config: TrussConfig, paths: Collection[str]
) -> Iterator[Finding]:
    """Files and folders that the config names, or means by default, and the truss lacks. `paths`
    are those of the gathered truss."""
    for check in (_missing_model, _missing_requirements):
        for problem in check(config, paths):
            yield problem.at(config_path, document)
    for problem in _missing_others(document.data, paths):
        yield problem.at(config_path, document)


def _missing_model(config: TrussConfig, paths: Collection[str]) -> Iterator[Problem]:
    if not config.needs_model or config.model_file in paths:
        return
    folder = posixpath.dirname(config.model_file)
    has_folder = not folder or any(is_within(path, folder) for path in paths)
    yield Problem(
        ("model_class_filename" if has_folder else "model_module_dir",),
        f"the truss has no {config.model_file}, which the server loads the model from."
        f"{_near(config.model_file, paths)}",
        rule="model-class",
    )


def _missing_requirements(config: TrussConfig, paths: Collection[str]) -> Iterator[Problem]:
    path = config.requirements_file
    if not path:
        return
    key = "requirements_file"
    if path not in paths:
        message = f"`{key}` is {path!r}, which the truss does not have.{_near(path, paths)}"
        yield Problem((key,), message)
    elif posixpath.basename(path) == "uv.lock":
        project = posixpath.join(posixpath.dirname(path), "pyproject.toml")
        if project not in paths:
            message = f"`{key}` is {path!r}, and Truss wants {project} beside it. Add that file."
            yield Problem((key,), message)


def _missing_others(data: Data, paths: Collection[str]) -> Iterator[Problem]:
    for key, default in (("data_dir", "data"), ("examples_filename", "examples.yaml")):
        value = data.get(key, default)
        inside = normalize_inside(value) if isinstance(value, str) else None
        if value == default or not inside:
            continue
        if not any(is_within(path, inside) for path in paths):
            yield Problem(
                (key,),
                f"`{key}` is {value!r}, which the truss does not have.{_near(inside, paths)}",
                Severity.WARNING,
                "no-effect",
            )


def _near(path: str, paths: Collection[str]) -> str:
    """The file that may be meant: of the same name elsewhere, or of a similar one."""
    name = posixpath.basename(path)
    same = sorted(other for other in paths if posixpath.basename(other) == name)
    near = same or difflib.get_close_matches(path, paths, 1, 0.8)
    return f" It has {near[0]}." if near else " Add it, or correct the key."


def check_names(files: Sequence[GatheredFile]) -> Iterator[Finding]:
    """Files whose changes `--changed-since` does not see: Pants takes the names that `git diff`
    prints as they are, and git writes some of them in quotes, with escapes."""
    sources = sorted({file.source for file in files if file.source})
    escaped = [path for path in sources if _ESCAPED.search(path)]
    quoted = [path for path in sources if _QUOTED.search(path) and path not in escaped]
    for paths, advice in (
        (escaped, "Rename them."),
        (quoted, "Rename them, or run `git config core.quotePath false` before Pants."),
    ):
        if paths:
            more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
            yield Finding(
                "git-name",
                paths[0],
                f"`--changed-since` does not see changes of "
                f"{', '.join(map(repr, paths[:3]))}{more}: git quotes such names. {advice}",
                Severity.WARNING,
            )


# git quotes these always, and others by `core.quotePath`.
_ESCAPED = re.compile(r'["\\\x00-\x1f\x7f]')
_QUOTED = re.compile(r"[^\x00-\x7f]")


def check_sizes(files: Sequence[GatheredFile], data_dir: str, limit: int) -> List[Finding]:
    """Files of more than `limit` bytes that are not in the data folder."""
    return [
        Finding(
            "large-file",
            planned.source or planned.path,
            f"it has {_megabytes(planned.size)}: every build and push "
            f"carries it. Have weights delivered by `weights` in the config, or move the file to "
            f"`{data_dir}/`.",
            Severity.WARNING,
        )
        for planned in files
        if planned.size > limit and not is_within(planned.path, data_dir)
    ]


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB"
