from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path
from typing import Dict

import pytest
from pants.core.goals import package as pants_package
from pants.core.goals.package import Package
from pants.core.target_types import rules as core_target_types_rules
from pants.testutil.rule_runner import GoalRuleResult, RuleRunner

from pants_truss.dependency_inference import truss as inference
from pants_truss.gather import gather, output_path
from pants_truss.goals import package, verify
from pants_truss.goals.verify import TrussVerify
from pants_truss.target_types.truss import TrussTarget

OPTIONS = ["--truss-lint-disable=['config-schema', 'model-class']"]
CONFIG = "docker_server: {server_port: 8000}\n"


@pytest.fixture
def rule_runner() -> RuleRunner:
    runner = RuleRunner(
        rules=[
            *core_target_types_rules(),
            *gather.rules(),
            *inference.rules(),
            *output_path.rules(),
            *package.rules(),
            *pants_package.rules(),
            *verify.rules(),
        ],
        target_types=[TrussTarget],
    )
    files: Dict[str, str] = {}
    for name in ("a", "b"):
        files[f"t/{name}/BUILD"] = "truss()"
        files[f"t/{name}/config.yaml"] = CONFIG
        files[f"t/{name}/data/x.txt"] = "content\n"
    runner.write_files(files)
    Path(runner.build_root, "t/a/data/x.txt").chmod(0o755)
    runner.run_goal_rule(
        Package, global_args=OPTIONS, args=["t::"], env_inherit={"PATH", "PYENV_ROOT", "HOME"}
    )
    # Pants makes tars with a tool that it installs from an index.
    folder = Path(runner.build_root, "dist/t.b/b")
    with tarfile.open(f"{folder}.tar", "w") as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            archive.add(path, path.relative_to(folder).as_posix())
    shutil.rmtree(folder)
    return runner


def run(rule_runner: RuleRunner, *args: str) -> GoalRuleResult:
    return rule_runner.run_goal_rule(TrussVerify, args=args)


def dist(rule_runner: RuleRunner, path: str) -> Path:
    return Path(rule_runner.build_root, "dist", path)


def test_a_whole_dist(rule_runner: RuleRunner) -> None:
    result = run(rule_runner)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "✓ dist/t.a/a\n✓ dist/t.b/b.tar\n"


def test_a_truncated_file_and_a_truncated_tar(rule_runner: RuleRunner) -> None:
    dist(rule_runner, "t.a/a/data/x.txt").write_text("con")
    tar = dist(rule_runner, "t.b/b.tar")
    tar.write_bytes(tar.read_bytes()[:600])
    result = run(rule_runner)
    assert result.exit_code == 1
    folder, archive = result.stderr.splitlines()
    assert folder == "✕ dist/t.a/a: data/x.txt has 3 bytes instead of 8"
    assert archive.startswith("✕ dist/t.b/b.tar: cannot read it: ")


@pytest.mark.parametrize("size", [-512, -(2**70), 2**70])
def test_a_tar_whose_sizes_are_wrong(rule_runner: RuleRunner, size: int) -> None:
    """`tarfile` alone reads one header without end, or raises an error other than `TarError`."""
    entries = [tarfile.TarInfo("a"), tarfile.TarInfo("b")]
    entries[1].size = size
    blocks = b"".join(entry.tobuf(tarfile.GNU_FORMAT) for entry in entries)
    dist(rule_runner, "t.b/b.tar").write_bytes(blocks + b"\0" * 1024)
    result = run(rule_runner)
    assert result.exit_code == 1
    assert result.stderr.startswith("✕ dist/t.b/b.tar: ")


def test_files_of_a_tar_may_be_anything(rule_runner: RuleRunner) -> None:
    """Limits of headers are not those of files."""
    path = dist(rule_runner, "t.b/b.tar")
    with tarfile.open(path, "a") as archive:
        archive.addfile(info := tarfile.TarInfo("digits"), io.BytesIO(b""))
        info.name, info.size = "more", 2_000_000
        archive.addfile(info, io.BytesIO(b"1" * info.size))
    result = run(rule_runner)
    assert result.stderr.splitlines() == [
        "✕ dist/t.b/b.tar: digits is not in the manifest",
        "✕ dist/t.b/b.tar: more is not in the manifest",
    ]


def test_other_modes_links_and_files(rule_runner: RuleRunner) -> None:
    made = dist(rule_runner, "t.a/a")
    (made / "data/x.txt").chmod(0o644)
    (made / "config.yaml").unlink()
    (made / "config.yaml").symlink_to("/etc/passwd")
    (made / "folder").symlink_to("data")
    result = run(rule_runner, "--paths=dist/t.a")
    assert result.stderr == (
        "✕ dist/t.a/a: config.yaml is not a regular file\n"
        "✕ dist/t.a/a: data/x.txt is not executable\n"
        "✕ dist/t.a/a: folder is not a regular file\n"
    )


def test_a_manifest_alone_and_a_broken_one(rule_runner: RuleRunner) -> None:
    dist(rule_runner, "t.b/b.tar").unlink()
    dist(rule_runner, "t.a/a.truss-manifest.json").write_text("{")
    result = run(rule_runner)
    assert result.exit_code == 1
    assert "t.a/a.truss-manifest.json: cannot read the manifest: " in result.stderr
    assert "t.b/b.truss-manifest.json: neither the folder b nor b.tar exists" in result.stderr


def test_a_tar_that_an_earlier_run_left(rule_runner: RuleRunner) -> None:
    tar = dist(rule_runner, "t.b/b.tar")
    dist(rule_runner, "t.a/a.tar").write_bytes(tar.read_bytes())
    result = run(rule_runner)
    assert "✓ dist/t.a/a\n" in result.stdout
    assert "a.tar: remove it if an earlier run left it: a has the same manifest" in result.stderr


def test_an_image_layout(rule_runner: RuleRunner) -> None:
    layout = dist(rule_runner, "image")
    layout.mkdir()
    (layout / "oci-layout").write_text("{}")
    (layout / "index.json").write_text('{"manifests": []}')
    assert run(rule_runner, "--paths=dist/image").stdout == "✓ dist/image\n"
    digest = "0" * 64
    (layout / "index.json").write_text('{"manifests": [{"digest": "sha256:%s"}]}' % digest)
    result = run(rule_runner, "--paths=dist/image")
    assert result.stderr == f"✕ dist/image: blobs/sha256/{digest} is missing\n"


def test_nothing_to_verify(rule_runner: RuleRunner) -> None:
    result = run(rule_runner, "--paths=nothing")
    assert result.exit_code == 1
    assert result.stderr == (
        "No manifest of a truss and no image layout below nothing. `pants package ::` writes them.\n"
    )


def test_names_are_shown_as_no_terminal_obeys_them(rule_runner: RuleRunner) -> None:
    dist(rule_runner, "t.a/a").rename(dist(rule_runner, "t.a/a\x1b"))
    manifest = next(dist(rule_runner, "t.a").glob("a.*"))
    manifest.rename(manifest.with_name(manifest.name.replace("a.", "a\x1b.", 1)))
    dist(rule_runner, "t.a/a\x1b/\n::error::x").write_text("more")
    result = run(rule_runner)
    assert result.exit_code == 1
    assert result.stderr.startswith("✕ dist/t.a/a\\x1b: ")
    assert "\x1b" not in result.stderr and "\n::" not in result.stderr
