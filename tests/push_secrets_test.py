"""No secret is left anywhere: planted ones are searched for in all that a publish leaves behind."""

from __future__ import annotations

from pathlib import Path
from typing import List

from support.baseten_graph import Fault
from support.monorepo import PYTHON_TOML, WORK_UNITS_PATH
from support.pushing import PUBLISH_TOML, Pushing
from support.search import files_with, processes_with

IN_FILE = "planted-in-file-5d1f0e"
IN_ENVIRONMENT = "planted-in-environment-77a3c9"
# As long as a token may be: what logs it folds its lines.
BEARER = "planted-bearer-90e2b4" + "0123456789abcdef" * 12
# Part of a file of the truss: what the search finds, if it finds anything.
MARKER = "marker-of-the-model-31f7"


def test_credentials_of_remotes(tmp_path: Path) -> None:
    pushing = Pushing(tmp_path, fresh=True)
    repo, baseten = pushing.repo, pushing.baseten
    sandboxes = tmp_path / "sandboxes"
    sandboxes.mkdir()
    toml = f'streaming_workunits_level = "trace"\nlocal_execution_root_dir = "{sandboxes}"\n'
    repo.configure(
        "work_unit_log",
        "pants.backend.python",
        toml=toml + PYTHON_TOML.format(roots='"/src"') + PUBLISH_TOML + "retries = 1\n",
        pythonpath=(WORK_UNITS_PATH,),
    )
    details = repo.write(".work_unit_details")
    for name, key in (("file", IN_FILE), ("env", IN_ENVIRONMENT)):
        baseten.account(name, key)
        repo.truss(f"t/{name}", f"model_name: {name}\n")
        repo.write(f"t/{name}/BUILD", f'truss(remotes=["{name}"])\n')
        repo.write(f"t/{name}/model/model.py", f"class Model:\n    {MARKER!r}\n")
    repo.truss("t/bearer", "model_name: bearer\n")
    account = baseten.account("bearer", BEARER, scheme="Bearer")
    pushing.trussrc.write_text(baseten.trussrc().replace(f"api_key = {IN_ENVIRONMENT}", ""))
    repo.environment["BASETEN_API_KEY"] = IN_ENVIRONMENT
    planted = [IN_FILE, IN_ENVIRONMENT, BEARER]
    argument_lists: List[str] = []
    seen: List[str] = []

    def look(*_: str) -> None:
        argument_lists.extend(processes_with(planted))
        seen.extend(processes_with(["publish/push.py"]))

    baseten.on_call = look
    runs = []
    try:
        options = ("-ltrace", "--keep-sandboxes=always")
        # A server that repeats what it was sent, as some do when they refuse it.
        for step in ("models", "teams", "validation", "credentials", "upload", "create"):
            for name in ("file", "env"):
                baseten.accounts[name].faults.append(Fault(step, "echo", times=1))
            runs.append(repo.pants(*options, "publish", "t/file", "t/env").assert_failure())
        runs.append(repo.pants(*options, "publish", "t/file", "t/env").assert_success())
        repo.environment["BASETEN_TRUSS_AUTH_REMOTE_URL"] = baseten.url("bearer")
        repo.environment["BASETEN_TRUSS_AUTH_API_KEY"] = BEARER
        for step in ("models", "validation"):
            account.faults.append(Fault(step, "echo", times=1))
            runs.append(repo.pants(*options, "publish", "t/bearer").assert_failure())
        runs.append(repo.pants(*options, "publish", "t/bearer").assert_success())
    finally:
        pushing.stop()
    assert len(account.deployments) == 1
    # All that were refused, but for the upload: there the credentials are others.
    assert [run.exit_code for run in runs if "***" in run.stderr] == [1] * 7
    for run in runs:
        assert "Execute InteractiveProcess(" in run.stderr
        output = run.stderr + run.stdout
        assert not [text for text in (*planted, BEARER[:30], BEARER[-30:]) if text in output]
    assert argument_lists == []
    # The state of pushes, what Pants keeps of its work, all caches, all sandboxes.
    for folder in (repo.root, repo.machine, sandboxes):
        assert files_with(folder, planted) == []
    # The search does find what is there.
    assert files_with(repo.machine / "cache", [MARKER])
    assert files_with(tmp_path, [IN_FILE]) == ["trussrc"]
    assert "interactive_process" in details.read_text()
    assert seen
