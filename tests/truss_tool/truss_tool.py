"""Runs the real Truss library for the tests: a JSON list of [operation, arguments] on standard
input, a JSON list of {"value": ...} or {"error": ..., "message": ...} on standard output.

Truss keeps gathered trusses under the home directory: callers set HOME.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import resource
import sys
import tarfile
import tempfile
import time
import warnings
from pathlib import Path
from typing import IO, Any, Callable, Dict, List, Optional

warnings.simplefilter("ignore")
# A prediction would write byte code into the truss.
sys.dont_write_bytecode = True

from internals import internals  # noqa: E402
from scenarios import gather_in_processes, gather_while_editing  # noqa: E402
from server_layout import predict_like_server  # noqa: E402
from tables import describe_release  # noqa: E402
from truss.base.truss_config import TrussConfig  # noqa: E402
from truss.cli.cli import truss_cli  # noqa: E402
from truss.remote.baseten.core import archive_dir  # noqa: E402
from truss.truss_handle.truss_handle import TrussHandle  # noqa: E402
from truss_train.deployment import _gather_training_dir  # type: ignore[import]  # noqa: E402
from truss_train.loader import import_training_project  # type: ignore[import]  # noqa: E402


def gather(truss: str) -> str:
    return str(TrussHandle(Path(truss)).gather())


def gather_all(trusses: List[str]) -> Dict[str, Any]:
    """Returns the seconds that it takes, and the most memory that the process held, in bytes."""
    start = time.perf_counter()
    for truss in trusses:
        gather(truss)
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def gather_with_config(truss: str, config: str) -> str:
    return str(TrussHandle(Path(truss), config_path=Path(config)).gather())


def config(path: str) -> Dict[str, Any]:
    data = TrussConfig.from_yaml(Path(path)).to_dict(verbose=True)
    return dict(json.loads(json.dumps(data, default=str)))


def validate(path: str) -> str:
    """What a push checks of a config before it uploads anything."""
    TrussConfig.from_yaml(Path(path)).validate_forbid_extra()
    return "valid"


def predict(truss: str, request: Any) -> Any:
    # JSON rejects a coroutine or a generator, which are not answers.
    answer = TrussHandle(Path(truss)).predict(request, use_docker=False)
    return json.loads(json.dumps(answer))


def build_context(truss: str, destination: str) -> None:
    """`truss image build-context`, the command."""
    arguments = ["image", "build-context", destination, truss]
    if truss_cli(arguments, standalone_mode=False):
        raise RuntimeError("The command failed.")


def serve(truss: str, *requests: Any) -> List[Any]:
    """What the model server answers, laid out as in an image of the truss."""
    with tempfile.TemporaryDirectory() as context:
        build_context(truss, context)
        return predict_like_server(Path(context), list(requests))


def training_archive(project_file: str) -> Dict[str, Any]:
    """As `archive`, of what `truss train push` uploads as the workspace of a job."""
    source = Path(project_file)
    with import_training_project(source) as project:
        gathered = _gather_training_dir(source.parent, project.job.workspace)
    return archive(str(gathered or source.parent))


def archive(truss: str) -> Dict[str, Any]:
    """Path -> [sha256, executable] of what a push uploads."""
    with archive_dir(Path(truss)) as file:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            return {
                member.name: [_sha256(tar.extractfile(member)), bool(member.mode & 0o100)]
                for member in tar.getmembers()
            }


def _sha256(file: Optional[IO[bytes]]) -> str:
    assert file is not None
    return hashlib.sha256(file.read()).hexdigest()


OPERATIONS: Dict[str, Callable[..., Any]] = {
    "archive": archive,
    "build_context": build_context,
    "config": config,
    "describe_release": describe_release,
    "gather": gather,
    "gather_all": gather_all,
    "gather_in_processes": gather_in_processes,
    "gather_while_editing": gather_while_editing,
    "gather_with_config": gather_with_config,
    "predict": predict,
    "serve": serve,
    "internals": internals,
    "training_archive": training_archive,
    "validate": validate,
}


def run(name: str, arguments: Any) -> Dict[str, Any]:
    try:
        # The library prints to standard output, which is for the answer here.
        with contextlib.redirect_stdout(sys.stderr):
            return {"value": OPERATIONS[name](*arguments)}
    except BaseException as e:
        return {"error": type(e).__name__, "message": str(e)}


if __name__ == "__main__":
    answers = [run(name, arguments) for name, arguments in json.load(sys.stdin)]
    json.dump(answers, sys.stdout)
