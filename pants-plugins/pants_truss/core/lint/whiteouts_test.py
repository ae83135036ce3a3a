from __future__ import annotations

from typing import List

from pants_truss.core.gathered import GatheredFile
from pants_truss.core.lint.finding import Severity
from pants_truss.core.lint.whiteouts import check_whiteouts
from pants_truss.core.truss_config import parse


def found(*paths: str, config: bytes = b"python_version: py311\n") -> List[str]:
    files = [GatheredFile(path, "0" * 64, 1, False, "a:t", f"a/{path}", "truss") for path in paths]
    findings = list(check_whiteouts(files, parse(config)))
    assert all((f.rule, f.severity) == ("dropped-file", Severity.WARNING) for f in findings)
    return [f"{f.path}: {f.message}" for f in findings]


def test_only_files_of_the_image_count() -> None:
    assert found("data/x", "README.md", ".wh.readme", "docs/.wh..wh..opq") == []


def test_a_file_that_an_image_cannot_have() -> None:
    assert found("data/.wh.x", "data/x") == [
        "a/data/.wh.x: the image that a server builds from the truss does not have 'data/.wh.x'. "
        "In an image, a name that begins with `.wh.` deletes another file. Rename it, or write "
        '`"!**/.wh.x"` in `sources` of a:t.'
    ]


def test_a_folder_with_two_roles_is_reported_once() -> None:
    config = b"python_version: py311\ndata_dir: model\n"
    assert len(found("model/.wh.x", config=config)) == 1
