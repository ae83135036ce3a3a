"""Makes what the plugin ships of the lockfiles that `./pants generate-lockfiles` has written.

    ./pants package tests/newer_pex:pex
    python3.11 tests/support/shipped_lockfiles.py

The header of each goes into a file beside it. No form of a lockfile suits all releases of Pants as
well as this one:

* 2.33 and later fail if a lockfile that is a resource has no `X.lock.metadata` beside it;
* 2.30 and 2.31 read that file, and then do not strip the header, which is not JSON;
* earlier releases take a lockfile without a header as it is, and do not compare it with what it is
  used for.

And each is locked a second time, with the same pins, by a newer Pex and for newer releases of
Pants: `pants_truss/pants_api/lockfiles.py` has why.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Tuple

PLUGIN = Path("pants-plugins/pants_truss")
NEWER_PEX = Path("dist/tests.newer_pex/pex.pex")
NEWER_PIP = "24.2"
# Later releases of libcst need pyyaml-ft on Python 3.13, and there alone: pip cannot lock that
# together with 3.10.
OTHER_PINS = {"libcst": "1.6.0"}


def shipped_lockfiles() -> List[Path]:
    """Those that Pants generates."""
    return sorted(path for path in PLUGIN.rglob("*.lock") if not path.stem.endswith("_pip24"))


def with_newer_pip(lockfile: Path) -> Path:
    return lockfile.with_name(f"{lockfile.stem}_pip24.lock")


def pins(lockfile: Path) -> Dict[str, str]:
    (resolve,) = json.loads(lockfile.read_text(encoding="utf-8"))["locked_resolves"]
    return {each["project_name"]: each["version"] for each in resolve["locked_requirements"]}


def lock_again(lockfile: Path) -> str:
    """The lockfile that a newer Pex makes of the same pins: it has wheels for newer Pythons."""
    locked = json.loads(lockfile.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        constraints, output = Path(folder, "constraints.txt"), Path(folder, "new.lock")
        wanted = {name: OTHER_PINS.get(name, pin) for name, pin in pins(lockfile).items()}
        constraints.write_text("".join(f"{name}=={pin}\n" for name, pin in wanted.items()))
        command = [sys.executable, str(NEWER_PEX), "lock", "create", *locked["requirements"]]
        command += ["--style=universal", "--target-system=linux", "--target-system=mac"]
        command += [f"--pip-version={NEWER_PIP}", "--resolver-version=pip-2020-resolver"]
        command += [f"--interpreter-constraint=CPython{each}" for each in locked["requires_python"]]
        command += [f"--constraints={constraints}", "--indent=2", f"--output={output}"]
        environment = {**os.environ, "PEX_SCRIPT": "pex3", "PIP_CONFIG_FILE": os.devnull}
        subprocess.run(command, check=True, env=environment)
        made = json.loads(output.read_text(encoding="utf-8"))
    made["constraints"] = locked["constraints"]
    return json.dumps(made, indent=2, sort_keys=True) + "\n"


def metadata_file(lockfile: Path) -> Path:
    return lockfile.with_name(f"{lockfile.name}.metadata")


def split(text: str) -> Tuple[str, str]:
    """The metadata in the header of a lockfile, or nothing, and the lockfile without the header."""
    lines = text.splitlines(keepends=True)
    header = [line[2:] for line in lines if line.startswith("//")]
    rest = "".join(line for line in lines if not line.startswith("//")).lstrip("\n")
    starts = [number for number, line in enumerate(header) if line.startswith(" --- ")]
    if not starts:
        return "", rest
    begin, end = starts
    metadata = json.loads("".join(header[begin + 1 : end]))
    return json.dumps(metadata, indent=2) + "\n", rest


if __name__ == "__main__":
    for path in shipped_lockfiles():
        moved, without_header = split(path.read_text(encoding="utf-8"))
        newer = with_newer_pip(path)
        if moved:
            metadata_file(path).write_text(moved, encoding="utf-8")
            path.write_text(without_header, encoding="utf-8")
        if moved or not newer.exists():
            newer.write_text(lock_again(path), encoding="utf-8")
            metadata_file(newer).write_bytes(metadata_file(path).read_bytes())
