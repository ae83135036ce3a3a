"""The settings and the workflow for CI that the repository has for others to take."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
import yaml

from support.monorepo import PYTHON_TOML, Monorepo
from support.remote import interpreters

WORKFLOW = Path("docs/ci/github-workflow.yml").resolve()
SETTINGS = Path("pants.ci.toml").resolve()


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monorepo]:
    """Two trusses, of which the last commit changed one."""
    base = tmp_path_factory.mktemp("ci")
    made = Monorepo(base / "repo", base / "machine", daemon=False, shares_store=True)
    made.configure("pants.backend.python", toml=PYTHON_TOML.format(roots='"/src/trusses/*"'))
    shutil.copy(SETTINGS, made.root)
    # As the workflow has it.
    search_path = "PANTS_PYTHON_BOOTSTRAP_SEARCH_PATH"
    made.environment = {"PANTS_CONFIG_FILES": "pants.ci.toml", search_path: str(interpreters())}
    for name in ("a", "b"):
        folder = f"src/trusses/{name}"
        made.truss(folder, f"model_name: {name}\npython_version: py311\n")
        made.write(
            f"{folder}/BUILD", 'truss()\n\npython_sources(name="sources", sources=["**/*.py"])\n'
        )
    made.write(".gitignore", "/dist\n/.pants.d\n/.pids\n")
    made.commit()
    made.write(
        "src/trusses/b/model/model.py",
        "class Model:\n    def predict(self, x):\n        return 2\n",
    )
    made.commit()
    yield made
    made.stop_daemon()


def jobs() -> Dict[str, Any]:
    found: Dict[str, Any] = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    return found


PULL_REQUEST = {"WHAT": "--changed-since=HEAD~1 --changed-dependents=transitive", "ALL": " "}
MAIN = {"WHAT": "", "ALL": "::"}


def commands(job: str, variables: Dict[str, str]) -> List[List[str]]:
    """The commands of Pants in a job, as a shell splits them."""
    lines = [
        step["run"] for step in jobs()[job]["steps"] if step.get("run", "").startswith("pants")
    ]
    assert lines
    found = []
    for line in lines:
        line = line.replace("${{ matrix.shard }}", "0")
        for name, value in variables.items():
            line = line.replace(f"${name}", value)
        assert "$" not in line
        found.append(line.split()[1:])
    return found


def test_each_job_gets_the_sources_and_pants() -> None:
    for name, job in jobs().items():
        uses = [step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step]
        pants = ["actions/checkout", "actions/setup-python", "pantsbuild/actions/init-pants"]
        assert uses[:3] == pants, name


def test_who_gets_what() -> None:
    """A pull request is not to fill the cache of all others, nor to see the key of the remote."""
    workflow = yaml.safe_load(WORKFLOW.read_text())
    write = workflow["env"]["PANTS_REMOTE_CACHE_WRITE"]
    assert write.endswith("&& github.ref == 'refs/heads/main' }}")
    publish = jobs()["publish"]
    assert publish["if"] == "github.ref == 'refs/heads/main'"
    assert publish["environment"] == "production" and publish["needs"] == ["package"]
    keys = [name for name in jobs() if "BASETEN_API_KEY" in str(jobs()[name])]
    assert keys == ["publish"]


@pytest.mark.parametrize("job", ["check", "test", "package"])
def test_the_commands_of_a_job_run(job: str, repo: Monorepo) -> None:
    for command in commands(job, PULL_REQUEST):
        repo.pants(*command).assert_success()


@pytest.mark.parametrize("of, packaged", [(PULL_REQUEST, ["b.tar"]), (MAIN, ["a.tar", "b.tar"])])
def test_what_is_packaged_is_a_tar(of: Dict[str, str], packaged: List[str], repo: Monorepo) -> None:
    shutil.rmtree(repo.root / "dist", ignore_errors=True)
    (command,) = commands("package", of)
    repo.pants(*command).assert_success()
    assert sorted(path.name for path in (repo.root / "dist").rglob("*.tar")) == packaged
