"""Images for other machines than this one, and the same image from other machines."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import tarfile
from pathlib import Path
from typing import Iterator

import pytest

from support.base_image import BaseImage, layer, member, python_layer
from support.image_layout import Layout
from support.images import CONFIG, changed, image, make, package, restore
from support.monorepo import Monorepo


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monorepo]:
    base = tmp_path_factory.mktemp("images")
    made = make(base / "repo", base / "machine", shares_store=True)
    made.commit()
    yield made
    made.stop_daemon()


@pytest.fixture(autouse=True)
def restored(repo: Monorepo) -> Iterator[None]:
    """Each test begins with the same repository, and the caches of those before it."""
    yield
    restore(repo)


def test_several_platforms(repo: Monorepo) -> None:
    base = BaseImage(repo.root / "images/both")
    base.add("amd64")
    base.layers = [layer([*python_layer(), member("etc/arm")])]
    base.add("arm64")
    base.write()
    repo.write(
        "src/a/BUILD", image("a", base="images/both", platforms=["linux/amd64", "linux/arm64"])
    )
    repo.pants("package", "src/a:image").assert_success()
    folder = repo.dist("src.a/image")
    images = [Layout(folder, architecture) for architecture in ("amd64", "arm64")]
    assert [i.config["architecture"] for i in images] == ["amd64", "arm64"]
    # Code is the same everywhere; what is compiled is not.
    assert changed(*images) == ["requirements of the Truss server"]
    server = images[1].layer("requirements of the Truss server").names
    assert any(name.endswith("aarch64-linux-gnu.so") for name in server)
    assert not any("x86_64" in name for name in server)
    for architecture in ("amd64", "arm64"):
        assert repo.dist(f"src.a/image-{architecture}.cdx.json").exists()


def test_a_python_that_this_machine_need_not_have(repo: Monorepo) -> None:
    """Nor Pants' Pex be able to run: there is no lockfile of the server for it, either."""
    shutil.rmtree(repo.root / "images/base")
    BaseImage(repo.root / "images/base", layers=[layer(python_layer("3.13"))]).write()
    repo.write("src/a/config.yaml", CONFIG.replace("py311", "py313"))
    names = package(repo).layer("requirements of the Truss server").names
    assert any(name.endswith("cpython-313-x86_64-linux-gnu.so") for name in names)
    assert not any("cpython-311" in name for name in names)


def test_wheels_do_not_depend_on_this_machine(repo: Monorepo) -> None:
    repo.write("src/a/config.yaml", CONFIG + "requirements: [bcrypt==4.3.0, greenlet==3.1.1]\n")
    made = package(repo)
    own = made.layer("requirements")
    tags = own.read("opt/truss/requirements/bcrypt-4.3.0.dist-info/WHEEL").decode()
    # This machine could take the one for glibc 2.34, and a base of Debian 11 could not.
    assert "manylinux_2_28_x86_64" in tags
    assert not [name for name in own.names if "include" in name.split("/")[:4]]
    before = package(repo, "b")
    names = ("requirements of the Truss server", "Python's .pth file", "the Truss server")
    assert [made.digests[name] for name in names] == [before.digests[name] for name in names]


def write_source_distribution(folder: Path) -> None:
    """One module, no wheel, and one that is built is for one machine, as of what is compiled."""
    folder.mkdir()
    files = {
        "setup.py": "from setuptools import Distribution, setup\n"
        "class Compiled(Distribution):\n"
        "    def has_ext_modules(self):\n"
        "        return True\n"
        "setup(name='onlysource', version='1.0', py_modules=['onlysource'], distclass=Compiled)\n",
        "PKG-INFO": "Metadata-Version: 2.1\nName: onlysource\nVersion: 1.0\n",
        "onlysource.py": "X = 1\n",
    }
    with tarfile.open(folder / "onlysource-1.0.tar.gz", "w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(f"onlysource-1.0/{name}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))


def test_what_has_no_wheel_is_built_here(repo: Monorepo, tmp_path: Path) -> None:
    write_source_distribution(tmp_path / "links")
    links = f"--python-repos-find-links=['file://{tmp_path}/links']"
    repo.write("src/a/config.yaml", CONFIG + "requirements: [onlysource==1.0]\n")
    run = repo.pants(links, "package", "src/a:image").assert_success()
    assert "onlysource 1.0 has no wheel for linux/amd64 with glibc 2.31 or older" in run.stderr
    names = Layout(repo.dist("src.a/image")).layer("requirements").names
    assert "opt/truss/requirements/onlysource.py" in names
    BaseImage(repo.root / "images/arm", architecture="arm64").write()
    repo.write("src/a/BUILD", image("a", base="images/arm", platforms=["linux/arm64"]))
    error = repo.pants(links, "package", "src/a:image").assert_failure().stderr
    assert "onlysource" in error and "src/a/config.yaml" in error


def test_the_same_bytes_from_other_caches_and_surroundings(tmp_path: Path) -> None:
    first = make(tmp_path / "a", tmp_path / "machine-a", daemon=False, fresh=True)
    first.environment = {"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "0"}
    far = tmp_path / "a much longer path" / ("deep/" * 10) / "clone"
    second = make(far, tmp_path / "machine-b", daemon=False, fresh=True)
    second.environment = {
        "TZ": "Asia/Tokyo",
        "LC_ALL": "tr_TR.UTF-8",
        "PYTHONHASHSEED": "4242",
        # Fewer at a time come in another order.
        "PANTS_RULE_THREADS_CORE": "2",
        "PANTS_PROCESS_EXECUTION_LOCAL_PARALLELISM": "1",
    }
    for each in (first, second):
        each.write("src/a/config.yaml", CONFIG + "requirements: [greenlet==3.1.1]\n")
    shuffle(second.root)
    digests = []
    for repo, umask in ((first, 0o022), (second, 0o077)):
        repo.pants("package", "src/a:image", umask=umask).assert_success()
        digests.append(Layout(repo.dist("src.a/image")).digest)
    assert digests[0] == digests[1]
    boms = [r.dist("src.a/image.cdx.json").read_bytes() for r in (first, second)]
    assert boms[0] == boms[1]


def test_byte_code_in_the_cache_of_pex_is_in_no_image(tmp_path: Path) -> None:
    """Any Python that has imported from there leaves it, and lists it as part of the wheel."""
    first = make(tmp_path / "a", tmp_path / "machine-a", daemon=False, fresh=True)
    digest = package(first).digest
    caches = first.machine / "cache/pants/named_caches"
    installed = list(caches.glob("pex_root/installed_wheels/**/idna-*.whl"))
    assert installed
    for folder in installed:
        python = shutil.which("python3.11")
        assert python
        subprocess.run([python, "-m", "compileall", "-q", folder], check=True)
        assert list(folder.glob("idna/__pycache__/*.pyc"))
    second = make(tmp_path / "b", tmp_path / "machine-b", daemon=False)
    second.environment["PANTS_NAMED_CACHES_DIR"] = str(caches)
    assert package(second).digest == digest


def shuffle(root: Path) -> None:
    """The same files, written in another order, at other times, with other modes."""
    files = sorted((p for p in root.rglob("*") if p.is_file()), reverse=True)
    for number, file in enumerate(files):
        content = file.read_bytes()
        executable = file.stat().st_mode & stat.S_IXUSR
        file.unlink()
        file.write_bytes(content)
        file.chmod(0o700 if executable else 0o600)
        os.utime(file, (number * 1000, 1_000_000_000 + number * 1000))
