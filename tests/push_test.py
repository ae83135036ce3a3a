"""`pants publish` of trusses, with the real `truss push`, to a stand-in for Baseten."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Iterator

import pytest
import yaml

from support.pushing import Pushing, publish_twice
from support.repository import settings

EXAMPLES = {
    "src/trusses/keywords:keywords": "src.trusses.keywords/keywords",
    "src/trusses/langid:langid": "src.trusses.langid/langid",
    "src/trusses/readtime:readtime": "src.trusses.readtime/readtime",
    "src/trusses/sentiment:sentiment": "src.trusses.sentiment/sentiment",
    "src/trusses/sentiment:prod": "src.trusses.sentiment/prod",
    "src/trusses/spam:spam": "src.trusses.spam/spam",
    "src/trusses/topics:topics": "src.trusses.topics/topics",
}
# What Truss leaves out of an archive on its own.
LEFT_OUT = (
    "model/lib/one.py",
    "model/build/two.py",
    "model/fast.so",
    "model/env/three.py",
    "data/var/x.log",
    "packages/dist/four.py",
)


@pytest.fixture(scope="module")
def pushing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pushing]:
    made = Pushing(tmp_path_factory.mktemp("push"), "baseten", "staging")
    yield made
    made.stop()


@pytest.fixture
def folder(pushing: Pushing, request: pytest.FixtureRequest) -> str:
    return pushing.folder(request.node.name)


def test_the_examples(tmp_path: Path) -> None:
    pushing = Pushing(tmp_path)
    for path in ("3rdparty/models", "pants-plugins/pants_truss", "src"):
        shutil.copytree(path, pushing.repo.root / path, dirs_exist_ok=True)
    pushing.repo.write("pants.toml", settings())
    try:
        run, published = pushing.publish(
            "--truss-publish-default-remotes=['baseten']", "src/trusses::"
        )
        run.assert_success()
        pushing.repo.pants("package", "src/trusses::").assert_success()
        account = pushing.account()
        numbers = {entry["deployment_id"]: entry["target"] for entry in pushing.state}
        assert set(published) == {f"{target}@baseten" for target in EXAMPLES}
        assert {entry["published"] for entry in published.values()} == {True}
        assert len(account.deployments) == len(EXAMPLES)
        for number, deployment in enumerate(account.deployments):
            path = EXAMPLES[numbers[deployment["id"]]]
            gathered = pushing.gathered(path)
            assert account.archive(number) == gathered
            assert deployment["raw_config"] == gathered["config.yaml"][0]
            assert not deployment["config"].get("external_package_dirs")
    finally:
        pushing.stop()


def test_what_truss_would_leave_out(pushing: Pushing, folder: str) -> None:
    repo = pushing.repo
    repo.truss(folder, "model_name: left-out\n")
    for path in LEFT_OUT:
        repo.write(f"{folder}/{path}", path, executable=path.endswith(".so"))
    pushing.publish(folder)[0].assert_success()
    repo.pants("package", folder).assert_success()
    archive = pushing.account().archive()
    assert set(LEFT_OUT) <= set(archive)
    assert archive == pushing.gathered(f"{folder.replace('/', '.')}/{Path(folder).name}")


def test_a_truss_that_is_packaged_as_a_tar(pushing: Pushing, folder: str) -> None:
    pushing.repo.truss(folder, "model_name: in-a-tar\n")
    pushing.publish(folder)[0].assert_success()
    before = pushing.account().archive()
    pushing.repo.write(f"{folder}/BUILD", 'truss(output_format="tar", model_name="in-another")\n')
    pushing.publish(folder)[0].assert_success()
    assert "in-another" in pushing.account().models
    assert pushing.account().archive() == before


def test_the_config_that_was_asked_for(pushing: Pushing, folder: str) -> None:
    """Defect s12: Truss uploads the default config in place of it."""
    repo = pushing.repo
    repo.truss(folder, "model_name: default\nexternal_package_dirs: [../shared]\n")
    repo.package("t/shared", {"shared_code.py": "S = 1\n"})
    repo.write(f"{folder}/prod.yaml", "model_name: prod\nexternal_package_dirs: [../shared]\n")
    repo.write(f"{folder}/BUILD", 'truss(config="prod.yaml")\n')
    pushing.publish(folder)[0].assert_success()
    archive = pushing.account().archive()
    assert yaml.safe_load(archive["config.yaml"][0])["model_name"] == "prod"
    assert archive["packages/shared_code.py"][0] == b"S = 1\n"
    assert "prod" in pushing.account().models and "default" not in pushing.account().models


def test_the_same_tree_is_the_same_archive(tmp_path: Path) -> None:
    archives = []
    for name, umask in (("one", 0o022), ("two", 0o077)):
        pushing = Pushing(tmp_path / name)
        try:
            repo = pushing.repo
            repo.truss("t", "model_name: x\n")
            for number in range(30) if name == "one" else reversed(range(30)):
                repo.write(f"t/data/{number}/{number}", str(number), executable=number % 2 == 0)
            repo.pants("publish", "t", umask=umask).assert_success()
            (data,) = pushing.account().uploads.values()
            archives.append(data)
        finally:
            pushing.stop()
    assert archives[0] == archives[1]


def test_options_reach_the_remote(pushing: Pushing, folder: str) -> None:
    pushing.repo.truss(folder, "model_name: from-the-config\n")
    pushing.repo.write(
        f"{folder}/BUILD",
        """\
        truss(
            remotes=["baseten", "staging"],
            model_name="with-options",
            team="platform",
            deployment_name="2026-11",
            deployment_environment="staging",
            labels={"owner": "search"},
            push_args=["--deploy-timeout-minutes=60"],
        )
        truss(name="promoted", model_name="promoted", promote=True)
        """,
    )
    run, published = pushing.publish(f"{folder}::")
    run.assert_success()
    name = folder.rpartition("/")[2]
    for remote in ("baseten", "staging"):
        deployments = pushing.account(remote).deployments
        (found,) = (d for d in deployments if d["environment"] == "staging")
        assert (found["name"], found["labels"]) == ("2026-11", {"owner": "search"})
        assert pushing.account(remote).models["with-options"] == found["model_id"]
        entry = published[f"{folder}:{name}@{remote}"]
        assert (entry["environment"], entry["team"]) == ("staging", "platform")
        assert (
            f"✓ {folder}:{name} published to team platform at {remote}, environment" in run.stderr
        )
        assert f"deployment {found['id']}" in run.stderr
        assert f"/deployment/{found['id']}/predict" in run.stderr
        assert f"/logs/{found['id']}" in run.stderr
    promoted = pushing.account().deployments[-1]
    assert "production" in {d["environment"] for d in pushing.account().deployments}, promoted
    # The names of the ids that the next step of CI reads.
    (state,) = (e for e in pushing.state if e["remote"] == "staging")
    assert state["deployment_id"] and state["model_id"] and state["predict_url"]


def test_options_that_cannot_be(pushing: Pushing, folder: str) -> None:
    pushing.repo.truss(folder)
    wrong = {
        'model_name="a\\"b"': "must not contain the character '\"'",
        'deployment_name="a b"': 'For example: `deployment_name="a-b"`',
        'promote=True, deployment_environment="x"': "Remove one of them.",
        "": "Write `model_name: ",
        'push_args=["--remote=x"]': "Use the field `remotes`",
        'push_args=["x"]': "must be an option of `truss push`",
        'model_name="a", push_args=["--no-such-option"]': "has no option `--no-such-option`",
    }
    for fields, expected in wrong.items():
        pushing.repo.write(f"{folder}/BUILD", f"truss({fields})\n")
        count = len(pushing.account().uploads)
        assert expected in pushing.publish(folder)[0].assert_failure().stderr, fields
        assert len(pushing.account().uploads) == count


def test_trusses_that_are_not_pushed(pushing: Pushing, folder: str) -> None:
    repo = pushing.repo
    repo.truss(folder, "model_name: left-alone\n")
    repo.write(f"{folder}/BUILD", 'truss(skip_push=True)\ntruss(name="other")\n')
    option = "--truss-publish-default-remotes=[]"
    run, published = pushing.publish(option, f"{folder}::")
    run.assert_success()
    assert "skipped (by `skip_push`)." in run.stderr
    assert f'- {folder}:other skipped (no remote: `remotes=["baseten"]` in the target' in run.stderr
    assert "left-alone" not in pushing.account().models


def test_a_dry_run(pushing: Pushing, folder: str) -> None:
    repo, account = pushing.repo, pushing.account()
    repo.truss(folder, "model_name: dry\n")
    name = f"{folder}:{folder.rpartition('/')[2]}"
    calls, state = len(account.calls), pushing.state
    pushing.trussrc.unlink()

    def dry_run() -> str:
        run, published = pushing.publish("--truss-publish-dry-run", folder)
        assert not published[f"{name}@baseten"]["published"]
        return run.assert_success().stderr

    try:
        expected = f"- {name} skipped (dry run: would go to baseten as model dry: "
        assert f"{expected}no recorded push)." in dry_run()
        assert (len(account.calls), pushing.state) == (calls, state)
        pushing.log_in()
        pushing.publish(folder)[0].assert_success()
        assert "unchanged" in dry_run()
        repo.write(f"{folder}/model/model.py", "class Model:\n    pass\n")
        assert f"{expected}changed since deployment d" in dry_run()
    finally:
        pushing.log_in()


def test_a_state_file_that_is_not_valid(pushing: Pushing, folder: str) -> None:
    pushing.repo.truss(folder, "model_name: stateful\n")
    pushing.repo.write("state.json", "{")
    option = "--truss-publish-state-file=state.json"
    error = pushing.publish(option, folder)[0].assert_failure().stderr
    assert "state.json cannot be read as the state of pushes" in error
    assert "delete it to push every truss again" in error
    option = "--truss-publish-state-file=../state.json"
    error = pushing.publish(option, folder)[0].assert_failure().stderr
    assert "`[truss-publish].state_file` must be the path of a file in the repository" in error


def test_only_what_changed(tmp_path: Path) -> None:
    publish_twice(tmp_path, count=8, changed=3)
