"""docs/reference.md is what `pants help` says, and `pants help` says something of everything."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, Set

import pytest

from support.monorepo import IMAGES, Monorepo
from support.pants_release import INSTALLED, VERSION
from support.reference import COMMON_FIELDS, page

PAGE = Path("docs/reference.md")


@pytest.fixture(scope="module")
def help_all(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Any]:
    base = tmp_path_factory.mktemp("reference")
    repo = Monorepo(base / "repo", base / "machine", daemon=False)
    repo.configure("pants.backend.python", IMAGES)
    found: Dict[str, Any] = json.loads(repo.pants("help-all").assert_success().stdout)
    return found


def test_the_page_is_up_to_date(help_all: Dict[str, Any]) -> None:
    made = page(help_all)
    if VERSION != INSTALLED:
        # It has more fields of its own, and other words for them.
        assert not _headings(PAGE.read_text(encoding="utf-8")) - _headings(made)
        return
    assert made == PAGE.read_text(encoding="utf-8"), "see tests/support/reference.py"


def _headings(text: str) -> Set[str]:
    return set(re.findall("^#+ .+$", text, re.MULTILINE))


def own(things: Dict[str, Any]) -> List[Dict[str, Any]]:
    return [x for x in things.values() if str(x["provider"]).startswith("pants_truss")]


def test_each_target_has_an_example_and_each_field_says_what_it_is(
    help_all: Dict[str, Any]
) -> None:
    targets = own(help_all["name_to_target_type_info"])
    assert len(targets) == 4
    for target in targets:
        assert f"    {target['alias']}(" in target["description"], target["alias"]
        for field in target["fields"]:
            name = f"{target['alias']}.{field['alias']}"
            # Another release may say less of a field that is Pants' own.
            if VERSION == INSTALLED or field["provider"].startswith("pants_truss"):
                assert len(field["description"] or "") > 60, name
            if field["alias"] not in COMMON_FIELDS:
                assert "TODO" not in field["description"], name


def test_each_subsystem_has_an_example(help_all: Dict[str, Any]) -> None:
    found = [x for x in own(help_all["scope_to_help_info"]) if x["scope"].startswith("truss")]
    assert len(found) > 7
    for subsystem in found:
        assert "\n    " in subsystem["description"], subsystem["scope"]


def options(help_all: Dict[str, Any]) -> Iterator[Dict[str, Any]]:
    for subsystem in own(help_all["scope_to_help_info"]):
        yield from subsystem["basic"]
        yield from subsystem["advanced"]


def test_each_option_says_what_it_is(help_all: Dict[str, Any]) -> None:
    found = list(options(help_all))
    assert len(found) > 30
    for option in found:
        assert len(option["help"]) > 40, option["config_key"]
