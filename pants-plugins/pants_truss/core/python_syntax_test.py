from __future__ import annotations

import ast
import subprocess
import sys
import threading
from pathlib import Path
from typing import List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.python_syntax import parse


@pytest.mark.parametrize("source", [b"", b"x = 1\n", b"\xef\xbb\xbfx = '\xc3\xa9'\n"])
def test_the_tree_is_that_of_ast(source: bytes) -> None:
    assert ast.dump(parse(source)) == ast.dump(ast.parse(source))


@given(st.binary(max_size=60) | st.text(alphabet="ab.()[]:=,'\n \\+-", max_size=60).map(str.encode))
def test_errors_are_those_of_ast(source: bytes) -> None:
    try:
        expected = ast.dump(ast.parse(source))
    except (SyntaxError, ValueError) as e:
        with pytest.raises(type(e)):
            parse(source)
    except (RecursionError, MemoryError):
        with pytest.raises(RecursionError):
            parse(source)
    else:
        assert ast.dump(parse(source)) == expected


DEEP = {
    "attributes": "x = a" + ".b" * 100_000,
    "terms": "x = 1" + " + 1" * 100_000,
    "calls": "x = a" + "()" * 100_000,
    "subscripts": "x = a" + "[0]" * 100_000,
    "negations": "x = " + "not " * 100_000 + "1",
    "parentheses": "(" * 100_000 + ")" * 100_000,
    "branches": "if 1: pass\n" + "elif 1: pass\n" * 30_000,
}


@pytest.mark.parametrize("name", sorted(DEEP))
def test_deep_code_does_not_end_the_process(name: str, tmp_path: Path) -> None:
    """On a stack as small as those of Pants' threads."""
    (tmp_path / "deep.py").write_text(DEEP[name])
    script = (
        "import sys, threading\n"
        "from pathlib import Path\n"
        "from pants_truss.core.python_syntax import parse\n"
        "def run():\n"
        "    try:\n"
        "        parse(Path(sys.argv[1]).read_bytes())\n"
        "    except (SyntaxError, RecursionError):\n"
        "        pass\n"
        "    print('alive')\n"
        "threading.stack_size(2 << 20)\n"
        "thread = threading.Thread(target=run)\n"
        "thread.start()\n"
        "thread.join()\n"
    )
    root = Path(__file__).parents[2]
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "deep.py")],
        cwd=root,
        env={"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout) == (0, "alive\n")


def test_threads_that_start_later_have_the_stack_that_they_had() -> None:
    before = threading.stack_size()
    found: List[ast.Module] = []
    threads = [threading.Thread(target=lambda: found.append(parse(b"x"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert threading.stack_size() == before
