"""From a one-line edit of a model to its image, and on to a registry, next to `docker build`.

    tests/containers/setup.sh FOLDER
    TRUSS_TEST_CONTAINERS=FOLDER ./pants run benchmarks/image.py -- --shared 5 --runs 5

One truss with 300 MB of requirements and that many folders of shared code. All have built the image
before: Pants' daemon is warm, and so is Docker's build cache. Against `builder="oci"` are timed
Truss, which gathers, makes a context and has `docker build` build it; `docker build` of a context
that is there; and that of a Dockerfile as one would write it by hand, requirements first and the
model last. The registry is Debian's, on loopback. They take turns. Printed are medians, their
ratios, and what the last push has uploaded.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import time
from pathlib import Path
from typing import Callable, Dict, List

from reload import find_truss_python

from side_by_side import main
from support.containers import RELEASE, Engine, Registry, engine_environment, skopeo
from support.monorepo import IMAGES, PYTHON_TOML, Monorepo

CONFIG = """\
python_version: py311
external_package_dirs: [{shared}]
# With what they bring, 300 MB.
requirements: [pandas==2.2.3, pyarrow==18.1.0, scipy==1.14.1, scikit-learn==1.5.2]
"""
MODEL = """\
class Model:
    def predict(self, request):
        return request
"""
BUILD = """\
truss()
truss_image(name="oci", truss=":it", builder="oci", base="images/base")
truss_image(name="context", truss=":it", builder="context", pin_requirements=True)
"""
BY_HAND = f"""\
FROM {RELEASE}
COPY constraints.txt requirements.txt /tmp/
RUN uv pip install --system --break-system-packages --no-cache-dir \\
    -r /tmp/requirements.txt -c /tmp/constraints.txt
COPY server config.yaml /app/
COPY packages /packages
COPY model /app/model
WORKDIR /app
ENV INFERENCE_SERVER_PORT=8080
ENTRYPOINT ["python3", "/app/main.py"]
"""


def make_repo(folder: Path, containers: Path, shared: int) -> Monorepo:
    repo = Monorepo(folder / "repo", folder / "machine", engine_environment(containers), fresh=True)
    repo.configure("pants.backend.python", IMAGES, toml=PYTHON_TOML.format(roots='"/t/it"'))
    names = [f"shared{number}" for number in range(shared)]
    for name in names:
        repo.write(f"{name}/BUILD", "truss_external_package()\n")
        repo.write(f"{name}/{name}/__init__.py", "X = 1\n" * 200)
    repo.write("t/it/BUILD", BUILD)
    repo.write("t/it/config.yaml", CONFIG.format(shared=", ".join(f"../../{n}" for n in names)))
    repo.write("t/it/model/model.py", MODEL)
    shutil.copytree(containers / "base", repo.root / "images/base")
    return repo


BUILD_CONTEXT = """\
import sys
from pathlib import Path
from truss.truss_handle.truss_handle import TrussHandle
TrussHandle(Path(sys.argv[1])).docker_build_setup(Path(sys.argv[2]))
"""


class Contestants:
    """Each builds the image of the model as it is edited last."""

    def __init__(self, repo: Monorepo, docker: Engine, registry: Registry) -> None:
        self.repo, self.docker, self.registry = repo, docker, registry
        self.python = find_truss_python()
        repo.pants("package", "t/it:oci", "t/it:context").assert_success()
        self.folders = {}
        for name in ("truss", "by_hand"):
            self.folders[name] = repo.root.parent / name
            shutil.copytree(repo.dist("t.it/context"), self.folders[name])
        (self.folders["by_hand"] / "Dockerfile").write_text(BY_HAND)

    def edit(self, number: int) -> None:
        text = f"{MODEL}# Edit {number}.\n"
        self.repo.write("t/it/model/model.py", text)
        for folder in self.folders.values():
            (folder / "model/model.py").write_text(text)

    def oci(self) -> None:
        self.repo.pants("package", "t/it:oci").assert_success()

    def push_oci(self) -> None:
        self.oci()
        layout = f"oci:{self.repo.dist('t.it/oci')}:latest"
        address = f"docker://{self.registry.address}/oci:latest"
        skopeo("copy", "-q", "--dest-tls-verify=false", layout, address)

    def truss(self) -> None:
        """What `truss image build` does, for a Docker without buildx."""
        context = self.repo.root.parent / "truss_image_build"
        subprocess.run(
            [self.python, "-c", BUILD_CONTEXT, str(self.repo.root / "t/it"), str(context)],
            env={**os.environ, "HOME": str(self.repo.machine)},
            check=True,
            capture_output=True,
        )
        constraints = self.folders["truss"] / "constraints.txt"
        shutil.copy(constraints, context)
        self.docker.run("build", "-q", "--network=host", "--tag=truss-benchmark", str(context))

    def build(self, name: str) -> None:
        tag = f"{self.registry.address}/{name}:latest"
        self.docker.run("build", "-q", "--network=host", "--tag", tag, str(self.folders[name]))

    def push(self, name: str) -> None:
        self.build(name)
        self.docker.run("push", "-q", f"{self.registry.address}/{name}:latest")


def benchmark(folder: Path, shared: int, runs: int) -> None:
    containers = Path(os.environ["TRUSS_TEST_CONTAINERS"])
    repo = make_repo(folder, containers, shared)
    registry = Registry(folder / "registry")
    all_of = Contestants(repo, Engine("docker", containers), registry)
    commands: Dict[str, Callable[[], None]] = {
        "image: oci": all_of.oci,
        "image: Truss, with docker build": all_of.truss,
        "image: docker build, Truss's Dockerfile": lambda: all_of.build("truss"),
        "image: docker build, by hand": lambda: all_of.build("by_hand"),
        "pushed: oci": all_of.push_oci,
        "pushed: docker build, Truss's Dockerfile": lambda: all_of.push("truss"),
        "pushed: docker build, by hand": lambda: all_of.push("by_hand"),
    }
    times: Dict[str, List[float]] = {name: [] for name in commands}
    uploaded = "nothing"
    try:
        for number in range(runs + 1):
            for name, command in commands.items():
                all_of.edit(hash((number, name)))
                before = registry.blobs()
                start = time.perf_counter()
                command()
                taken = time.perf_counter() - start
                new = registry.blobs().items() - before.items()
                if number:  # The first round fills caches.
                    times[name].append(taken)
                if name == "pushed: oci":
                    uploaded = ", ".join(str(size) for _, size in sorted(new, key=lambda b: b[1]))
    finally:
        registry.stop()
        repo.stop_daemon()
    print(f"{shared} shared folders, 300 MB of requirements; medians of {runs} runs, from the edit")
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, seconds in medians.items():
        ours = medians[name.partition(":")[0] + ": oci"]
        print(f"  {name:44} {seconds:6.2f} s  {seconds / ours:5.1f} x")
    print(f"  the last push of oci has uploaded blobs of these bytes: {uploaded}")


if __name__ == "__main__":
    main(__doc__, "shared", 5, benchmark)
