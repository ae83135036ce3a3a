"""Which distributions a truss is run with, for a small release of Truss; what Pex says lies in
files."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional, Tuple

import pytest
from pants.backend.python.util_rules.pex import PexRequest
from pants.backend.python.util_rules.pex_requirements import (
    EntireLockfile,
    PexRequirements,
    Resolve,
)
from pants.engine.addresses import Address
from pants.engine.fs import DigestContents
from pants.engine.internals.scheduler import ExecutionError
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.pants_api.lockfiles import NEWEST_PYTHON_OF_LOCKFILES, shipped_lockfile
from pants_truss.serving import environment
from pants_truss.serving.environment import (
    LOCKED_PYTHONS,
    PlannedEnvironment,
    ServerEnvironment,
    ServerEnvironmentRequest,
    TrussVenvs,
    TrussVenvsRequest,
)
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.testutil.results import raised
from pants_truss.testutil.stand_in_pex import FOLDER, TOOL, installed, with_stand_in_pex

ADDRESS = Address("src/t", target_name="t")
CONFIG = "`requirements` in src/t/config.yaml"
SERVERS = "the list of the Truss release for its model server"
SERVER = f"{FOLDER}/{TOOL}/truss/templates/server"
RELEASE = {
    f"{FOLDER}/{TOOL}/truss/__init__.py": "",
    f"{FOLDER}/{TOOL}/truss/templates/shared/util.py": "",
    f"{SERVER}/truss_server.py": "",
    f"{SERVER}/requirements.txt": "# Needed.\nfastapi>=0.109\nnumpy>=1.23,<2\nnumpyro==1\n",
    f"{SERVER}/constraints.txt": "h11==0.14\n",
}
OPTIONS = [
    "--python-enable-resolves",
    "--python-resolves={'mine': 'mine.lock', 'pexs': 'pexs.lock'}",
    "--python-default-resolve=mine",
    "--python-resolves-generate-lockfiles=false",
]


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    runner = RuleRunner(
        rules=[
            *with_stand_in_pex(environment.rules()),
            QueryRule(PlannedEnvironment, [TrussVenvsRequest]),
            QueryRule(ServerEnvironment, [ServerEnvironmentRequest]),
            QueryRule(TrussVenvs, [TrussVenvsRequest]),
        ]
    )
    wheel = {"algorithm": "sha256", "hash": "0", "url": "https://host/numpy.whl"}
    locked: Dict[str, Any] = {"project_name": "numpy", "version": "1.26.4", "requires_dists": []}
    locked["artifacts"] = [wheel]
    pex = {"locked_resolves": [{"locked_requirements": [locked]}], "requires_python": []}
    runner.write_files({**RELEASE, "mine.lock": "numpy==1.26.4\n", "pexs.lock": json.dumps(pex)})
    return runner


def set_options(rule_runner: RuleRunner, *args: str) -> None:
    rule_runner.set_options([*OPTIONS, *args], env_inherit={"PATH", "PYENV_ROOT", "HOME"})


def request(
    *requirements: str,
    resolve: Optional[str] = None,
    python: Tuple[int, int] = (3, 11),
    server: bool = True,
    bounded: bool = True,
) -> TrussVenvsRequest:
    return TrussVenvsRequest(ADDRESS, python, requirements, CONFIG, resolve, server, bounded)


def plan(rule_runner: RuleRunner, asked: TrussVenvsRequest) -> PlannedEnvironment:
    set_options(rule_runner)
    return rule_runner.request(PlannedEnvironment, [asked])


def wanted(pex: Optional[PexRequest]) -> Tuple[List[str], List[str]]:
    assert pex and isinstance(pex.requirements, PexRequirements)
    names = [str(each) for each in pex.requirements.req_strings_or_addrs]
    return names, list(pex.requirements.constraints_strings)


def refusal(rule_runner: RuleRunner, output: type, asked: TrussVenvsRequest) -> str:
    set_options(rule_runner)
    with pytest.raises(ExecutionError) as caught:
        rule_runner.request(output, [asked])
    error = raised(caught)
    assert isinstance(error, InvalidTruss)
    return str(error)


# --- The server's.


def server_of(
    rule_runner: RuleRunner, *args: str, python: Tuple[int, int] = (3, 11)
) -> ServerEnvironment:
    set_options(rule_runner, *args)
    return rule_runner.request(ServerEnvironment, [ServerEnvironmentRequest(python)])


NEWEST = NEWEST_PYTHON_OF_LOCKFILES or LOCKED_PYTHONS[1]


@pytest.mark.parametrize("python", [(3, 9), NEWEST])
def test_the_plugins_own_lockfile(rule_runner: RuleRunner, python: Tuple[int, int]) -> None:
    found = server_of(rule_runner, python=python)
    assert isinstance(found.pex.requirements, EntireLockfile)
    lockfile: Any = found.pex.requirements.lockfile
    assert lockfile.url == f"resource://pants_truss.requirements/{shipped_lockfile('truss_server')}"
    assert lockfile.resolve_name == "truss-server"
    assert found.pex.output_filename == "truss_server.pex" and found.pex.internal_only
    assert [str(each) for each in found.pex.interpreter_constraints] == [
        f"CPython==3.{python[1]}.*"
    ]
    # As the release has them, comments too: bounds for what a truss has of its own.
    assert found.requirements == ("fastapi>=0.109", "numpy>=1.23,<2", "numpyro==1")
    assert found.constraints == ("h11==0.14",)


@pytest.mark.parametrize("python", [(3, 8), (3, NEWEST[1] + 1), (3, 13), (3, 14)])
def test_a_python_that_the_lockfile_is_not_for(
    rule_runner: RuleRunner, python: Tuple[int, int]
) -> None:
    found = server_of(rule_runner, python=python)
    # From 3.13 on there are wheels of numpy 2 only.
    numpy = "numpy" if python >= (3, 13) else "numpy>=1.23,<2"
    assert wanted(found.pex) == (["fastapi>=0.109", numpy, "numpyro==1"], ["h11==0.14"])
    assert [str(each) for each in found.pex.interpreter_constraints] == [
        f"CPython==3.{python[1]}.*"
    ]


def test_another_release_needs_another_server(rule_runner: RuleRunner) -> None:
    """The lockfile is for the release that the plugin has by default."""
    found = server_of(rule_runner, "--truss-cli-install-from-resolve=mine")
    assert wanted(found.pex) == (["fastapi>=0.109", "numpy>=1.23,<2", "numpyro==1"], ["h11==0.14"])


@pytest.mark.parametrize("more", [[], ["--truss-cli-install-from-resolve=mine"]])
@pytest.mark.parametrize("python", [(3, 8), (3, 11), (3, 13)])
def test_a_lockfile_of_the_repository_for_the_server(
    rule_runner: RuleRunner, more: List[str], python: Tuple[int, int]
) -> None:
    option = "--truss-server-install-from-resolve=pexs"
    found = server_of(rule_runner, option, *more, python=python)
    assert isinstance(found.pex.requirements, PexRequirements)
    assert found.pex.requirements.from_superset == Resolve("pexs", True)
    assert wanted(found.pex) == ([], [])


# --- What the truss's own could be made of.


def test_a_truss_without_requirements_has_the_servers_alone(rule_runner: RuleRunner) -> None:
    found = plan(rule_runner, request())
    assert (found.own, found.joint) == (None, None)
    assert found.server and isinstance(found.server.requirements, EntireLockfile)
    # Comments and where pip looks are no requirements.
    assert plan(rule_runner, request("# none", "", "--extra-index-url https://x/y")) == found


def test_own_requirements_are_bounded_by_those_of_the_server(rule_runner: RuleRunner) -> None:
    found = plan(rule_runner, request("torch==2.1", "NumPy>=1.24"))
    assert wanted(found.own) == (
        ["NumPy>=1.24", "torch==2.1"],
        # Not by what the truss itself lists: an image leaves that line out, too.
        ["fastapi>=0.109", "h11==0.14", "numpyro==1"],
    )
    assert wanted(found.joint) == (
        ["NumPy>=1.24", "fastapi>=0.109", "numpyro==1", "torch==2.1"],
        ["h11==0.14"],
    )
    assert [pex.output_filename for pex in (found.own, found.server, found.joint) if pex] == [
        "requirements.pex",
        "truss_server.pex",
        "truss_and_server.pex",
    ]


def test_what_uv_reads_is_not_bounded_by_constraints(rule_runner: RuleRunner) -> None:
    """The Dockerfile gives them to `uv pip install` for the other lists alone."""
    found = plan(rule_runner, request("torch", bounded=False))
    assert wanted(found.own) == (["torch"], ["fastapi>=0.109", "numpy>=1.23,<2", "numpyro==1"])
    assert wanted(found.joint)[1] == []


HASHED = f"torch==2.1 --hash=sha256:{'0' * 64}"


def file_of(rule_runner: RuleRunner, pex: Optional[PexRequest]) -> str:
    assert pex and pex.additional_args[0] == "--requirement"
    contents = rule_runner.request(DigestContents, [pex.additional_inputs])
    (file,) = [file for file in contents if file.path == pex.additional_args[1]]
    return file.content.decode()


def test_hashes_and_indexes_are_given_to_pip(rule_runner: RuleRunner) -> None:
    found = plan(rule_runner, request("--extra-index-url https://me:pw@h/simple", HASHED))
    text = f"--extra-index-url https://h/simple\n{HASHED}\n"
    assert file_of(rule_runner, found.own) == text
    # The server has no hashes, so the two are not resolved together.
    assert wanted(found.own)[0] == [] and (found.joint, found.unverifiable) == (None, None)
    indexed = plan(rule_runner, request("--index-url https://h/simple", "torch"))
    assert file_of(rule_runner, indexed.own) == "--index-url https://h/simple\ntorch\n"
    assert "torch\n" in file_of(rule_runner, indexed.joint)


def test_hashes_of_a_part_of_a_list_are_not_checked(rule_runner: RuleRunner) -> None:
    found = plan(rule_runner, request(HASHED, "kit @ git+https://h/kit@0123"))
    assert wanted(found.own)[0] == ["kit @ git+https://h/kit@0123", "torch==2.1"]
    assert found.unverifiable and "none for kit @ git+https://h/kit@0123" in found.unverifiable


def test_pins_of_a_lockfile_keep_to_the_bounds_of_the_server(rule_runner: RuleRunner) -> None:
    text = refusal(rule_runner, PlannedEnvironment, request("h11==0.13", resolve="pexs"))
    assert "contradict each other" in text and "`h11==0.13` and `h11==0.14`" in text
    assert "pants generate-lockfiles --resolve=pexs" in text


def test_a_truss_that_is_not_served(rule_runner: RuleRunner) -> None:
    """Training needs no server, and no release of Truss to know what that is."""
    found = plan(rule_runner, request("torch", "fastapi==0.1", server=False, python=(3, 10)))
    assert (found.server, found.joint) == (None, None)
    assert wanted(found.own) == (["fastapi==0.1", "torch"], [])
    assert found.own and [str(each) for each in found.own.interpreter_constraints] == [
        "CPython==3.10.*"
    ]
    # It still needs a Python.
    assert wanted(plan(rule_runner, request(server=False)).own) == ([], [])


@pytest.mark.parametrize(
    "resolve, lockfile",
    [
        (None, None),
        # A list of pins says not what each needs: Pex cannot take a part of it.
        ("mine", None),
        ("pexs", "pexs"),
    ],
)
@pytest.mark.parametrize("server", [True, False])
def test_pins_come_from_the_lockfile_that_they_were_made_of(
    rule_runner: RuleRunner, resolve: Optional[str], lockfile: Optional[str], server: bool
) -> None:
    own = plan(rule_runner, request("numpy==1.26.4", resolve=resolve, server=server)).own
    assert own and isinstance(own.requirements, PexRequirements)
    found = own.requirements.from_superset
    assert found == (Resolve(lockfile, False) if lockfile else None)
    assert list(own.requirements.req_strings_or_addrs) == ["numpy==1.26.4"]
    # A lockfile has its own bounds.
    assert bool(own.requirements.constraints_strings) == (server and not lockfile)


def test_no_part_of_a_lockfile_where_there_is_nothing_to_take(rule_runner: RuleRunner) -> None:
    own = plan(rule_runner, request(resolve="pexs", server=False)).own
    assert own and isinstance(own.requirements, PexRequirements)
    # Given a lockfile, Pex would install all of it.
    assert own.requirements.from_superset is None and wanted(own) == ([], [])


@pytest.mark.parametrize("server", [True, False])
@pytest.mark.parametrize(
    "line, what",
    [
        ("-r more.txt", "'-r more.txt' reads 'more.txt', which is not in the image: "),
        ("./wheels/x.whl", "'./wheels/x.whl' reads './wheels/x.whl', which is not in the image: "),
        (
            "x @ https://me:planted@host/x.whl",
            "'x @ https://***@host/x.whl' has credentials in it. ",
        ),
    ],
)
def test_lines_that_cannot_be_installed_here(
    rule_runner: RuleRunner, line: str, what: str, server: bool
) -> None:
    text = refusal(rule_runner, PlannedEnvironment, request("numpy", line, server=server))
    start = "src/t:t (`requirements` in src/t/config.yaml): "
    assert text.startswith(start + what) and "planted" not in text


# --- The environments that it is made of.


def find(rule_runner: RuleRunner, asked: TrussVenvsRequest, infos: Dict[str, str]) -> List[str]:
    empty = {name: "" for name in ("requirements", "truss_server", "truss_and_server")}
    rule_runner.write_files(
        {f"{FOLDER}/{name}/info.jsonl": text for name, text in {**empty, **infos}.items()}
    )
    set_options(rule_runner)
    found = rule_runner.request(TrussVenvs, [asked])
    return [pex.output_filename for pex in found.pexes]


def test_the_truss_comes_before_the_server(rule_runner: RuleRunner) -> None:
    infos = {
        "requirements": installed("torch==2.1.0", "numpy==1.26.4", requires={"torch": ["numpy"]}),
        "truss_server": installed("fastapi==0.110", requires={"fastapi": ["numpy<2"]}),
    }
    pexes = find(rule_runner, request("torch"), infos)
    assert pexes == ["requirements.pex", "truss_server.pex"]


def test_where_they_do_not_go_together_there_is_one_for_both(rule_runner: RuleRunner) -> None:
    infos = {
        # It is found first, and the server's would have to use it.
        "requirements": installed("numpy==2.0.0"),
        "truss_server": installed(
            "fastapi==0.110", "numpy==1.26.4", requires={"fastapi": ["numpy<2"]}
        ),
    }
    assert find(rule_runner, request("numpy"), infos) == ["truss_and_server.pex"]
    # A requirement for another Python only does not count.
    infos["truss_server"] = installed(
        "fastapi==0.110", requires={"fastapi": ["numpy<2; python_version < '3.10'"]}
    )
    assert find(rule_runner, request("numpy"), infos) == ["requirements.pex", "truss_server.pex"]


@pytest.mark.parametrize(
    "asked, expected",
    [
        (request(), ["truss_server.pex"]),
        (request(server=False), ["requirements.pex"]),
        (request("numpy", server=False), ["requirements.pex"]),
    ],
)
def test_one_alone_is_never_resolved_again(
    rule_runner: RuleRunner, asked: TrussVenvsRequest, expected: List[str]
) -> None:
    # The distributions in them do not fit, and are not asked for.
    unfit = installed("a==1", "b==1", requires={"a": ["b==2"]})
    assert find(rule_runner, asked, {"requirements": unfit, "truss_server": unfit}) == expected


NO_SUCH = (
    "pid 7 -> /x/pip ... exited with 1 and STDERR:\n"
    "pip: ERROR: Could not find a version that satisfies the requirement nowhere==1 "
    "(from versions: none)\npip: ERROR: No matching distribution found for nowhere==1\n"
)


@pytest.mark.parametrize(
    ("name", "origin"),
    [("requirements", CONFIG), ("truss_server", SERVERS), ("truss_and_server", CONFIG)],
)
def test_what_cannot_be_built_is_an_error_about_the_truss(
    rule_runner: RuleRunner, name: str, origin: str
) -> None:
    """The error is not about a process, whose arguments the user has not written."""
    rule_runner.write_files(
        {
            f"{FOLDER}/{name}/error.txt": NO_SUCH,
            f"{FOLDER}/requirements/info.jsonl": installed("numpy==2.0"),
            f"{FOLDER}/truss_server/info.jsonl": installed("f==1", requires={"f": ["numpy<2"]}),
        }
    )
    text = refusal(rule_runner, TrussVenvs, request("numpy", "nowhere==1"))
    assert text.startswith("src/t:t: ") and "nowhere==1" in text
    assert origin in text and "Process" not in text
    # The cause is gone; nothing else has changed that a rule has asked for.
    rule_runner.write_files({f"{FOLDER}/{name}/error.txt": ""})
    set_options(rule_runner)
    assert rule_runner.request(TrussVenvs, [request("numpy", "nowhere==1")]).pexes
