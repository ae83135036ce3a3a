"""No text of a repository may make a regular expression search for ways to match until someone
stops the process. Each call here takes longer than that with an expression that does."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pants_truss.core import (
    dockerfile,
    git_content,
    git_excludes,
    lockfile,
    module_names,
    requirement,
    requirement_files,
    truss_detection,
    uv_lock,
)
from pants_truss.core.lint import config_rules, model_class, silence
from pants_truss.core.oci import unsupported_keys

# Pants does not see what the code in texts imports.
_NEEDED = (
    config_rules,
    dockerfile,
    git_content,
    git_excludes,
    lockfile,
    model_class,
    module_names,
    requirement,
    requirement_files,
    silence,
    truss_detection,
    unsupported_keys,
    uv_lock,
)

_CALLS = {
    "a model file of blank lines": """
        from pants_truss.core.truss_detection import detect_config, is_truss
        config = detect_config(b"model_name: x\\nresources: {}\\npython_version: py311\\n")
        assert config and not is_truss(config, b"\\n" * 300_000)
    """,
    "a model file that cannot be parsed": """
        from pants_truss.core.lint.model_class import ModelFile, check_model_class
        content = b"\\n" * 300_000 + b"def ("
        assert check_model_class(ModelFile("t/model.py", content, "Model", (3, 99), ()))
    """,
    "imports": """
        from pants_truss.core.module_names import imported_packages
        assert not imported_packages("from" + " " * 20_000, "a/b")
        assert not imported_packages("from " + "." * 300_000, "a/b")
    """,
    "a requirements file of spaces": """
        from pants_truss.core.requirement_files import read_lines
        assert not read_lines(b" " * 300_000)
        assert len(read_lines(b"a" + b" " * 300_000 + b"b")) == 1
    """,
    "a requirement": """
        from pants_truss.core import requirement
        for text in ("a" * 500_000, "#" * 500_000, "a@" * 250_000):
            assert requirement.redacted(text) == text
            assert not requirement.has_credentials(text)
            assert not requirement._EGG.search(text)
    """,
    "a config": """
        from pants_truss.core.lint.config_rules import rule_problems
        from pants_truss.core.lint.release import default_release
        data = {"resources": {"memory": "1" * 500_000 + "x"}}
        assert len(list(rule_problems(data, default_release()))) == 1
    """,
    "comments of a config": """
        from pants_truss.core.lint.silence import read_silence
        for part in ("# pants-truss: ignore[", "# ", "#" + " " * 50, " ", "\\n#"):
            content = (part * (500_000 // len(part))).encode()
            assert not read_silence("t/config.yaml", content, ()).lines
    """,
    "commands of a build": """
        from pants_truss.core.dockerfile import Instruction
        from pants_truss.core.oci.unsupported_keys import unknown_commands
        for text in ("uv pip install" + " --a" * 5_000 + "!", "a=b=c=d " * 5_000 + "!"):
            assert unknown_commands([Instruction("RUN", text)])
    """,
    "lockfiles": """
        from pants_truss.core import uv_lock
        from pants_truss.core.lockfile import _refuse_known_formats
        assert not uv_lock.is_uv_lock("[[package]]\\n" * 100_000)
        _refuse_known_formats("metadata:\\n" * 100_000)
    """,
    "places of requirements": """
        from pants_truss.core.requirement_files import missing_in_image
        assert missing_in_image("a" + " " * 100_000 + "b") is None
    """,
    "submodules": """
        from pants_truss.core.git_content import submodule_paths
        assert not submodule_paths("path = a" + " " * 100_000 + '"x')
        assert not submodule_paths("path" + " " * 100_000)
    """,
    "a config of git": """
        from pants_truss.core.git_excludes import user_excludes_file
        text = "excludesfile = a" + ' ' * 20_000 + '"x"'
        assert user_excludes_file({"HOME": "/h"}, lambda path: text) == "/h/.config/git/ignore"
    """,
}


@pytest.mark.parametrize("name", _CALLS)
def test_no_text_takes_long(name: str) -> None:
    code = "\n".join(line.strip("\n")[8:] for line in _CALLS[name].splitlines())
    subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
        timeout=60,
    )
