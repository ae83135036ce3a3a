"""A repository whose one truss has bundled, external and imported code, and images of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Dict

from support.containers import engine_environment
from support.monorepo import IMAGES, PYTHON_TOML, Monorepo

CONFIG = """\
python_version: py311
external_package_dirs: [../shared]
requirements: [six==1.16.0, pyyaml==6.0.2]
data_dir: weights
environment_variables: {GREETING: hello}
secrets: {token: null}
"""
MODEL = """\
import os

import bundled
import six
import yaml
from common.text import NAME
from external import part


class Model:
    def __init__(self, **kwargs):
        self._data = kwargs["data_dir"]

    def load(self):
        self._words = (self._data / "words.txt").read_text().split()

    def predict(self, request):
        import lazy

        return {
            "request": request,
            "names": [bundled.NAME, part.NAME, NAME, lazy.NAME],
            "words": self._words,
            "versions": [six.__version__, yaml.__version__],
            "user": [os.getuid(), os.environ["HOME"], os.getcwd()],
            "greeting": os.environ.get("GREETING"),
        }
"""
FILES: Dict[str, str] = {
    "t/it/config.yaml": CONFIG,
    "t/it/model/__init__.py": "",
    "t/it/model/model.py": MODEL,
    "t/it/packages/bundled.py": "NAME = 'bundled'\n",
    "t/it/packages/lazy.py": "NAME = 'lazy'\n",
    "t/it/weights/words.txt": "a b\n",
    "t/it/examples.yaml": "- name: One\n  input: {x: 1}\n",
    "t/it/BUILD": """\
truss()
python_sources(name="sources", sources=["model/*.py", "packages/*.py"])
truss_image(
    name="docker", truss=":it", pin_requirements=True, build_network="host", image_tags=["1"]
)
truss_image(name="oci", truss=":it", builder="oci", docker_archive=True, image_tags=["1"])
truss_image(name="context", truss=":it", builder="context")
docker_image(name="by_hand", dependencies=[":it"], image_tags=["1"])
""",
    "t/it/Dockerfile": """\
FROM scratch
COPY t.it/it /truss
""",
    "t/shared/BUILD": """\
truss_external_package()
python_sources(name="sources", sources=["**/*.py"])
""",
    "t/shared/external/__init__.py": "",
    "t/shared/external/part.py": "NAME = 'external'\n",
    "lib/common/BUILD": "python_sources()\n",
    "lib/common/__init__.py": "",
    "lib/common/text.py": "NAME = 'imported'\n",
}
ROOTS = '"/lib", "/t/it", "/t/it/packages", "/t/shared"'
ANSWER: Dict[str, Any] = {
    "request": {"x": 1},
    "names": ["bundled", "external", "imported", "lazy"],
    "words": ["a", "b"],
    "versions": ["1.16.0", "6.0.2"],
    "user": [0, "/root", "/app"],
    "greeting": None,
}
TOML = """
[docker]
env_vars = ["DOCKER_HOST", "HOME"]

[truss-images.bases]
"baseten/truss-server-base:3.11-v0.13.0" = "images/base"
"""


def make(root: Path, machine: Path, containers: Path) -> Monorepo:
    """`containers` is what `support.containers.prepared` returns."""
    repo = Monorepo(root, machine, engine_environment(containers), shares_store=True)
    toml = PYTHON_TOML.format(roots=ROOTS) + TOML
    repo.configure("pants.backend.python", "pants.backend.docker", IMAGES, toml=toml)
    repo.write_all(FILES)
    shutil.copytree(containers / "base", repo.root / "images/base")
    return repo
