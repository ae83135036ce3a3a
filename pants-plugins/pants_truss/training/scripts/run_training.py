"""Runs the training code of a truss with the same module path as the model's server.

The order is the same too: the truss, the standard library, the installed distributions, the bundled
packages.

    run_training.py --out FOLDER [arguments of the training code]

A file runs as a script, with `--out` and the arguments. A function is called with those of `out` (a
path), `arguments` (a list), `config` (a dict) and `data_dir` (a path) that it has parameters for.
"""

import argparse
import asyncio
import importlib
import inspect
import json
import os
import runpy
import sys
from pathlib import Path
from typing import Any, Dict, List

HERE = Path(__file__).resolve().parent
# A training job of Baseten keeps what is written to this folder as a checkpoint.
DEFAULT_OUT = "BT_CHECKPOINT_DIR"


def parse_arguments(facts: Dict[str, Any], arguments: List[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=facts["command"], allow_abbrev=False)
    parser.add_argument(
        "--out",
        default=os.environ.get(DEFAULT_OUT),
        help=f"folder for the output of training; default: ${DEFAULT_OUT}, if it is set",
    )
    known, rest = parser.parse_known_args(arguments)
    if not known.out:
        parser.error("no output folder. Add --out=FOLDER")
    known.rest = rest[1:] if rest[:1] == ["--"] else rest
    return known


def end_with_pants() -> None:
    """Where Pants runs this script, `parent.py` lies beside it; in a training job it does not."""
    path = HERE / "parent.py"
    if path.exists():
        runpy.run_path(str(path))["Parent"]().end_with_it()


def set_path(truss: Path, packages: Path) -> None:
    own = {"", str(HERE), str(truss)}
    sys.path[:] = [str(truss), *(entry for entry in sys.path if entry not in own)]
    if packages.exists():
        sys.path.append(str(packages))
    importlib.invalidate_caches()


def set_environment(facts: Dict[str, Any]) -> None:
    # The training code must not see how this process was started.
    for name in [*os.environ]:
        if name.startswith("PEX_"):
            del os.environ[name]
    if "env_vars" in facts:
        limit = runpy.run_path(str(HERE / "shell_variables.py"))["limit"]
        for line in limit(facts["env_vars"]):
            print(line, file=sys.stderr, flush=True)
    os.environ.update(facts["environment"])


def call(function: Any, values: Dict[str, Any]) -> Any:
    parameters = inspect.signature(function).parameters
    takes_all = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    result = function(**{k: v for k, v in values.items() if takes_all or k in parameters})
    return asyncio.run(result) if inspect.iscoroutine(result) else result


def warn_if_empty(out: Path) -> None:
    if not any(out.iterdir()):
        print(f"Training wrote no files to {out}.", file=sys.stderr)


def main(arguments: List[str]) -> None:
    facts: Dict[str, Any] = json.loads((HERE / "run_training.json").read_text("utf-8"))
    parsed = parse_arguments(facts, arguments)
    truss = (HERE / facts["truss"]).resolve()
    out = Path(parsed.out).absolute()
    out.mkdir(parents=True, exist_ok=True)
    end_with_pants()
    set_path(truss, truss / facts["packages"])
    set_environment(facts)
    os.chdir(truss)
    if facts["file"]:
        path = truss / facts["file"]
        sys.argv[:] = [str(path), "--out", str(out), *parsed.rest]
        runpy.run_path(str(path), run_name="__main__")
        warn_if_empty(out)
        return
    sys.argv[:] = [facts["module"], *parsed.rest]
    function = getattr(importlib.import_module(facts["module"]), facts["function"], None)
    if function is None:
        sys.exit(
            f"The module `{facts['module']}` has no function `{facts['function']}`. Add it, or fix "
            f"`entry_point`."
        )
    values = {
        "out": out,
        "arguments": parsed.rest,
        "config": facts["config"],
        "data_dir": truss / facts["data_dir"],
    }
    result = call(function, values)
    warn_if_empty(out)
    # An integer result is the exit code, as in a script's `sys.exit(main())`.
    sys.exit(result if isinstance(result, int) else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
