"""Fuzz targets for the parsers of files that users write.

Each function takes any bytes and returns None. It raises what no caller of the parser expects: an
error that the parser does not document, or `BrokenInvariant`.
"""

from __future__ import annotations

import json
import math
from typing import Callable, Dict, List

from fuzz.checks import allowed, check_text, require
from fuzz.fuzz_image_targets import IMAGE_TARGETS
from fuzz.fuzz_publish_targets import PUBLISH_TARGETS
from fuzz.fuzz_requirement_targets import REQUIREMENT_TARGETS
from pants_truss.core import (
    config_edit,
    examples,
    git_content,
    git_excludes,
    globs,
    local_serving,
    truss_config,
    truss_ignore,
    yaml_document,
)
from pants_truss.core.data_files import named_strings
from pants_truss.core.errors import TrussError
from pants_truss.core.gitignore import IgnorePatterns, expand_braces, is_valid
from pants_truss.core.lint.config_checks import check_config
from pants_truss.core.lint.import_statements import imported_when_loaded
from pants_truss.core.lint.model_class import ModelFile, check_model_class
from pants_truss.core.lint.release import default_release
from pants_truss.core.lint.secret_scan import scan
from pants_truss.core.lint.unresolved_imports import ImageModules, ImportCheck, PythonFile
from pants_truss.core.module_names import imported_packages
from pants_truss.core.oci.unsupported_keys import dockerfile_keys
from pants_truss.core.paths import normalize_inside
from pants_truss.core.provided_requirements import other_source
from pants_truss.core.truss_detection import detect_config, is_truss


def fuzz_config(data: bytes) -> None:
    """`config.yaml`. Linting and detection raise nothing; reading raises `TrussError`."""
    for finding in check_config("t/config.yaml", data, default_release()):
        check_text(finding.text)
        check_text(finding.place)
        require(finding.line is None or finding.line >= 1, "a finding has a line below 1")
    detect_config(data)
    with allowed(TrussError):
        config = truss_config.parse(data)
        for path in (config.bundled_packages_dir, config.model_module_dir, config.data_dir):
            require(not path or normalize_inside(path) == path, f"{path!r} is not normalised")
        require(config.python[0] == 3, "the Python is not Python 3")
        values = yaml_document.parse(data).data
        local_serving.accelerator(values)
        local_serving.needs_image(values)
        local_serving.environment_variables(values)
        other_source(values)
        dockerfile_keys(values)


def fuzz_config_edit(data: bytes) -> None:
    """Editing of a valid `config.yaml`. It raises `TrussError`, and changes one key only."""
    lists: Dict[str, List[str]] = {
        "external_package_dirs": [],
        "requirements": ["a==1", "b @ 'x' #"],
    }
    for key, items in lists.items():
        with allowed(TrussError):
            truss_config.parse(data)
            before = yaml_document.parse(data).data
            edited = config_edit.set_list(data, key, items)
            after = yaml_document.parse(edited).data
            require(after.pop(key) == items, f"{key} was not set")
            before.pop(key, None)
            require(repr(after) == repr(before), "another key was changed")


def fuzz_examples(data: bytes) -> None:
    """`examples.yaml`. It raises `TrussError`; a sample request needs no valid file."""
    examples.first_input(data)
    with allowed(TrussError):
        for example in examples.parse("t/examples.yaml", data):
            require(len(example.name) <= 9 * len(data) + 99, "a name is larger than its file")
            _strict_json(example.input)
            _strict_json(example.output or "null")


def _strict_json(text: str) -> None:
    def refuse(word: str) -> float:
        require(False, f"{word} is not JSON")
        return math.nan

    json.loads(text, parse_constant=refuse)


def fuzz_ignore(data: bytes) -> None:
    """`.truss_ignore`, `.gitignore` and Git's own files, after a line with the path to match.

    Only `.truss_ignore` and braces raise an error, `TrussError`. `pathspec`, which Truss uses,
    decides in the same way.
    """
    first, _, content = data.partition(b"\n")
    path = normalize_inside(first.decode("utf-8", "replace")) or "a"
    text = content.decode("utf-8", "replace")
    lines = text.splitlines()
    with allowed(TrussError):
        written = truss_ignore.ignore_lines((), content)
        ignored = IgnorePatterns(written).is_ignored("config.yaml")
        require(not ignored, "config.yaml is ignored")
        require(truss_ignore.file_content(written).decode("utf-8"), "the file is empty")
    for line in lines:
        with allowed(TrussError):
            expand_braces(line)
    patterns = IgnorePatterns(lines)
    require(patterns.is_ignored(path) == (not patterns.keep([path])), "keep() disagrees")
    patterns.ignoring_line(path, is_dir=True)
    _compare_with_pathspec(lines, path)
    git_excludes.user_excludes_file({"HOME": "/h"}, lambda name: text)
    git_content.submodule_paths(text)
    git_content.describe_pointer(content)
    require(globs.unescape_glob(globs.escape_glob(path)) == path, "a glob is not escaped")
    list(globs.exclude_globs([path]))


def _compare_with_pathspec(lines: List[str], path: str) -> None:
    """Skips patterns that make the library slow."""
    try:
        import pathspec
    except ImportError:
        return
    if len(path) > 40:
        return
    for raw in lines[:4]:
        line = raw.strip()
        if not line or line.startswith("#") or len(line) > 40 or line.count("*") > 5:
            continue
        try:
            spec = pathspec.PathSpec.from_lines("gitwildmatch", [line])
        except Exception:
            require(not is_valid(line), f"Truss fails on the valid {line!r}")
            continue
        require(is_valid(line), f"Truss accepts the invalid {line!r}")
        found = IgnorePatterns([line])
        for each in (path, f"{path}/x"):
            expected = spec.match_file(each)
            folders = [each[:at] for at, char in enumerate(each) if char == "/"]
            expected = expected or any(
                spec.match_file(folder) or spec.match_file(f"{folder}/") for folder in folders
            )
            what = "empty parts" if "//" in line else "parts"
            require(found.is_ignored(each) == expected, f"pathspec, {what}: {line!r} of {each!r}")


def fuzz_python(data: bytes) -> None:
    """Python files. Nothing raises: a file that cannot be parsed is a finding, or says nothing."""
    for name in ("Model", "M\u00f6del"):
        for finding in check_model_class(ModelFile("t/model.py", data, name, (3, 11), ())):
            check_text(finding.text)
            require(finding.line is None or finding.line >= 1, "a finding has a line below 1")
    places = ["app/model/model.py", "app/model/__init__.py", "packages/kit/__init__.py"]
    files = [PythonFile(places[0], "t/model/model.py", data, ("t/utils/x.py",))]
    paths = {place: f"t/{place}" for place in places}
    unserved = {"utils/y": "t/utils/y.py"}
    image = ImageModules(
        paths, unserved, {"numpy"}, ["numpy"], True, places[0], (0, 18, 36), "packages"
    )
    check = ImportCheck(files, image)
    for finding in check.findings():
        check_text(finding.text)
    list(check.unanswered())
    imported_when_loaded(data)
    named_strings(data)
    text = data.decode("utf-8", "replace")
    imported_packages(text, "a/b/c.py")
    config = detect_config(b"model_name: x\nresources: {}\npython_version: py311\n")
    require(config is not None, "a Truss config is not detected")
    assert config
    is_truss(config, data)


def fuzz_secrets(data: bytes) -> None:
    """Files that are searched for credentials. Nothing raises."""
    for path in ("a.py", ".env", "key.pem"):
        for secret in scan(path, data):
            require(1 <= secret.line <= data.count(b"\n") + 1, "a secret is outside the file")


Target = Callable[[bytes], None]

TARGETS: Dict[str, Target] = {
    "config": fuzz_config,
    "config_edit": fuzz_config_edit,
    "examples": fuzz_examples,
    "ignore": fuzz_ignore,
    "python": fuzz_python,
    "secrets": fuzz_secrets,
    **REQUIREMENT_TARGETS,
    **PUBLISH_TARGETS,
    **IMAGE_TARGETS,
}
