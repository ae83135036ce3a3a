"""What all releases of the Truss library can do, by the protocol of tests/truss_tool."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any, Callable, Dict

warnings.simplefilter("ignore")

from truss.base.truss_config import TrussConfig  # noqa: E402
from truss.truss_handle.truss_handle import TrussHandle  # noqa: E402


def gather(truss: str) -> str:
    return str(TrussHandle(Path(truss)).gather())


def config(path: str) -> Dict[str, Any]:
    data = TrussConfig.from_yaml(Path(path)).to_dict(verbose=True)
    return dict(json.loads(json.dumps(data, default=str)))


OPERATIONS: Dict[str, Callable[..., Any]] = {"gather": gather, "config": config}


def main() -> None:
    answer, sys.stdout = sys.stdout, sys.stderr
    answers = []
    for name, arguments in json.load(sys.stdin):
        try:
            answers.append({"value": OPERATIONS[name](*arguments)})
        except Exception as e:
            answers.append({"error": type(e).__name__, "message": str(e)})
    json.dump(answers, answer)


if __name__ == "__main__":
    main()
