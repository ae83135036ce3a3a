"""Stand-ins for the Truss library: a release of a few lines, and a script that makes contexts."""

from __future__ import annotations

import sys

from pants.engine.fs import CreateDigest, FileContent, MergeDigests
from pants.engine.process import Process
from pants.testutil.rule_runner import RuleRunner

from pants_truss.pants_api import create_digest, execute_process, implicitly, merge_digests, rule
from pants_truss.testutil.stand_in_pex import FOLDER, TOOL
from pants_truss.truss_cli.rules import TrussScriptRequest, TrussScriptResult

# A Truss of a few lines, which describes configs.
RELEASE = {
    "truss/__init__.py": "",
    "truss/base/__init__.py": "",
    "truss/base/truss_config.py": """\
import yaml

class TrussConfig:
    @classmethod
    def from_yaml(cls, path):
        config = cls()
        config.data = yaml.safe_load(path.read_text("utf-8")) or {}
        return config

    def to_dict(self, verbose):
        return {"secrets": {}, **self.data}
""",
    "truss/templates/server/requirements.txt": "fastapi\n",
    "truss/templates/server/truss_server.py": "",
    "truss/templates/shared/util.py": "",
}


def install_truss(rule_runner: RuleRunner) -> None:
    """Writes the release above into the environment of Truss as a tool."""
    rule_runner.write_files({f"{FOLDER}/{TOOL}/{path}": text for path, text in RELEASE.items()})


# The Dockerfile lists the environment it gets; comments in the config change what the script does.
_MAKE_CONTEXT = r"""
import sys
from pathlib import Path

script, *arguments = sys.argv[1:]
files = {"main.py": "# server\n", "requirements.txt": "uvicorn\n", "constraints.txt": "h11<1\n"}
if script == "make_context.py":
    truss = Path(arguments[0])
    config = (truss / "config.yaml").read_text()
    lines = [line[2:] for line in config.splitlines() if line.startswith("# ")]
    if "fail" in lines:
        sys.exit("Traceback\nValueError: the config is not to its liking")
    if "fail quietly" in lines:
        sys.exit(1)
    files = {f"server/{name}": text for name, text in files.items()}
    files["constraints.txt"] = "h11<1"
    files["config.yaml"] = config + "# as Truss writes it\n"
    given = sorted(str(file.relative_to(truss)) for file in truss.rglob("*") if file.is_file())
    first = [] if any(line.startswith("FROM") for line in lines) else ["FROM base:1.0 AS server"]
    last = [] if any(line.startswith("ENTRYPOINT") for line in lines) else [
        'ENTRYPOINT ["python3", "/app/main.py"]'
    ]
    files["Dockerfile"] = "\n".join([*(f"# {path}" for path in given), *first, *lines, *last])
for path, text in files.items():
    file = Path(arguments[-1], path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
"""


@rule
async def make_context(request: TrussScriptRequest) -> TrussScriptResult:
    program = await create_digest(
        CreateDigest([FileContent("stand_in.py", _MAKE_CONTEXT.encode())]), **implicitly()
    )
    inputs = await merge_digests(MergeDigests([request.input_digest, program]), **implicitly())
    result = await execute_process(
        Process(
            (sys.executable, "-I", "stand_in.py", request.scripts[0][1], *request.argv),
            input_digest=inputs,
            description=request.description,
            output_files=request.output_files,
            output_directories=request.output_directories,
        ),
        **implicitly(),
    )
    return TrussScriptResult(
        result.exit_code, result.stdout, result.stderr.decode(), result.output_digest
    )
