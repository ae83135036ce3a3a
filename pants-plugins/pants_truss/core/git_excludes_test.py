from __future__ import annotations

from typing import Dict, Optional

import pytest

from pants_truss.core.git_excludes import user_excludes_file

NAMED = "[core]\n\texcludesFile = ~/my ignores\n"


def found(environment: Dict[str, str], files: Optional[Dict[str, str]] = None) -> Optional[str]:
    return user_excludes_file(environment, lambda path: (files or {}).get(path, ""))


def test_the_default_is_in_the_config_folder() -> None:
    assert found({"HOME": "/h"}) == "/h/.config/git/ignore"
    assert found({"HOME": "/h", "XDG_CONFIG_HOME": "/x"}) == "/x/git/ignore"
    assert found({"HOME": "/h", "XDG_CONFIG_HOME": ""}) == "/h/.config/git/ignore"
    assert found({"XDG_CONFIG_HOME": "/x"}) == "/x/git/ignore"
    assert found({}) is None


def test_a_config_of_git_names_another() -> None:
    home = {"HOME": "/h", "XDG_CONFIG_HOME": "/x"}
    assert found(home, {"/h/.gitconfig": NAMED}) == "/h/my ignores"
    assert found(home, {"/x/git/config": NAMED}) == "/h/my ignores"
    both = {"/h/.gitconfig": "excludesfile=/one\n", "/x/git/config": NAMED}
    assert found(home, both) == "/one"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('excludesFile = "/a b/c"', "/a b/c"),
        ("EXCLUDESFILE=/a\r", "/a"),
        ("# excludesfile = /a", None),
        ("excludesfile =", None),
        ("other = excludesfile", None),
    ],
)
def test_the_key_is_found_in_any_form(line: str, expected: Optional[str]) -> None:
    found_path = found({"HOME": "/h"}, {"/h/.gitconfig": f"[core]\n{line}\n[user]\n"})
    assert found_path == (expected or "/h/.config/git/ignore")
