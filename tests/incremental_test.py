"""Only what changed is done again, on a real git repository with a real daemon."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator, List

import pytest

from support.monorepo import PYTHON_TOML, Monorepo, Run, read_tree

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


@pytest.fixture(scope="module")
def importing_repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monorepo]:
    """Trusses a and b import different modules of one shared folder, and both a third."""
    base = tmp_path_factory.mktemp("importing")
    monorepo = Monorepo(base / "repo", base / "machine").log_work_units(
        "pants.backend.python",
        toml=PYTHON_TOML.format(roots='"/shared", "/trusses/*"').replace(
            "[python]", '[python]\nenable_resolves = true\nresolves = {python-default = "x.lock"}'
        ),
    )
    for name in "ab":
        monorepo.truss(f"trusses/{name}")
        monorepo.write(
            f"trusses/{name}/BUILD", "truss()\npython_sources(name='src', sources=['model/*.py'])\n"
        )
        monorepo.write(f"trusses/{name}/model/model.py", f"from textkit import for_{name}\n")
        monorepo.write(f"shared/textkit/for_{name}.py", "from textkit import common\n")
    # No code of it imports what it requires: only its config says so.
    monorepo.truss("trusses/pinned", "python_version: py311\nrequirements: [numpy]\n")
    monorepo.write("trusses/pinned/BUILD", "truss(requirements='lockfile')\n")
    monorepo.write("x.lock", "numpy==1.26.3\n")
    monorepo.write("shared/textkit/common.py", "V = 1\n")
    monorepo.write("shared/textkit/unused.py", "V = 1\n")
    monorepo.write("shared/textkit/BUILD", "python_sources()\n")
    monorepo.commit()
    monorepo.pants("package", "::").assert_success()
    yield monorepo
    monorepo.stop_daemon()


def changed(repo: Monorepo) -> List[object]:
    run, counts = repo.pants_with_work_units(
        "--changed-since=HEAD", "--changed-dependents=transitive", "package"
    )
    run.assert_success()
    return [sorted(written(run)), counts[GATHER]]


def written(run: Run) -> List[str]:
    """The names of the gathered trusses that a run wrote."""
    paths = [line.rpartition("/")[2] for line in run.stderr.splitlines() if "Wrote dist" in line]
    return [path for path in paths if not path.endswith(".truss-manifest.json")]


def test_nothing_changed_runs_no_gather_rule(repo: Monorepo) -> None:
    run, counts = repo.pants_with_work_units("package", "::")
    assert len(written(run.assert_success())) == 4
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


def test_an_imported_module_repackages_what_imports_it(importing_repo: Monorepo) -> None:
    repo = importing_repo
    repo.write("shared/textkit/for_a.py", "from textkit import common\nV = 2\n")
    # The trusses that are named, and no gather rule for b, which is in the same run.
    run, counts = repo.pants_with_work_units("package", "trusses::")
    assert [sorted(written(run.assert_success())), counts[GATHER]] == [["a", "b", "pinned"], 1]
    assert changed(repo) == [["a"], 0]
    tree = read_tree(repo.dist("trusses.a/a"))
    assert tree["packages/textkit/for_a.py"][0].endswith(b"V = 2\n")
    repo.commit()
    repo.write("shared/textkit/common.py", "V = 2\n")
    assert changed(repo) == [["a", "b"], 2]
    repo.commit()
    repo.write("shared/textkit/unused.py", "V = 2\n")
    assert changed(repo) == [[], 0]
    repo.commit()


def test_a_new_import_is_a_new_dependency(importing_repo: Monorepo) -> None:
    repo = importing_repo
    repo.write("trusses/b/model/model.py", "from textkit import for_b, unused\n")
    assert changed(repo) == [["b"], 1]
    repo.commit()
    repo.write("shared/textkit/unused.py", "V = 3\n")
    assert changed(repo) == [["b"], 1]
    repo.commit()


def test_init_files_that_come_and_change_are_seen(importing_repo: Monorepo) -> None:
    repo = importing_repo
    repo.write("shared/textkit/__init__.py", "V = 1\n")
    repo.pants("package", "trusses::").assert_success()
    for name in "ab":
        assert "packages/textkit/__init__.py" in read_tree(repo.dist(f"trusses.{name}/{name}"))
    repo.commit()
    repo.write("shared/textkit/__init__.py", "")
    assert changed(repo) == [["a", "b"], 2]
    repo.commit()


def test_a_changed_lockfile_repackages_what_is_pinned_to_it(importing_repo: Monorepo) -> None:
    repo = importing_repo
    repo.write("x.lock", "numpy==1.26.4\n")
    assert changed(repo) == [["pinned"], 1]
    assert b"numpy==1.26.4" in read_tree(repo.dist("trusses.pinned/pinned"))["config.yaml"][0]
    repo.commit()


def test_a_changed_mode_of_an_imported_file_is_seen(importing_repo: Monorepo) -> None:
    repo = importing_repo
    for mode, executable in ((0o755, True), (0o644, False)):
        (repo.root / "shared/textkit/common.py").chmod(mode)
        repo.pants("package", "trusses/a").assert_success()
        tree = read_tree(repo.dist("trusses.a/a"))
        assert tree["packages/textkit/common.py"][1] is executable
