"""Where Truss's gather goes wrong, this one does not. Each test is named by what it shows; the ids
are those of single reproductions with Truss 0.18.35: s for stale or shared state, r for a result.
"""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional

import pytest

from support.monorepo import Monorepo, Run, read_tree
from support.truss_library import TrussError, TrussLibrary

CONFIG = "external_package_dirs: [../ext]\n"
PAST, FUTURE = 1_000_000_000, 4_000_000_000


class Both(NamedTuple):
    """One folder of the repository, gathered by the library and by Pants."""

    repo: Monorepo
    library: TrussLibrary
    folder: str

    def path(self, path: str) -> Path:
        return self.repo.root / self.folder / path

    def write(self, path: str, content: str = "", mtime: Optional[int] = None) -> Path:
        """Writes by replacing, as `rsync`, `tar` and editors do, so that `mtime` is what counts."""
        new = self.repo.write(f"{self.folder}/.new", content)
        if mtime is not None:
            os.utime(new, (mtime, mtime))
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        new.replace(self.path(path))
        return self.path(path)

    def scattered(self, config: str = CONFIG, **packages: Dict[str, str]) -> None:
        self.repo.truss(f"{self.folder}/truss", config)
        for name, files in packages.items():
            self.repo.package(f"{self.folder}/{name}", dict(files))

    def truss(self) -> Path:
        """What the library gathers. Raises `TrussError` where it does."""
        return Path(self.library.call("gather", str(self.path("truss"))))

    def run_pants(self, target: str = "truss") -> Run:
        return self.repo.pants("package", f"{self.folder}/{target}")

    def pants(self, target: str = "truss", name: str = "") -> Path:
        """What this project gathers."""
        self.run_pants(target).assert_success()
        folder = f"{self.folder}/{target.partition(':')[0]}".replace("/", ".")
        return self.repo.dist(f"{folder}/{name or target.rpartition('/')[2].rpartition(':')[2]}")

    def error(self) -> str:
        run = self.run_pants().assert_failure()
        assert run.stderr.count("[ERROR]") == 1
        return run.stderr


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monorepo]:
    base = tmp_path_factory.mktemp("defects")
    monorepo = Monorepo(base / "repo", base / "machine", shares_store=True).log_work_units()
    yield monorepo
    monorepo.stop_daemon()


@pytest.fixture
def both(repository: Monorepo, tmp_path: Path, request: pytest.FixtureRequest) -> Both:
    return Both(repository, TrussLibrary(tmp_path / "home"), request.node.name.split("[")[0])


# --- Freshness: Truss goes by the largest modification time.


def test_s02_replaced_by_an_older_file(both: Both) -> None:
    both.scattered(ext={"m.py": "V = 1\n"})
    both.path("truss/config.yaml").touch()
    assert both.truss() and both.pants()
    both.write("ext/m.py", "V = 2\n", mtime=PAST)
    # The folder's own time shows the replacement; `rsync -t` restores that time too.
    os.utime(both.path("ext"), (PAST, PAST))
    assert (both.truss() / "packages/m.py").read_text() == "V = 1\n"
    assert (both.pants() / "packages/m.py").read_text() == "V = 2\n"


def test_s03_a_time_in_the_future(both: Both) -> None:
    both.scattered(ext={"m.py": "V = 1\n"})
    os.utime(both.path("truss/config.yaml"), (FUTURE, FUTURE))
    assert both.truss() and both.pants()
    both.write("ext/m.py", "V = 2\n")
    assert (both.truss() / "packages/m.py").read_text() == "V = 1\n"
    assert (both.pants() / "packages/m.py").read_text() == "V = 2\n"


def test_s04_a_hidden_file(both: Both) -> None:
    both.scattered(ext={".settings": "1"})
    assert both.truss() and both.pants()
    both.path("ext/.settings").write_text("2")
    assert (both.truss() / "packages/.settings").read_text() == "1"
    assert (both.pants() / "packages/.settings").read_text() == "2"


def test_s05_below_a_linked_folder(both: Both) -> None:
    both.scattered(ext={"m.py": ""})
    linked = both.write("elsewhere/deep/z.py", "V = 1\n")
    both.path("ext/linked").symlink_to("../elsewhere")
    assert both.truss() and both.pants()
    linked.write_text("V = 2\n")
    assert (both.truss() / "packages/linked/deep/z.py").read_text() == "V = 1\n"
    assert (both.pants() / "packages/linked/deep/z.py").read_text() == "V = 2\n"


def test_s06_a_changed_mode(both: Both) -> None:
    both.scattered(ext={"run.sh": "#!/bin/sh\n"})
    assert both.truss() and both.pants()
    both.path("ext/run.sh").chmod(0o755)
    assert not os.access(both.truss() / "packages/run.sh", os.X_OK)
    assert os.access(both.pants() / "packages/run.sh", os.X_OK)


def test_s14_saved_during_a_gather(both: Both) -> None:
    both.scattered(ext={f"p{n}/m.py": "" for n in range(3000)})
    first = both.write("truss/first.txt", "1")
    arguments = (str(both.path("truss")), "first.txt", str(first), "2")
    both.library.call("gather_while_editing", *arguments)
    assert (both.truss() / "first.txt").read_text() == "1"

    first.write_text("1")
    with ThreadPoolExecutor() as pool:
        running = pool.submit(both.pants)
        first.write_text("2")
        # Either state of the file is right for the run that was under way.
        assert (running.result() / "first.txt").read_text() in ("1", "2")
    assert (both.pants() / "first.txt").read_text() == "2"


@pytest.mark.parametrize("cause", ["s16_python_has_written_byte_code", "s17_a_bare_touch"])
def test_a_full_copy_for_nothing(both: Both, cause: str) -> None:
    both.scattered(ext={"m.py": ""})
    first = (both.truss() / "config.yaml").stat().st_ctime_ns
    assert both.pants()
    if cause.startswith("s16"):
        both.write("ext/__pycache__/m.cpython-311.pyc", "byte code")
    else:
        both.path("ext/m.py").touch()
    assert (both.truss() / "config.yaml").stat().st_ctime_ns != first
    run, counts = both.repo.pants_with_work_units("package", f"{both.folder}/truss")
    assert run.assert_success()
    assert counts["gather_truss"] == 0


# --- State that is shared, mutable and left behind.


def test_s07_debris_of_a_failed_gather(both: Both) -> None:
    config = "external_package_dirs: [../ext, ../more]\n"
    both.scattered(config, ext={"thing": "file"}, more={"thing/x.py": ""})
    gone = both.write("truss/gone.py")
    with pytest.raises(TrussError):
        both.truss()
    both.run_pants().assert_failure()
    gone.unlink()
    shutil.rmtree(both.path("more/thing"))
    assert (both.truss() / "gone.py").exists()
    assert not (both.pants() / "gone.py").exists()


def test_s08_the_result_was_removed(both: Both) -> None:
    both.scattered(ext={"m.py": ""})
    shutil.rmtree(both.truss())
    shutil.rmtree(both.pants())
    assert not both.truss().exists()
    assert (both.pants() / "packages/m.py").exists()


def test_s09_the_result_was_edited(both: Both) -> None:
    both.scattered(ext={"m.py": "V = 1\n"})
    for gathered in (both.truss(), both.pants()):
        (gathered / "packages/m.py").write_text("V = 'edited'\n")
    assert (both.truss() / "packages/m.py").read_text() == "V = 'edited'\n"
    assert (both.pants() / "packages/m.py").read_text() == "V = 1\n"


def test_s10_a_removed_truss_leaves_its_copy_in_the_home_folder(both: Both) -> None:
    both.scattered(ext={"m.py": ""})
    copy = both.truss()
    shutil.copytree(both.path("truss"), both.path("moved"))
    assert both.pants()
    shutil.rmtree(both.path("truss"))
    assert both.pants("moved")
    assert copy.exists()
    assert not list((both.repo.machine / "home").rglob("m.py"))


def test_s12_another_config_is_lost(both: Both) -> None:
    both.scattered(CONFIG + "model_name: default\n", ext={"m.py": ""})
    both.write("truss/prod.yaml", CONFIG + "model_name: prod\n")
    both.write("truss/BUILD", 'truss()\ntruss(name="prod", config="prod.yaml")\n')
    there = both.library.call(
        "gather_with_config", str(both.path("truss")), str(both.path("truss/prod.yaml"))
    )
    assert "model_name: default" in Path(there, "config.yaml").read_text()
    here = read_tree(both.pants("truss:prod", "prod"))
    assert here["config.yaml"][0] == b"external_package_dirs: []\nmodel_name: prod\n"
    assert "prod.yaml" not in here


def test_s13_concurrent_gathers(both: Both) -> None:
    both.scattered(ext={f"p{n}/m.py": "" for n in range(50)})
    errors: List[str] = []
    for attempt in range(20):
        both.path("ext/p0/m.py").write_text(f"V = {attempt}\n")
        errors += both.library.call("gather_in_processes", str(both.path("truss")), 8)
        if errors:
            break
    assert errors
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(both.run_pants) for _ in range(3)]
    for run in runs:
        run.result().assert_success()
    assert len(read_tree(both.pants() / "packages")) == 50


def test_s19_a_failed_gather_poisons_later_ones_r16(both: Both) -> None:
    both.scattered(ext={"m.py": ""})
    both.path("ext/broken.py").symlink_to("nowhere.py")
    with pytest.raises(TrussError, match="FileNotFoundError"):
        both.truss()
    error = both.error()
    assert (
        "ext/broken.py" in error and "is a symlink to 'nowhere.py', which does not exist" in error
    )
    both.path("ext/broken.py").unlink()
    with pytest.raises(TrussError, match="'NoneType' object is not subscriptable"):
        both.truss()
    assert (both.pants() / "packages/m.py").exists()


# --- Files lost, overwritten or put elsewhere.


def test_r04_r05_the_same_file_twice(both: Both) -> None:
    config = "external_package_dirs: [../one, ../two]\n"
    both.scattered(config, one={"p/a.py": "1"}, two={"p/a.py": "2"})
    both.write("truss/packages/p/a.py", "own")
    assert (both.truss() / "packages/p/a.py").read_text() == "2"
    error = both.error()
    for source in ("truss/packages/p/a.py", "one/p/a.py", "two/p/a.py"):
        assert f"{both.folder}/{source} ({both.folder}/{source.partition('/')[0]}:" in error


def test_r06_a_file_onto_a_folder(both: Both) -> None:
    config = "external_package_dirs: [../one, ../two]\n"
    both.scattered(config, one={"thing/a.py": ""}, two={"thing": "file"})
    assert (both.truss() / "packages/thing/thing").read_text() == "file"
    assert "packages/thing is a file in one source and a folder in another" in both.error()


def test_r07_a_folder_onto_a_file(both: Both) -> None:
    config = "external_package_dirs: [../one, ../two]\n"
    both.scattered(config, one={"thing": "file"}, two={"thing/a.py": ""})
    with pytest.raises(TrussError, match="NotADirectoryError"):
        both.truss()
    assert "packages/thing is a file in one source and a folder in another" in both.error()


def test_r08_code_in_folders_named_lib_or_build(both: Both) -> None:
    kept = ["a/lib/x.py", "a/build/x.py", "a/dist/x.py", "a/env/x.py", "a/n.so", "a/b.spec"]
    both.scattered(ext={path: "x" for path in kept})
    both.write("truss/model/lib/helper.py")
    there, here = read_tree(both.truss()), read_tree(both.pants())
    for path in [*(f"packages/{path}" for path in kept), "model/lib/helper.py"]:
        assert path not in there
        assert path in here


def test_r10_the_users_ignore_file(both: Both) -> None:
    both.scattered(ext={"a/notes.txt": ""})
    both.write("truss/.truss_ignore", "notes.txt\n")
    assert "packages/a/notes.txt" in read_tree(both.truss())
    assert "packages/a/notes.txt" not in read_tree(both.pants())


def test_r12_r13_linked_folders_inside(both: Both) -> None:
    both.scattered(ext={"a/m.py": ""})
    both.write("elsewhere/z.py", "Z = 1\n")
    both.path("ext/a/linked").symlink_to("../../elsewhere")
    there = both.truss() / "packages/a/linked"
    assert there.is_dir() and not list(there.iterdir())
    assert (both.pants() / "packages/a/linked/z.py").read_text() == "Z = 1\n"


def test_r14_an_external_folder_that_is_a_link(both: Both) -> None:
    both.scattered("external_package_dirs: [../alias]\n", ext={"m.py": ""})
    both.path("alias").symlink_to("ext")
    with pytest.raises(TrussError, match="Symlinks not allowed in Truss"):
        both.truss()
    assert (both.pants() / "packages/m.py").exists()


def test_r15_a_truss_that_is_a_link(both: Both) -> None:
    both.scattered(ext={"m.py": ""})
    both.path("alias").symlink_to("truss")
    with pytest.raises(TrussError, match="Symlinks not allowed in Truss"):
        both.library.call("gather", str(both.path("alias")))
    assert (both.pants("alias", "alias") / "packages/m.py").exists()


def test_r23_a_nested_bundled_dir(both: Both) -> None:
    both.scattered(CONFIG + "bundled_packages_dir: a/b\n", ext={"m.py": ""})
    with pytest.raises(TrussError, match="FileNotFoundError"):
        both.truss()
    assert (both.pants() / "a/b/m.py").exists()


def test_r28_a_bundled_dir_outside(both: Both) -> None:
    both.scattered(CONFIG + "bundled_packages_dir: ../escaped\n", ext={"m.py": ""})
    gathered = both.truss()
    assert (gathered.parent / "escaped/m.py").exists()
    assert "`bundled_packages_dir` must be a folder inside the truss" in both.error()


def test_r29_an_absolute_bundled_dir(both: Both, tmp_path: Path) -> None:
    target = tmp_path / "victim"
    both.scattered(CONFIG + f"bundled_packages_dir: {target}\n", ext={"m.py": ""})
    both.truss()
    assert (target / "m.py").exists()
    (target / "m.py").unlink()
    assert f"must be a folder inside the truss, but is '{target}'" in both.error()
    assert {path.name for path in target.iterdir()} == {"BUILD"}


def test_r30_external_code_over_the_config(both: Both) -> None:
    config = CONFIG + "bundled_packages_dir: .\nmodel_name: mine\n"
    both.scattered(config, ext={"config.yaml": "model_name: theirs\n"})
    assert "theirs" in (both.truss() / "config.yaml").read_text()
    assert "`bundled_packages_dir` must be a folder of its own in the truss" in both.error()


def test_r31_a_requirements_file_outside(both: Both, tmp_path: Path) -> None:
    both.scattered(CONFIG + "requirements_file: ../reqs.txt\n", ext={"m.py": ""})
    both.write("reqs.txt", "numpy\n")
    assert "reqs.txt" not in read_tree(both.truss())
    with pytest.raises(TrussError):
        both.library.call("build_context", str(both.truss()), str(tmp_path / "context"))
    assert "write `requirements_file: reqs.txt`" in both.error()
