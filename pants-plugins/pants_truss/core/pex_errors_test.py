from __future__ import annotations

from typing import List

import pytest

from pants_truss.core.pex_errors import explain_failure

ORIGIN = "`requirements` in t/config.yaml"

# As Pex 2.1.137 writes them.
NO_INTERPRETER = """\
Process 'Find interpreter for constraints: CPython==3.14.*' failed with exit code 102.
stderr:
Could not find a compatible interpreter.

Examined the following working interpreters:
1.)   /usr/bin/python3.9 CPython==3.9.18
2.) /usr/bin/python3.10 CPython==3.10.13
3.) /opt/python3.9 CPython==3.9.2

No working interpreter compatible with the requested constraints was found:

  Version matches CPython==3.14.*
"""
BROKEN = """\
Could not find a compatible interpreter.

Skipped the following broken interpreters:
1.) /opt/3.13.0/bin/python3.13:
Traceback (most recent call last):
ImportError: cannot import name 'attr' from 'pex.third_party'
"""
NOT_FOUND = """\
pid 123 -> /venv/bin/python -sE pex --disable-pip-version-check exited with 1 and STDERR:
ERROR: Could not find a version that satisfies the requirement nope==1 (from versions: none)
ERROR: No matching distribution found for nope==1
"""
CONFLICT = """\
ERROR: Cannot install fastapi==0.200.0 because these package versions have conflicting dependencies.
pid 123 -> ERROR: ResolutionImpossible: for help visit https://pip.pypa.io

The conflict is caused by:
    The user requested fastapi==0.200.0
    The user requested (constraint) fastapi<0.137.0

To fix this you could try to:
1. loosen the range of package versions you've specified
"""


def test_a_python_that_is_not_there() -> None:
    assert explain_failure(NO_INTERPRETER, ORIGIN, "3.14") == (
        "its Python is 3.14 (`python_version` in its config; py313 where that says none), which "
        "Pants does not find on this machine. It finds 3.9, 3.10. Install it, add its folder to "
        "`[python-bootstrap].search_path`, or change `python_version`."
    )


def test_pythons_in_the_words_of_newer_releases() -> None:
    """Pex 2.81, of Pants 2.31."""
    newer = NO_INTERPRETER.replace("CPython==3.9", "CPython-t==3.9")
    assert "It finds 3.9, 3.10." in explain_failure(newer, ORIGIN, "3.14")


def test_a_python_that_pex_does_not_know() -> None:
    text = explain_failure(BROKEN, ORIGIN, "3.13")
    assert (
        "the Pex of this Pants cannot use /opt/3.13.0/bin/python3.13. Use Pants 2.23 or newer, or "
        "set a newer `[pex-cli].version`"
    ) in text
    unheard_of = explain_failure(BROKEN.replace("3.13", "3.19"), ORIGIN, "3.19")
    assert "python3.19. Use a newer Pants, or set" in unheard_of
    assert "which Pants does not find" in explain_failure(BROKEN, ORIGIN, "3.1")


def test_a_requirement_that_does_not_exist() -> None:
    text = explain_failure(NOT_FOUND, ORIGIN, "3.11")
    assert text.startswith(
        f"no distribution matches the requirement 'nope==1' of {ORIGIN} for Python 3.11"
    )


def test_requirements_that_contradict_each_other() -> None:
    assert explain_failure(CONFLICT, ORIGIN, "3.11") == (
        f"the requirements of {ORIGIN} and those of the model server contradict each other, so an "
        f"image could not be built either:\n"
        f"  The user requested fastapi==0.200.0\n"
        f"  The user requested (constraint) fastapi<0.137.0"
    )


@pytest.mark.parametrize(
    "output, shown",
    [
        ("one\ntwo\n", "\n  one\n  two"),
        ("noise\npid 1 -> ERROR: it broke\nmore\n", "\n  ERROR: it broke"),
        ("ERROR: https://user:token@example.com/x\n", "https://***@example.com/x"),
        (
            "  fatal: unable to access 'https://h/x/': no host\n"
            "  error: subprocess-exited-with-error\n",
            ":\n  fatal: unable to access 'https://h/x/': no host",
        ),
    ],
)
def test_anything_else(output: str, shown: str) -> None:
    text = explain_failure(output, ORIGIN, "3.11")
    assert text.startswith(f"its environment could not be built from {ORIGIN}:\n")
    assert shown in text and "token" not in text


def test_no_wheel_for_another_platform() -> None:
    output = (
        "No pre-built wheel was available for onlysource 1.0.\n"
        "Successfully built the wheel onlysource-1.0-cp39-cp39-linux_x86_64.whl but it is not "
        "compatible with the requested foreign target complete platform."
    )
    message = explain_failure(output, "config.yaml", "3.11")
    assert message.startswith("onlysource 1.0, a requirement of config.yaml, has no wheel for")


# As pip 23 writes them, and Pex hands them on.
GIT = """\
pid 7 -> /venv/bin/python -sE pex --disable-pip-version-check exited with 1 and STDERR:
pid 7 ->   Running command git clone --quiet https://u:secret@git.example.com/acme/kit.git /tmp/x
pid 7 ->   fatal: unable to access 'https://git.example.com/acme/kit.git/': Could not resolve host
pid 7 ->   error: subprocess-exited-with-error
pid 7 ->
pid 7 ->   × git clone --quiet https://git.example.com/acme/kit.git did not run successfully.
pid 7 ->   │ exit code: 128
pid 7 ->   ╰─> See above for output.
pid 7 ->
pid 7 ->   note: This error originates from a subprocess, and is likely not a problem with pip.
pid 7 -> error: subprocess-exited-with-error
"""
BUILD = """\
  error: subprocess-exited-with-error

  × python setup.py egg_info did not run successfully.
  │ exit code: 1
  ╰─> [3 lines of output]
      Traceback (most recent call last):
        File "setup.py", line 1, in <module>
          import numpy
      ModuleNotFoundError: No module named 'numpy'
      [end of output]

  note: This error originates from a subprocess, and is likely not a problem with pip.
error: metadata-generation-failed
"""
COMPILER = """\
  × Building wheel for kit (pyproject.toml) did not run successfully.
  ╰─> [9 lines of output]
      running build_ext
      kit.c:1:10: fatal error: zlib.h: No such file or directory
      compilation terminated.
      [end of output]
  ERROR: Failed building wheel for kit
"""


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        (
            GIT,
            [
                "fatal: unable to access 'https://git.example.com/acme/kit.git/': Could not "
                "resolve host",
                "git clone --quiet https://git.example.com/acme/kit.git did not run successfully.",
            ],
        ),
        (
            BUILD,
            [
                "python setup.py egg_info did not run successfully.",
                "ModuleNotFoundError: No module named 'numpy'",
                "error: metadata-generation-failed",
            ],
        ),
        (
            COMPILER,
            [
                "Building wheel for kit (pyproject.toml) did not run successfully.",
                "kit.c:1:10: fatal error: zlib.h: No such file or directory",
                "compilation terminated.",
                "ERROR: Failed building wheel for kit",
            ],
        ),
    ],
)
def test_the_words_of_git_and_of_a_build_are_shown(output: str, shown: List[str]) -> None:
    text = explain_failure(output, ORIGIN, "3.11")
    assert [line.strip() for line in text.splitlines()[1:]] == shown
