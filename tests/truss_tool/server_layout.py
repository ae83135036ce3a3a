"""Runs a model as the server in an image does: its own loader, its own folders, its own path."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, List

from truss.base.truss_config import TrussConfig

# A temporary folder holds the folders that are /app and /packages in an image. The server itself
# appends /packages to the path, if it exists, just before it loads the model.
LOAD_AND_PREDICT = """\
import asyncio, inspect, json, os, sys
app, packages, requests = sys.argv[1:]
os.chdir(app)
sys.path.insert(0, app)
sys.path.append(packages)
import yaml
from model_wrapper import ModelWrapper
def answer(model, request):
    result = model.predict(request)
    return asyncio.run(result) if inspect.isawaitable(result) else result
wrapper = ModelWrapper(yaml.safe_load(open("config.yaml")), None)
wrapper._load_impl()
answers = [answer(wrapper._model, request) for request in json.loads(requests)]
outside = [p for p in sys.path if p not in (app, packages) and not p.startswith(sys.prefix)
           and not p.startswith(sys.base_prefix)]
print(json.dumps({"answers": answers, "outside": outside}))
"""


def predict_like_server(context: Path, requests: List[Any]) -> List[Any]:
    """The answers of the model in an image context, from a new process."""
    with tempfile.TemporaryDirectory() as folder:
        app, packages = Path(folder, "app"), Path(folder, "packages")
        shutil.copytree(context / "server", app)
        for name in ("data", "model"):
            if (context / name).exists():
                shutil.copytree(context / name, app / name)
        shutil.copy(context / "config.yaml", app)
        config = TrussConfig.from_yaml(context / "config.yaml")
        bundled = context / config.bundled_packages_dir
        if bundled.exists():
            shutil.copytree(bundled, packages)
        process = subprocess.run(
            [sys.executable, "-I", "-B", "-c", LOAD_AND_PREDICT]
            + [str(app), str(packages), json.dumps(requests)],
            env={"LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=120,
        )
        if process.returncode:
            raise RuntimeError(process.stderr.strip().splitlines()[-1])
        result = json.loads(process.stdout.splitlines()[-1])
        assert not result["outside"], result
        return list(result["answers"])
