"""Tests how a script of this plugin is started in the environments of a truss."""

from __future__ import annotations

import json
import pkgutil
from typing import Any, Dict, List, Tuple

import pytest
from pants.backend.python.util_rules.pex import PexRequest
from pants.engine.fs import CreateDigest, Digest, DigestContents, FileContent
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.script_tool import launch
from pants_truss.script_tool.launch import Launch, LaunchRequest
from pants_truss.testutil.stand_in_pex import FOLDER, with_stand_in_pex

PEXES = ("requirements", "truss_server")
SCRIPTS = tuple(("pants_truss.serving.scripts", name) for name in ("serve.py", "ports.py"))


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    runner = RuleRunner(
        rules=[*with_stand_in_pex(launch.rules()), QueryRule(Launch, [LaunchRequest])]
    )
    runner.write_files({f"{FOLDER}/{name}/{name}_pex_shim.sh": name for name in PEXES})
    return runner


def prepare(
    rule_runner: RuleRunner,
    spec: str = '{"truss": "app"}',
    pexes: Tuple[str, ...] = PEXES,
    lists_venvs: bool = True,
    in_workspace: bool = False,
    truss: Tuple[str, ...] = ("app/model/model.py",),
) -> Launch:
    rule_runner.set_options([], env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    files = [FileContent(path, path.encode()) for path in truss]
    digest = rule_runner.request(Digest, [CreateDigest(files)])
    requests = tuple(
        PexRequest(output_filename=f"{name}.pex", internal_only=True) for name in pexes
    )
    request = LaunchRequest(
        SCRIPTS,
        requests,
        digest,
        folder="local",
        spec_name="truss.json",
        spec=spec,
        lists_venvs=lists_venvs,
        in_workspace=in_workspace,
    )
    return rule_runner.request(Launch, [request])


def files_of(rule_runner: RuleRunner, launched: Launch) -> Dict[str, bytes]:
    found = rule_runner.request(DigestContents, [launched.digest])
    return {file.path: file.content for file in found}


def spec_of(rule_runner: RuleRunner, launched: Launch) -> Any:
    return json.loads(files_of(rule_runner, launched)["local/truss.json"])


def test_the_truss_its_environments_and_the_script_in_one_folder(rule_runner: RuleRunner) -> None:
    launched = prepare(rule_runner)
    found = files_of(rule_runner, launched)
    assert set(found) == {
        "app/model/model.py",
        "local/truss.json",
        *(f"local/{name}" for _, name in SCRIPTS),
        *(f"{name}/{name}_pex_shim.sh" for name in PEXES),
    }
    assert launched.script == "local/serve.py" and found[launched.script]
    for package, name in SCRIPTS:
        assert found[f"local/{name}"] == pkgutil.get_data(package, name)


def test_the_spec_gets_the_venvs_in_their_order(rule_runner: RuleRunner) -> None:
    """The first folder has priority."""
    spec = '{"port": 8080, "name": "é", "nothing": null, "venvs": "none yet"}'
    launched = prepare(rule_runner, spec=spec)
    assert spec_of(rule_runner, launched) == {
        "port": 8080,
        "name": "é",
        "nothing": None,
        "venvs": [
            {"folder": "venvs/requirements", "shim": "requirements_pex_shim.sh"},
            {"folder": "venvs/truss_server", "shim": "truss_server_pex_shim.sh"},
        ],
    }
    turned = spec_of(rule_runner, prepare(rule_runner, pexes=PEXES[::-1]))
    assert [venv["folder"] for venv in turned["venvs"]] == [
        "venvs/truss_server",
        "venvs/requirements",
    ]


def test_a_spec_without_venvs(rule_runner: RuleRunner) -> None:
    assert spec_of(rule_runner, prepare(rule_runner, lists_venvs=False)) == {"truss": "app"}


@pytest.mark.parametrize("pexes", [PEXES, PEXES[::-1], PEXES[:1]])
def test_the_python_of_the_first_venv(rule_runner: RuleRunner, pexes: Tuple[str, ...]) -> None:
    launched = prepare(rule_runner, pexes=pexes)
    # Without `./`, because the process does not start in the folder that describes it.
    assert launched.python == f"{pexes[0]}_python_shim.sh"
    assert launched.sandbox_args == (f"./{launched.python}", "-I", "local/serve.py")
    assert launched.run_args == (
        f"{{chroot}}/{launched.python}",
        "-I",
        "{chroot}/local/serve.py",
    )


def test_the_caches_of_all_venvs(rule_runner: RuleRunner) -> None:
    caches = prepare(rule_runner).append_only_caches
    assert {name: caches[name] for name in ("pex_root", *map("cache_of_{}".format, PEXES))} == {
        "pex_root": ".cache/pex_root",
        "cache_of_requirements": ".cache/requirements",
        "cache_of_truss_server": ".cache/truss_server",
    }


def test_in_the_workspace_the_cache_is_used_in_place(rule_runner: RuleRunner) -> None:
    """A server outlives sandboxes and restarts after edits, so it uses the cache in place."""
    here = prepare(rule_runner, in_workspace=True)
    assert "pex_root" not in here.append_only_caches
    there = prepare(rule_runner)
    assert (here.python, here.script, here.digest) == (there.python, there.script, there.digest)


def test_a_truss_with_folders_of_the_same_names(rule_runner: RuleRunner) -> None:
    names = ("app/local/serve.py", "packages/requirements/x.py", "app/truss.json")
    found = files_of(rule_runner, prepare(rule_runner, truss=names))
    assert [found[name].decode() for name in names] == list(names)


def test_launches_are_reproducible(rule_runner: RuleRunner) -> None:
    launches: List[Launch] = [
        prepare(rule_runner, truss=names) for names in (("app/a", "app/b"), ("app/b", "app/a"))
    ]
    assert launches[0] == launches[1]
