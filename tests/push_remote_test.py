"""What `pants publish` knows of a remote: credentials, environments, teams, deployments, waits."""

from __future__ import annotations

import os
import re
import signal
import time
from typing import Iterator, List

import pytest

from support.baseten import LOCAL
from support.baseten_graph import Account, Fault
from support.pushing import Pushing, pid_of_push


@pytest.fixture(scope="module")
def pushing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pushing]:
    made = Pushing(tmp_path_factory.mktemp("push"), "baseten", "staging")
    yield made
    made.stop()


@pytest.fixture
def folder(pushing: Pushing, request: pytest.FixtureRequest) -> str:
    return pushing.folder(request.node.name)


def test_credentials_are_missing(pushing: Pushing, folder: str) -> None:
    repo = pushing.repo
    repo.truss(folder, "model_name: nobody\n")
    text = pushing.trussrc.read_text()
    before = [len(account.calls) for account in pushing.baseten.accounts.values()]

    def error(*remotes: str) -> str:
        repo.write(f"{folder}/BUILD", f"truss(remotes={list(remotes)})\n")
        run = pushing.publish(folder)[0].assert_failure()
        (line,) = (line for line in run.stderr.splitlines() if "NoCredentials" in line)
        return line

    try:
        line = error("baseten", "other")
        assert f"the remote 'other': {pushing.trussrc} has 'baseten', 'staging'" in line
        pushing.trussrc.write_text(text.replace("api_key", "other_key"))
        assert "has no `api_key`, and BASETEN_API_KEY is not set" in error("baseten")
        pushing.trussrc.unlink()
        expected = f"there is no {pushing.trussrc}. Set BASETEN_API_KEY, or run `truss login`"
        assert expected in error("baseten")
        repo.environment["BASETEN_TRUSS_AUTH_API_KEY"] = "x" * 20
        assert "BASETEN_TRUSS_AUTH_REMOTE_URL is not. Set both" in error("baseten")
    finally:
        repo.environment.pop("BASETEN_TRUSS_AUTH_API_KEY", None)
        pushing.log_in()
    assert before == [len(account.calls) for account in pushing.baseten.accounts.values()]


def test_credentials_from_the_environment(pushing: Pushing, folder: str) -> None:
    repo, account = pushing.repo, pushing.account("staging")
    repo.truss(folder, "model_name: by-environment\n")
    text = pushing.trussrc.read_text()
    account.scheme = "Bearer"
    try:
        repo.environment["BASETEN_TRUSS_AUTH_REMOTE_URL"] = pushing.baseten.url("staging")
        repo.environment["BASETEN_TRUSS_AUTH_API_KEY"] = account.key
        pushing.publish(folder)[0].assert_success()
    finally:
        account.scheme = "Api-Key"
        del repo.environment["BASETEN_TRUSS_AUTH_REMOTE_URL"]
        del repo.environment["BASETEN_TRUSS_AUTH_API_KEY"]
    assert "by-environment" in account.models
    try:
        # A file with remotes, which need not have the keys.
        pushing.trussrc.write_text(text.replace("api_key", "other_key"))
        repo.environment["BASETEN_API_KEY"] = pushing.account().key
        pushing.publish(folder)[0].assert_success()
    finally:
        del repo.environment["BASETEN_API_KEY"]
        pushing.log_in()
    assert "by-environment" in pushing.account().models


@pytest.fixture
def local(pushing: Pushing) -> Iterator[Account]:
    """Truss asks Baseten's own server what has become of a deployment, unless the remote is at one
    address, which the stand-in is as a proxy."""
    repo, baseten = pushing.repo, pushing.baseten
    account = baseten.account("local", "key-of-the-local-one-0123")
    repo.environment["HTTP_PROXY"] = f"http://{baseten.address}"
    url = baseten.url("local")
    pushing.trussrc.write_text(baseten.trussrc().replace(url, f"http://{LOCAL}"))
    yield account
    del repo.environment["HTTP_PROXY"]
    del baseten.accounts["local"]
    pushing.log_in()


def waiting_truss(pushing: Pushing, folder: str, timeout: int = 60) -> None:
    pushing.repo.truss(folder, f"model_name: {folder.rpartition('/')[2]}\n")
    fields = f'remotes=["local"], wait=True, wait_timeout={timeout}'
    pushing.repo.write(f"{folder}/BUILD", f"truss({fields})\n")


def test_waiting(pushing: Pushing, folder: str, local: Account) -> None:
    waiting_truss(pushing, folder)
    local.status = "BUILD_FAILED"
    error = pushing.publish(folder)[0].assert_failure().stderr
    first = local.deployments[0]["id"]
    assert f"deployment {first} exists, but the wait for it failed: Deployment failed" in error
    assert "status BUILD_FAILED" in error
    local.status, local.deployments[0]["status"] = "ACTIVE", "BUILD_FAILED"
    run = pushing.publish(folder)[0].assert_success()
    assert f"deployment {first} is BUILD_FAILED: pushed again" in run.stderr
    assert len(local.deployments) == 2
    # An earlier run has seen that it is up, so Pants does not ask the remote.
    calls = len(local.calls)
    assert "unchanged" in pushing.publish(folder)[0].assert_success().stderr
    assert len(local.calls) == calls


def test_a_wait_without_answers(pushing: Pushing, folder: str, local: Account) -> None:
    """Truss waits without end. The next run waits for the deployment that exists."""
    waiting_truss(pushing, folder, timeout=1)
    local.rest_status = 503
    error = pushing.publish(folder)[0].assert_failure().stderr
    made = local.deployments[0]["id"]
    assert f"deployment {made} exists, but the wait for it failed: it is not up after" in error
    local.deployments[0]["status"] = "MODEL_LOADING"
    error = pushing.publish(folder)[0].assert_failure().stderr
    assert f"error: deployment {made} is not up after 1 s" in error
    local.deployments[0]["status"] = "MODEL_READY"
    assert "is MODEL_READY" in pushing.publish(folder)[0].assert_success().stderr
    assert len(local.deployments) == 1


def test_a_wait_that_is_interrupted(pushing: Pushing, folder: str, local: Account) -> None:
    waiting_truss(pushing, folder)
    local.status = "DEPLOYING"
    process = pushing.repo.start("publish", folder)
    deadline = time.monotonic() + 60
    while not local.deployments:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.kill(pid_of_push(pushing), signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode != 0
    local.status = "ACTIVE"
    pushing.publish(folder)[0].assert_success()
    assert len(local.deployments) == 1


def of_model(account: Account, name: str) -> List[str]:
    """The environments of its deployments, oldest first."""
    model_id = account.models.get(name)
    return [str(d["environment"]) for d in account.deployments if d["model_id"] == model_id]


def test_environments_of_one_model(pushing: Pushing, folder: str) -> None:
    """A deployment for one is not taken for what another has lost."""
    repo, account = pushing.repo, pushing.account()
    repo.truss(folder, "model_name: two-places\n")
    repo.write(
        f"{folder}/BUILD",
        """\
        truss(name="staging", deployment_environment="staging")
        truss(name="live", promote=True)
        """,
    )
    fault = Fault("create", "cut-request")
    account.faults.append(fault)
    pushing.publish(f"{folder}:staging")[0].assert_failure()
    fault.times = 0
    pushing.publish(f"{folder}:live")[0].assert_success()
    run, _ = pushing.publish(f"{folder}:staging")
    assert "not pushed again" not in run.assert_success().stderr
    assert of_model(account, "two-places") == ["production", "staging"]


def test_a_deployment_of_another_user(pushing: Pushing, folder: str) -> None:
    """The remote has said that it made none of ours."""
    repo, account = pushing.repo, pushing.account()
    repo.truss(folder, "model_name: shared-model\n")
    account.faults.append(Fault("create", 500, times=4))
    pushing.publish(folder)[0].assert_failure()
    assert not [entry for entry in pushing.state if entry["model_name"] == "shared-model"]
    account.models["shared-model"] = "m"
    account.deployments.append(
        {"id": "theirs", "model_id": "m", "name": None, "s3_key": "", "environment": None}
    )
    pushing.publish(folder)[0].assert_success()
    assert of_model(account, "shared-model") == ["None", "None"]


def test_two_targets_for_one_place(pushing: Pushing, folder: str) -> None:
    repo, account = pushing.repo, pushing.account()
    repo.truss(folder, "model_name: twins\n")
    repo.write(f"{folder}/BUILD", 'truss(name="a")\ntruss(name="b")\n')
    count = len(account.calls)
    error = pushing.publish(f"{folder}::")[0].assert_failure().stderr
    assert f"the target and {folder}:" in error
    assert "are both pushed to baseten as model twins, so one would replace the other." in error
    assert len(account.calls) == count
    repo.write(f"{folder}/BUILD", 'truss(name="a")\ntruss(name="b", deployment_name="b")\n')
    pushing.publish(f"{folder}::")[0].assert_success()
    pushing.publish(f"{folder}::")[0].assert_success()
    assert len(of_model(account, "twins")) == 2


def test_what_cannot_be_asked_about_others(pushing: Pushing, folder: str) -> None:
    repo, account = pushing.repo, pushing.account()
    for name in ("one", "two"):
        repo.truss(f"{folder}/{name}", f"model_name: others-{name}\n")
    pushing.publish(f"{folder}::")[0].assert_success()
    count = len(account.deployments)
    # Its own is answered, that about the other is not.
    account.faults.append(Fault("model", "error", times=1, after=1))
    run, _ = pushing.publish(f"{folder}::")
    assert run.assert_success().stderr.count("unchanged: ") == 2
    assert len(account.deployments) == count


def test_a_team(pushing: Pushing, folder: str) -> None:
    repo = pushing.repo
    account = pushing.baseten.account("teams", "key-with-teams-0123456789")
    account.teams["search"] = "t2"
    pushing.log_in()
    repo.truss(folder, "model_name: of-a-team\n")
    repo.write(f"{folder}/BUILD", 'truss(remotes=["teams"], push_args=["--no-cache"])\n')
    error = pushing.publish(folder)[0].assert_failure().stderr
    assert "Team selection required" in error
    field = 'team="search", push_args=["--deploy-timeout-minutes=60"]'
    repo.write(f"{folder}/BUILD", f'truss(remotes=["teams"], {field})\n')
    pushing.publish(folder)[0].assert_success()
    (deployment,) = account.deployments
    assert (deployment["team_id"], deployment["deploy_timeout_minutes"]) == ("t2", ["60"])


def test_the_delays_grow(pushing: Pushing, folder: str) -> None:
    pushing.repo.truss(folder, "model_name: delayed\n")
    account = pushing.account()
    account.faults.append(Fault("models", 500, times=5))
    error = pushing.publish(folder)[0].assert_failure().stderr
    found = re.findall(r"attempt (\d) of 4 failed, retrying in ([0-9.]+) s: 500 Server", error)
    assert [number for number, _ in found] == ["1", "2", "3"]
    for (_, delay), expected in zip(found, (0.1, 0.2, 0.4)):
        assert 0.74 * expected <= float(delay) <= 1.26 * expected
    assert "error: gave up after 4 attempts: 500 Server Error" in error
    account.faults.clear()
    account.faults.append(Fault("models", 500, times=1))
    count = len(account.calls)
    option = "--truss-publish-retries=0"
    error = pushing.publish(option, folder)[0].assert_failure().stderr
    assert "trying again" not in error and account.calls[count:] == ["teams", "models"]
    pushing.publish(folder)[0].assert_success()


def test_a_deployment_that_is_no_more(pushing: Pushing, folder: str) -> None:
    repo, account = pushing.repo, pushing.account()
    repo.truss(folder, "model_name: fragile\n")
    pushing.publish(folder)[0].assert_success()
    (first,) = (d for d in account.deployments if d["model_id"] == account.models["fragile"])
    first["status"] = "BUILDING_MODEL_FAILED"
    run = pushing.publish(folder)[0].assert_success()
    assert f"deployment {first['id']} is BUILDING_MODEL_FAILED: pushed again" in run.stderr
    second = account.deployments[-1]
    account.deployments.remove(second)
    _forget_answers(pushing)
    run = pushing.publish(folder)[0].assert_success()
    assert f"deployment {second['id']} is GONE: pushed again" in run.stderr
    # Another digest, other options, another environment are other deployments.
    _forget_answers(pushing)
    assert "unchanged" in pushing.publish(folder)[0].assert_success().stderr
    count = len(account.deployments)
    for fields in ('deployment_environment="x"', 'labels={"a": "b"}'):
        repo.write(f"{folder}/BUILD", f"truss({fields})\n")
        pushing.publish(folder)[0].assert_success()
    assert len(account.deployments) == count + 2


def test_what_serves_an_environment_is_the_last_that_went_there(
    pushing: Pushing, folder: str
) -> None:
    """Under a name of its own each time: going back to the first is a push, too."""
    repo, account = pushing.repo, pushing.account()
    repo.truss(folder, "model_name: renamed\n")
    for name in ("one", "two", "one-again"):
        content = "" if name.startswith("one") else "# another\n"
        repo.write(f"{folder}/model/extra.py", content)
        repo.write(f"{folder}/BUILD", f'truss(promote=True, deployment_name="{name}")\n')
        pushing.publish(folder)[0].assert_success()
        _forget_answers(pushing)
        assert "unchanged" in pushing.publish(folder)[0].assert_success().stderr
    assert of_model(account, "renamed") == ["production"] * 3
    assert len([entry for entry in pushing.state if entry["model_name"] == "renamed"]) == 1


def test_a_deployment_that_is_down_is_asked_about_again(pushing: Pushing, folder: str) -> None:
    repo, account = pushing.repo, pushing.account()
    repo.truss(folder, "model_name: unwell\n")
    pushing.publish(folder)[0].assert_success()
    account.deployments[-1]["status"] = "MODEL_UNHEALTHY"
    for _ in range(2):
        _forget_answers(pushing)
        count = len(account.calls)
        assert "unchanged" in pushing.publish(folder)[0].assert_success().stderr
        assert account.calls[count:]
    # Who waits for it to be up has waited in vain.
    repo.write(f"{folder}/BUILD", "truss(wait=True)\n")
    _forget_answers(pushing)
    error = pushing.publish(folder)[0].assert_failure().stderr
    assert "is MODEL_UNHEALTHY" in error
    repo.write(f"{folder}/BUILD", "truss()\n")
    account.deployments[-1]["status"] = "MODEL_READY"
    _forget_answers(pushing)
    pushing.publish(folder)[0].assert_success()
    count = len(account.calls)
    pushing.publish(folder)[0].assert_success()
    assert not account.calls[count:]


def _forget_answers(pushing: Pushing) -> None:
    """An answer of the remote counts for a minute."""
    path = pushing.state_path
    path.write_text(re.sub(r'"asked": [0-9.]+', '"asked": 0', path.read_text()))
