from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import pytest
from pants.core.goals import package as pants_package
from pants.core.goals.publish import PublishPackages, PublishProcesses
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.process import InteractiveProcess
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.dependency_inference import truss as inference
from pants_truss.gather import output_path
from pants_truss.goals import package, publish
from pants_truss.goals.publish import NoCredentials
from pants_truss.publish.options import PublishTrussRequest, TrussPublishFieldSet
from pants_truss.publish.state import StateError
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget
from pants_truss.testutil.results import files_in, raised
from pants_truss.testutil.stand_in_pex import with_stand_in_pex
from pants_truss.testutil.stand_in_truss import RELEASE, install_truss

# A server that needs no model class.
SERVER = "docker_server: {server_port: 8000}\n"
KEY = "planted-key"
DRY_OR_NOT: List[List[str]] = [[], ["--truss-publish-dry-run"]]
TRUSSRC = (
    f"[baseten]\nremote_provider = baseten\napi_key = {KEY}\nremote_url = https://b.example\n"
    f"[staging]\nremote_provider = baseten\napi_key = {KEY}\nremote_url = https://s.example\n"
)


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    runner = RuleRunner(
        rules=[
            *with_stand_in_pex(
                (
                    *core_target_types_rules(),
                    *inference.rules(),
                    *output_path.rules(),
                    *package.rules(),
                    *pants_package.rules(),
                    *publish.rules(),
                )
            ),
            QueryRule(PublishProcesses, [PublishTrussRequest]),
        ],
        target_types=[TrussExternalPackageTarget, TrussTarget],
    )
    install_truss(runner)
    runner.write_files({"trussrc": TRUSSRC, "empty_trussrc": ""})
    return runner


def truss(
    rule_runner: RuleRunner, folder: str, fields: str = "remotes=['baseten']", config: str = ""
) -> None:
    files = {"BUILD": f"truss({fields})", "config.yaml": config or "model_name: m\n" + SERVER}
    rule_runner.write_files({f"{folder}/{path}": text for path, text in files.items()})


def jobs(
    rule_runner: RuleRunner,
    folder: str,
    *options: str,
    trussrc: str = "trussrc",
    key: str = "",
    specs: Sequence[str] = (),
) -> Tuple[PublishPackages, ...]:
    """`specs` are those of the command line."""
    rule_runner.set_options(
        ["--truss-lint-disable=['config-schema']", *options, "package", *(specs or [f"{folder}:"])],
        env={"USER_TRUSSRC_PATH": trussrc, **({"BASETEN_API_KEY": key} if key else {})},
        env_inherit={"PATH", "PYENV_ROOT", "HOME"},
    )
    target = rule_runner.get_target(Address(folder))
    request = PublishTrussRequest(TrussPublishFieldSet.create(target), ())
    return tuple(rule_runner.request(PublishProcesses, [request]))


def told(found: Sequence[PublishPackages]) -> List[str]:
    """The text that Pants writes after `skipped`, for each truss that is not pushed."""
    assert all(job.process is None for job in found)
    return [job.description or "" for job in found]


def error(rule_runner: RuleRunner, kind: type, folder: str, *options: str, **more: Any) -> str:
    with pytest.raises(ExecutionError) as caught:
        jobs(rule_runner, folder, *options, **more)
    found = raised(caught)
    assert type(found) is kind
    return str(found)


def tree_digest(rule_runner: RuleRunner, folder: str) -> str:
    (job,) = jobs(rule_runner, folder, "--truss-publish-dry-run")
    return str(job.data["tree_digest"])


def remember(rule_runner: RuleRunner, folder: str, path: str, **entry: Any) -> Dict[str, Any]:
    """As if it was pushed to the first remote before."""
    entry = {
        "remote": "baseten",
        "remote_url": "https://b.example",
        "team": None,
        "model_name": "m",
        "environment": None,
        "deployment_name": None,
        "tree_digest": tree_digest(rule_runner, folder),
        "deployment_id": "d1",
        "model_id": "m1",
        "live": True,
        **entry,
    }
    state = {"version": 1, "deployments": [entry]}
    rule_runner.write_files({path: json.dumps(state)})
    return entry


# --- What goes nowhere.

NO_REMOTE = (
    '(no remote: `remotes=["baseten"]` in the target, or `[truss-publish].default_remotes`, names '
    "one)"
)


@pytest.mark.parametrize(
    ("case", "fields", "options", "why"),
    [
        ("skip", "remotes=['baseten'], skip_push=True", [], "(by `skip_push`)"),
        ("default", "", [], NO_REMOTE),
        # It is not the default.
        ("empty", "remotes=[]", ["--truss-publish-default-remotes=['x']"], NO_REMOTE),
        # It is said before that.
        ("both", "skip_push=True", [], "(by `skip_push`)"),
    ],
)
def test_a_truss_that_goes_nowhere_is_not_even_gathered(
    rule_runner: RuleRunner, case: str, fields: str, options: List[str], why: str
) -> None:
    folder = f"nowhere/{case}"
    rule_runner.write_files({f"{folder}/BUILD": f"truss({fields})"})
    for option in DRY_OR_NOT:
        (job,) = jobs(rule_runner, folder, *options, *option, trussrc="gone")
        assert (job.names, job.process, job.description) == ((f"{folder}:{case}",), None, why)


# --- A dry run.


def test_a_dry_run_needs_no_credentials(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "dry/t", "remotes=['staging', 'baseten'], team='a', deployment_name='x'")
    options = ["--truss-publish-dry-run"]
    for trussrc in ("trussrc", "gone", "empty_trussrc"):
        found = jobs(rule_runner, "dry/t", *options, trussrc=trussrc)
        assert told(found) == [
            f"(dry run: would go to team a at {remote}, deployment name x as model m: no "
            f"recorded push)"
            for remote in ("staging", "baseten")
        ]
    data = [dict(job.data) for job in found]
    assert [entry.pop("remote") for entry in data] == ["staging", "baseten"]
    assert data[0] == data[1]
    assert data[0].pop("tree_digest").startswith("sha256:")
    assert data[0] == {"model_name": "m", "team": "a", "environment": None}


@pytest.mark.parametrize(
    ("case", "entry", "why"),
    [
        ("unchanged", {}, "(unchanged: {0} is deployment d1 at baseten)"),
        (
            "starting",
            {"live": False},
            "(dry run: baseten would be asked about it, unchanged: {0} is deployment d1)",
        ),
        (
            "changed",
            {"tree_digest": "sha256:0123456789abcdef"},
            "(dry run: would go to baseten as model m: changed since deployment d1 "
            "(sha256:0123456789ab))",
        ),
        (
            "elsewhere",
            {"remote_url": "https://other"},
            "(dry run: would go to baseten as model m: no recorded push)",
        ),
    ],
)
def test_a_dry_run_goes_by_what_is_recorded(
    rule_runner: RuleRunner, case: str, entry: Dict[str, Any], why: str
) -> None:
    folder = f"recorded/{case}"
    truss(rule_runner, folder)
    path = f"recorded/{case}.json"
    made = remember(rule_runner, folder, path, **entry)
    options = [f"--truss-publish-state-file={path}", "--truss-publish-skip-unchanged"]
    found = jobs(rule_runner, folder, "--truss-publish-dry-run", *options)
    assert told(found) == [why.format(made["tree_digest"][: len("sha256:") + 12])]


# --- A push.


def pushed(job: PublishPackages) -> InteractiveProcess:
    assert isinstance(job.process, InteractiveProcess)
    return job.process


def test_each_remote_has_a_process_that_pushes_the_gathered_truss(
    rule_runner: RuleRunner,
) -> None:
    fields = "remotes=['baseten', 'staging', 'baseten'], promote=True, push_args=['--no-cache']"
    truss(
        rule_runner, "publish/t", fields, SERVER + "model_name: m\nexternal_package_dirs: [../k]\n"
    )
    rule_runner.write_files({"publish/k/BUILD": "truss_external_package()", "publish/k/é.py": ""})
    found = jobs(rule_runner, "publish/t")
    assert [(job.names, job.description) for job in found] == [
        (("publish/t:t",), f"{remote}, environment production as model m")
        for remote in ("baseten", "staging")
    ]
    for job, remote, url in zip(found, ("baseten", "staging"), ("https://b.", "https://s.")):
        process = pushed(job).process
        assert process.argv[-2:] == ("publish/push.py", "publish/spec.json")
        files = files_in(rule_runner, process.input_digest)
        assert {path for path in files if path.startswith("truss/")} - RELEASE.keys() == {
            "truss/.truss_ignore",
            "truss/config.yaml",
            "truss/packages/é.py",
        }
        spec = json.loads(files["publish/spec.json"])
        assert spec["identity"] == {
            "remote": remote,
            "remote_url": f"{url}example",
            "team": None,
            "model_name": "m",
            "environment": "production",
            "deployment_name": None,
        }
        assert spec["arguments"] == [
            "--non-interactive",
            "--output=json",
            "--model-name=m",
            "--promote",
            "--no-cache",
        ]
        trussrc = f"{rule_runner.build_root}/trussrc"
        assert spec["credentials"] == f"section [{remote}] of {trussrc}"
        assert spec["tree_digest"] == job.data["tree_digest"]
        assert KEY not in json.dumps(files) and KEY not in repr(job)
        assert process.env["USER_TRUSSRC_PATH"] == trussrc


def test_a_key_of_the_environment_is_in_no_file_and_no_log(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "key/t")
    (job,) = jobs(rule_runner, "key/t", trussrc="gone", key=KEY)
    process = pushed(job).process
    assert process.env["BASETEN_API_KEY"] == KEY
    assert KEY not in repr(job)
    files = files_in(rule_runner, process.input_digest)
    assert KEY not in json.dumps(files)
    assert json.loads(files["publish/spec.json"])["credentials"] == "BASETEN_API_KEY"
    # In place of the user's, which is not there.
    assert process.env["USER_TRUSSRC_PATH"] == "trussrc"
    assert files["trussrc"].startswith("[baseten]\n")


def test_what_is_deployed_already_is_left_out_before_anything_is_asked(
    rule_runner: RuleRunner,
) -> None:
    truss(rule_runner, "skip/t", "remotes=['staging', 'baseten']")
    fields = "remotes=['baseten']"
    truss(rule_runner, "skip/one", fields)
    options = ["--truss-publish-skip-unchanged", "--truss-publish-state-file=skip/state.json"]
    entry = remember(rule_runner, "skip/one", "skip/state.json")
    staging, baseten = jobs(rule_runner, "skip/t", *options)
    assert staging.description == "staging as model m"
    assert pushed(staging)
    short = entry["tree_digest"][: len("sha256:") + 12]
    assert told([baseten]) == [f"(unchanged: {short} is deployment d1 at baseten)"]
    assert baseten.data["tree_digest"] == entry["tree_digest"]


def test_a_deployment_that_has_not_come_up_yet_is_asked_about(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "ask/t")
    remember(rule_runner, "ask/t", "ask/state.json", live=False)
    options = ["--truss-publish-skip-unchanged", "--truss-publish-state-file=ask/state.json"]
    (job,) = jobs(rule_runner, "ask/t", *options)
    assert job.description == "baseten as model m, or found there"
    assert pushed(job)


def test_the_state_is_read_again_in_each_run(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "again/t")
    options = ["--truss-publish-skip-unchanged", "--truss-publish-state-file=again/state.json"]
    assert pushed(jobs(rule_runner, "again/t", *options)[0])
    remember(rule_runner, "again/t", "again/state.json")
    assert jobs(rule_runner, "again/t", *options)[0].process is None
    Path(rule_runner.build_root, "again/state.json").unlink()
    assert pushed(jobs(rule_runner, "again/t", *options)[0])


# --- Where the state is.


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("", "dist/truss-publish.json"),
        ("state.json", "state.json"),
        ("./a//b/../state.json", "a/state.json"),
        ("{distdir}/{distdir}.json", "dist/dist.json"),
    ],
)
def test_the_state_file_is_in_the_repository(
    rule_runner: RuleRunner, value: str, path: str
) -> None:
    truss(rule_runner, "where/t")
    options = [f"--truss-publish-state-file={value}"] if value else []
    (job,) = jobs(rule_runner, "where/t", *options)
    spec = json.loads(files_in(rule_runner, pushed(job).process.input_digest)["publish/spec.json"])
    assert spec["state_file"] == f"{rule_runner.build_root}/{path}"


@pytest.mark.parametrize("value", ["../state.json", "/state.json", ".", "{distdir}/../../x"])
def test_a_state_file_elsewhere_is_refused(rule_runner: RuleRunner, value: str) -> None:
    truss(rule_runner, "outside/t")
    path = value.replace("{distdir}", "dist")
    option = f"--truss-publish-state-file={value}"
    for more in DRY_OR_NOT:
        assert error(rule_runner, InvalidTruss, "outside/t", option, *more) == (
            f"`[truss-publish].state_file` must be the path of a file in the repository, but is "
            f"{path!r}. For example `{{distdir}}/truss-publish.json`."
        )


def test_a_state_file_that_is_another(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "other/t")
    rule_runner.write_files({"other/state.json": '{"version": 2, "deployments": []}'})
    option = "--truss-publish-state-file=other/state.json"
    assert error(rule_runner, StateError, "other/t", option) == (
        f"{rule_runner.build_root}/other/state.json has version 2, but this plugin reads version "
        f"1. Restore it, or delete it to push every truss again."
    )


# --- Errors before anything is sent.


def test_a_remote_without_credentials(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "access/t", "remotes=['baseten', 'gone']")
    trussrc = f"{rule_runner.build_root}/trussrc"
    assert error(rule_runner, NoCredentials, "access/t") == (
        f"No credentials for the remote 'gone': {trussrc} has 'baseten', 'staging'. Several "
        f"remotes each need a section: run `truss login` to add one."
    )


def test_what_is_wrong_with_the_truss_comes_before_its_remotes(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "bad/t", config="model_name: m\n")
    text = error(rule_runner, InvalidTruss, "bad/t", trussrc="gone")
    assert text.startswith("bad/t:t (bad/t/config.yaml): ")


def test_two_trusses_for_one_place(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "place/a")
    truss(rule_runner, "place/b")
    text = (
        "place/{0}:{0}: the target and place/{1}:{1} are both pushed to "
        "baseten as model m, so one would replace the other. Give one of them another "
        '`model_name`, `deployment_environment` or `deployment_name="{0}"`.'
    )
    for one, two in (("a", "b"), ("b", "a")):
        for option in DRY_OR_NOT:
            found = error(rule_runner, InvalidTruss, f"place/{one}", *option, specs=["place::"])
            assert found == text.format(one, two)
    # Alone each has its place.
    assert len(jobs(rule_runner, "place/a", specs=["place/a"])) == 1
    truss(rule_runner, "place/b", "remotes=['baseten'], deployment_name='b'")
    assert len(jobs(rule_runner, "place/a", specs=["place::"])) == 1


def test_an_error_is_gone_with_its_cause(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "fixed/t", "remotes=['fixed']")
    rule_runner.write_files({"fixed/trussrc": ""})
    error(rule_runner, NoCredentials, "fixed/t", trussrc="fixed/trussrc")
    text = "[fixed]\napi_key = k\nremote_url = https://m\n"
    rule_runner.write_files({"fixed/trussrc": text})
    (job,) = jobs(rule_runner, "fixed/t", trussrc="fixed/trussrc")
    assert job.description == "fixed as model m"
