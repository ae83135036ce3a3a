"""Tars as the real script writes them, of trusses as they are gathered."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Dict, Mapping, Tuple

import pytest
from pants.engine.fs import CreateDigest, Digest, FileContent, FileEntry, SymlinkEntry
from pants.testutil.rule_runner import QueryRule, RuleRunner, engine_error

from pants_truss.core.tar_parts import cut
from pants_truss.gather import tar as tar_rules
from pants_truss.gather.tar import (
    MadeTar,
    MakeTarRequest,
    TarPartRequest,
    TarredTruss,
    TarTrussRequest,
)
from pants_truss.script_tool.rules import ScriptFailed
from pants_truss.testutil.images import OPTIONS, new_image_runner, truss_at
from pants_truss.testutil.results import contents

Entries = Dict[str, Tuple[bytes, int]]


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return new_image_runner(
        tar_rules.rules(),
        QueryRule(MadeTar, [MakeTarRequest]),
        QueryRule(TarredTruss, [TarTrussRequest]),
    )


def tar_truss(
    rule_runner: RuleRunner, folder: str, path: str = "out.tar"
) -> Tuple[TarredTruss, bytes]:
    rule_runner.set_options(OPTIONS, env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    request = TarTrussRequest(truss_at(rule_runner, folder), path)
    tarred = rule_runner.request(TarredTruss, [request])
    (made,) = contents(rule_runner, tarred.digest).items()
    assert made[0] == path
    return tarred, made[1]


def entries(tar: bytes) -> Entries:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
        for entry in opened:
            file = opened.extractfile(entry)
            found[entry.name] = (file.read() if file else b"", entry.mode)
    return found


def write(rule_runner: RuleRunner, folder: str, files: Mapping[str, str]) -> str:
    defaults = {"BUILD": "truss()", "config.yaml": ""}
    rule_runner.write_files({f"{folder}/{p}": c for p, c in {**defaults, **files}.items()})
    return folder


def test_a_tar_has_what_was_gathered(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"ext/BUILD": "truss_external_package()", "ext/lib/a.py": "A"})
    folder = write(
        rule_runner,
        "whole",
        {
            "config.yaml": "external_package_dirs: [../ext]",
            "Ä b/日本": "deep",
            "run.sh": "run",
        },
    )
    Path(rule_runner.build_root, folder, "run.sh").chmod(0o755)
    tarred, tar = tar_truss(rule_runner, folder, "dist/some where/whole.tar")
    found = entries(tar)
    gathered = contents(rule_runner, tarred.gathered.digest)
    assert {path: content for path, (content, _) in found.items()} == gathered
    assert set(found) == {
        ".truss_ignore", "config.yaml", "packages/lib/a.py", "run.sh", "Ä b/日本",
    }  # fmt: skip
    assert {path for path, (_, mode) in found.items() if mode == 0o755} == {"run.sh"}
    assert {mode for _, mode in found.values()} == {0o644, 0o755}


def test_the_same_files_make_the_same_bytes(rule_runner: RuleRunner) -> None:
    files = {"b.txt": "b", "a/c.txt": "c", "a.txt": "a"}
    _, first = tar_truss(rule_runner, write(rule_runner, "same_1", files))
    _, second = tar_truss(rule_runner, write(rule_runner, "same_2", dict(reversed(files.items()))))
    assert first == second
    with tarfile.open(fileobj=io.BytesIO(first)) as tar:
        assert {(e.mtime, e.uid, e.gid, e.uname, e.gname) for e in tar} == {(0, 0, 0, "", "")}
        assert tar.getnames() == sorted(tar.getnames())


def test_a_part_has_no_end_and_parts_come_first(rule_runner: RuleRunner) -> None:
    rule_runner.set_options(OPTIONS, env_inherit={"PATH", "PYENV_ROOT", "HOME"})

    def make(files: Dict[str, str], is_part: bool, part: Tuple[FileEntry, ...] = ()) -> FileEntry:
        digest = rule_runner.request(
            Digest,
            [CreateDigest([*part, *(FileContent(p, c.encode()) for p, c in files.items())])],
        )
        request = MakeTarRequest(digest, ("x",), "Make a tar", is_part)
        made = rule_runner.request(MadeTar, [request])
        return FileEntry("parts/000000", made.file)

    part = make({"tree/x": "X", "tree/y": "Y"}, True)
    whole = make({"tree/a": "A"}, False, (part,))
    digest = rule_runner.request(Digest, [CreateDigest([part, replace(whole, path="whole")])])
    made = contents(rule_runner, digest)
    assert len(made["parts/000000"]) == 4 * tarfile.BLOCKSIZE
    assert made["whole"].startswith(made["parts/000000"])
    assert len(made["whole"]) == tarfile.RECORDSIZE
    # The order is that of the parts, not that of the names.
    assert list(entries(made["whole"]).items()) == [
        ("x", (b"X", 0o755)),
        ("y", (b"Y", 0o644)),
        ("a", (b"A", 0o644)),
    ]


def test_a_tar_of_nothing_is_one(rule_runner: RuleRunner) -> None:
    rule_runner.set_options(OPTIONS, env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    digest = rule_runner.request(Digest, [CreateDigest([])])
    made = rule_runner.request(MadeTar, [MakeTarRequest(digest, (), "Make a tar")])
    content = rule_runner.request(Digest, [CreateDigest([FileEntry("tar", made.file)])])
    assert entries(contents(rule_runner, content)["tar"]) == {}


def test_a_large_truss_is_made_of_parts_and_a_change_rebuilds_one_of_them(
    rule_runner: RuleRunner,
) -> None:
    files = {f"data/{number:04d}.txt": f"{number}" for number in range(1100)}
    large = "x" * (4 * 1024 * 1024 + 1)
    folder = write(rule_runner, "many", {**files, "data/run.sh": "run", "large": large})
    Path(rule_runner.build_root, folder, "data/run.sh").chmod(0o755)
    tarred, tar = tar_truss(rule_runner, folder)
    parts = cut(tarred.gathered.files)
    assert len(parts.parts) > 1
    assert [file.path for file in parts.rest] == ["large"]
    found = entries(tar)
    assert {p: c for p, (c, _) in found.items()} == contents(rule_runner, tarred.gathered.digest)
    assert {path for path, (_, mode) in found.items() if mode == 0o755} == {"data/run.sh"}
    assert list(found) == [*(f.path for part in parts.parts for f in part), "large"]

    rule_runner.write_files({f"{folder}/data/0500.txt": "changed"})
    changed, tar = tar_truss(rule_runner, folder)
    assert entries(tar)["data/0500.txt"] == (b"changed", 0o644)
    pairs = zip(parts.parts, cut(changed.gathered.files).parts)
    requests = [(TarPartRequest.of(before), TarPartRequest.of(after)) for before, after in pairs]
    assert len([1 for before, after in requests if before != after]) == 1
    assert len(requests) == len(parts.parts)


def test_parts_are_distinguished_by_what_is_in_them(rule_runner: RuleRunner) -> None:
    """Paths, contents and modes: where a file comes from is nothing to a tar."""
    tarred, _ = tar_truss(rule_runner, write(rule_runner, "keys", {"a": "1", "b": "1"}))
    files = tarred.gathered.files
    part = TarPartRequest.of(files)
    moved = tuple(replace(file, source="elsewhere", target="other:t") for file in files)
    assert TarPartRequest.of(moved) == part
    changed = (replace(files[0], is_executable=True), *files[1:])
    renamed = (replace(files[0], path="zzz"), *files[1:])
    others = [TarPartRequest.of(other) for other in (changed, renamed, files[1:])]
    assert len({part, *others}) == 4


def test_a_link_in_the_way_is_not_followed(rule_runner: RuleRunner) -> None:
    rule_runner.set_options(OPTIONS, env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    digest = rule_runner.request(Digest, [CreateDigest([SymlinkEntry("tree/a", "/etc/passwd")])])
    with engine_error(ScriptFailed, contains="Make it failed: OSError: [Errno 40]"):
        rule_runner.request(MadeTar, [MakeTarRequest(digest, (), "Make it")])
