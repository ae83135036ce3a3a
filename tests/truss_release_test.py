"""A repository that pins another release of Truss has that release's keys and choices."""

from __future__ import annotations

from pathlib import Path

import pytest

from pants_truss.core.lint.release import default_release
from support.monorepo import Monorepo

OLDER = "0.14.1"
LOCKFILE = Path("3rdparty/truss_0_14/truss.lock")
SETTINGS = """
[truss-cli]
install_from_resolve = "truss"
interpreter_constraints = ["CPython==3.11.*"]

[python]
interpreter_constraints = ["CPython==3.11.*"]
enable_resolves = true

[python.resolves]
python-default = "default.lock"
truss = "truss.lock"
"""
MODEL = "class Model:\n    def predict(self, request):\n        return request\n"
CONFIGS = {
    # 0.14.1 does not have these.
    "newer": "bdn: {mounts: [{source: 'bdn:a/b', path: /w}]}\n",
    "gpu": "resources: {accelerator: RTX_PRO_6000}\n",
    "scheme": "weights: [{source: 'cw://a/b', mount_location: /w}]\n",
    # Only the release knows what it does with these.
    "both": "resources: {accelerator: 'H100:2'}\nweights: [{source: 's3://a/b', "
    "mount_location: /w}]\n",
    "misspelt": "requirement: []\n",
}


@pytest.fixture(scope="module")
def monorepo(tmp_path_factory: pytest.TempPathFactory) -> Monorepo:
    base = tmp_path_factory.mktemp("release")
    monorepo = Monorepo(base / "repo", base / "machine", shares_store=True)
    monorepo.write("truss.lock", LOCKFILE.read_bytes())
    for name, config in CONFIGS.items():
        monorepo.write(f"t/{name}/BUILD", "truss()\n")
        monorepo.write(f"t/{name}/config.yaml", f"model_name: {name}\n{config}")
        monorepo.write(f"t/{name}/model/model.py", MODEL)
    return monorepo


def configure(monorepo: Monorepo, settings: str) -> None:
    backends = ("pants.backend.python",)
    monorepo.configure(*backends, toml=settings, silent_rules=())


def test_an_older_release(monorepo: Monorepo) -> None:
    configure(monorepo, SETTINGS)
    found = monorepo.pants("package", "--truss-gather-keep-going", "::").assert_failure().stderr
    default = default_release().version
    assert (
        "t/newer:newer (t/newer/config.yaml:2): unknown key `bdn`; `truss push` rejects it. "
        f"Truss {OLDER}, the release of `[truss-cli]`, does not have it; Truss {default} does."
    ) in found
    assert "`resources.accelerator` is the string 'RTX_PRO_6000', but must be one of" in found
    assert "It must begin with one of azure://, gs://, hf://, https://, r2://, s3://." in found
    assert "unknown key `requirement`; `truss push` rejects it. Did you mean" in found
    assert "t/both:both" not in found
    assert (monorepo.dist("t.both/both/config.yaml")).exists()
    # It is asked once, and not again in a run without the daemon.
    again, units = monorepo.pants_with_work_units("lint", "t/both::")
    again.assert_success()
    assert units["run_local_process"] == 0


def test_the_default_release_has_the_newer_keys(monorepo: Monorepo) -> None:
    configure(monorepo, "")
    found = monorepo.pants("package", "--truss-gather-keep-going", "::").assert_failure().stderr
    assert "t/misspelt:misspelt" in found
    assert not [name for name in ("newer", "gpu", "scheme", "both") if f"t/{name}:" in found]
    assert all(monorepo.dist(f"t.{name}/{name}").exists() for name in CONFIGS if name != "misspelt")
