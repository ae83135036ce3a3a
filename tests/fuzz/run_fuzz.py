"""Fuzzes one parser with atheris, guided by the coverage of the plugin.

    PYTHONPATH=pants-plugins python tests/fuzz/run_fuzz.py TARGET SECONDS [CORPUS]

The Python needs atheris 2.3.0, pantsbuild.pants 2.17.1, pathspec and zstandard. A finding does not
end the run. The input of each new one is written to CORPUS/findings with its traceback; make it
small and copy it to `findings/` here, where `fuzz_test.py` replays it. CORPUS is a temporary folder
by default; a second run with the same one begins where the first one ended.
"""

from __future__ import annotations

import re
import resource
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Callable, List, Set

import atheris  # type: ignore[import]  # pants: no-infer-dep

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

# Scripts are imported by their file names.
_SCRIPTS = ["baseten", "bounded_tar", "inspect_base", "record", "redact", "state", "truss_cli"]
_INSTRUMENTED = ["pants_truss", "terminal", *_SCRIPTS]

with atheris.instrument_imports(include=_INSTRUMENTED):
    from fuzz.fuzz_targets import TARGETS

from fuzz.checks import Hang, time_limit  # noqa: E402
from fuzz.mutators import MUTATORS  # noqa: E402
from fuzz.seeds import SEEDS  # noqa: E402
from fuzz.words import WORDS  # noqa: E402

MAX_BYTES = 4096
# Instrumented code is a few times slower than the plain one.
MAX_SECONDS = 1.0
STOP_SECONDS = 10
MAX_MEMORY_MB = 1024


class Run:
    """Runs a target on inputs and keeps one input for each kind of finding."""

    def __init__(self, name: str, folder: Path) -> None:
        self._target: Callable[[bytes], None] = TARGETS[name]
        self._name = name
        self._folder = folder
        self._seen: Set[str] = set()
        self._slowest = 0.0
        self.executions = 0

    def one(self, data: bytes) -> None:
        self.executions += 1
        started = time.process_time()
        try:
            with time_limit(STOP_SECONDS):
                self._target(data)
        except (Exception, Hang) as e:
            self._record(data, _kind_of(e), traceback.format_exc())
        self._check_time(data, time.process_time() - started)

    def _check_time(self, data: bytes, seconds: float) -> None:
        if seconds > max(MAX_SECONDS, self._slowest * 1.5):
            self._slowest = seconds
            self._record(data, f"slow {seconds:.1f}", f"{seconds:.1f} s for {len(data)} bytes")

    def _record(self, data: bytes, kind: str, report: str) -> None:
        if kind in self._seen:
            return
        self._seen.add(kind)
        file = self._folder / f"{self._name}-{len(self._seen)}"
        file.write_bytes(data)
        file.with_suffix(".txt").write_text(f"{kind}\n{report}", "utf-8", "backslashreplace")
        print(f"FINDING {kind}\n  input: {data[:300]!r}\n  in {file}", flush=True)


def _kind_of(error: BaseException) -> str:
    """The error and the innermost place in the plugin, so that one fault is reported once."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "pants_truss" in f.filename] or [frames[-1]]
    last = own[-1]
    # Without the value that an invariant quotes.
    is_ours = type(error).__name__ == "BrokenInvariant"
    what = re.split("['\"]", str(error))[0] if is_ours else ""
    return ascii(f"{type(error).__name__} {what} {Path(last.filename).name}:{last.lineno}")


def _arguments(name: str, seconds: str, folder: Path) -> List[str]:
    corpus = folder / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name]):
        (corpus / f"seed-{number}").write_bytes(seed)
    words = folder / f"{name}.dict"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in WORDS.get(name, ["x"])))
    return [
        sys.argv[0],
        str(corpus),
        f"-max_total_time={seconds}",
        f"-max_len={max([MAX_BYTES, *(len(seed) for seed in SEEDS[name])])}",
        f"-dict={words}",
        f"-rss_limit_mb={MAX_MEMORY_MB}",
        "-timeout=60",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
    ]


def _escaped(word: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word.encode("utf-8"))


def main() -> None:
    name, seconds = sys.argv[1:3]
    folder = Path(sys.argv[3] if len(sys.argv) > 3 else tempfile.mkdtemp(prefix="fuzz-"))
    findings = folder / "findings"
    findings.mkdir(parents=True, exist_ok=True)
    run = Run(name, findings)
    arguments = _arguments(name, seconds, folder)
    mutate = MUTATORS.get(name)
    options = {"custom_mutator": mutate} if mutate else {}
    atheris.Setup(arguments, run.one, **options)
    print(
        f"corpus: {folder}; memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB"
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
