"""Only what changed is done again, on a real git repository with a real daemon."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator, List

import pytest

from support.monorepo import Monorepo, read_tree

GATHER = "gather_truss"


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monorepo]:
    """Trusses a and b use shared/text, c uses shared/other, d uses none."""
    base = tmp_path_factory.mktemp("incremental")
    monorepo = Monorepo(base / "repo", base / "machine").log_work_units()
    monorepo.package("shared/text", {"textkit/clean.py": "V = 1\n"})
    monorepo.package("shared/other", {"other/__init__.py": ""})
    monorepo.truss("trusses/a", "external_package_dirs: [../../shared/text]\n")
    monorepo.truss("trusses/b", "external_package_dirs: [../../shared/text]\n")
    monorepo.truss("trusses/c", "external_package_dirs: [../../shared/other]\n")
    monorepo.truss("trusses/d")
    monorepo.commit()
    monorepo.pants("package", "::").assert_success()
    yield monorepo
    monorepo.stop_daemon()


def changed(repo: Monorepo) -> List[object]:
    run, counts = repo.pants_with_work_units(
        "--changed-since=HEAD", "--changed-dependents=transitive", "package"
    )
    run.assert_success()
    written = sorted(
        line.rpartition("/")[2] for line in run.stderr.splitlines() if "Wrote dist" in line
    )
    return [written, counts[GATHER]]


def test_nothing_changed_runs_no_gather_rule(repo: Monorepo) -> None:
    run, counts = repo.pants_with_work_units("package", "::")
    assert run.assert_success().stderr.count("Wrote dist") == 4
    assert counts[GATHER] == 0
    assert changed(repo) == [[], 0]


def test_a_shared_file_repackages_exactly_its_dependents(repo: Monorepo) -> None:
    repo.write("shared/text/textkit/clean.py", "V = 2\n")
    assert changed(repo) == [["a", "b"], 2]
    for name in "ab":
        tree = read_tree(repo.dist(f"trusses.{name}/{name}"))
        assert tree["packages/textkit/clean.py"][0] == b"V = 2\n"
    repo.commit()
    assert changed(repo) == [[], 0]


def test_a_file_of_one_truss_repackages_that_truss(repo: Monorepo) -> None:
    repo.write("trusses/d/model/extra.py", "")
    assert changed(repo) == [["d"], 1]
    repo.commit()


def test_a_new_entry_in_the_config_is_a_new_dependency(repo: Monorepo) -> None:
    repo.write("trusses/d/config.yaml", "external_package_dirs: [../../shared/text]\n")
    assert changed(repo) == [["d"], 1]
    repo.commit()
    repo.write("shared/text/textkit/clean.py", "V = 3\n")
    assert changed(repo) == [["a", "b", "d"], 3]
    repo.commit()


def test_the_same_bytes_written_again_change_nothing(repo: Monorepo) -> None:
    path = repo.root / "shared/text/textkit/clean.py"
    Path(path).write_bytes(path.read_bytes())
    _, counts = repo.pants_with_work_units("package", "::")
    assert counts[GATHER] == 0


def test_stale_files_go(repo: Monorepo) -> None:
    extra = repo.write("trusses/c/model/gone.py", "")
    repo.pants("package", "trusses/c").assert_success()
    assert repo.dist("trusses.c/c/model/gone.py").exists()
    extra.unlink()
    repo.pants("package", "trusses/c").assert_success()
    assert not repo.dist("trusses.c/c/model/gone.py").exists()


def test_a_change_behind_a_linked_folder_is_seen(repo: Monorepo) -> None:
    (repo.root / "alias").symlink_to("shared/other")
    repo.truss("trusses/e", "external_package_dirs: [../../alias]\n")
    repo.commit()
    repo.write("shared/other/other/__init__.py", "# changed\n")
    assert changed(repo) == [["c", "e"], 2]
