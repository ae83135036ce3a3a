"""Random folders with links of all kinds: nothing is lost silently, and nothing is wrong."""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
from pathlib import Path
from typing import Dict, Set

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pants.engine.addresses import Address
from pants.testutil.rule_runner import RuleRunner

from pants_truss.sources.target_files import (
    FindSourcePathsRequest,
    FoundSourcePaths,
    ReadSourceTree,
    ReadSourceTreeRequest,
)
from pants_truss.target_types.truss import TrussSourcesField
from pants_truss.testutil.rule_runners import new_source_tree_runner


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return new_source_tree_runner()


names = st.sampled_from(["a", "b*", "[c]", "é x", "d ", "!e", "#f", "g\\h", "?"])
paths = st.lists(names, min_size=1, max_size=3).map("/".join)
contents = st.sampled_from(["", "1", "22"])
ends = st.one_of(
    paths,
    paths.map(lambda path: f"../{path}"),
    st.sampled_from([".", "..", "nowhere", "/nowhere", "../../outside", "../../../../.."]),
)
counter = itertools.count()


def make(folder: Path, files: Dict[str, str], links: Dict[str, str]) -> None:
    """Makes those that a file system can hold: the first that takes a path has it."""
    folder.mkdir(parents=True)
    for path, value in (*files.items(), *links.items()):
        place = folder / path
        above = [*place.relative_to(folder).parents][:-1]
        if os.path.lexists(place) or any(
            os.path.lexists(folder / each)
            and (os.path.islink(folder / each) or not os.path.isdir(folder / each))
            for each in above
        ):
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if path in files:
            place.write_text(value)
        else:
            place.symlink_to(value)
            # This process must not see what the engine does with a link to itself.
            if _leads_to_itself(folder):
                place.unlink()


def _leads_to_itself(folder: Path) -> bool:
    for link in links_below(folder):
        try:
            os.stat(folder / link)
        except OSError as e:
            if e.errno == errno.ELOOP:
                return True
    return False


def below(folder: Path) -> Set[str]:
    """The paths of the files, without following links."""
    return {
        os.path.relpath(os.path.join(root, name), folder)
        for root, _, names in os.walk(folder)
        for name in names
        if not os.path.islink(os.path.join(root, name))
    }


def links_below(folder: Path) -> Set[str]:
    return {
        os.path.relpath(os.path.join(root, name), folder)
        for root, folders, names in os.walk(folder)
        for name in (*folders, *names)
        if os.path.islink(os.path.join(root, name))
    }


@given(
    files=st.dictionaries(paths, contents, max_size=6),
    links=st.dictionaries(paths, ends, max_size=4),
)
@settings(max_examples=80, deadline=None)
def test_each_file_is_read_and_each_link_is_read_or_told(
    rule_runner: RuleRunner, files: Dict[str, str], links: Dict[str, str]
) -> None:
    root = f"case{next(counter)}/t"
    folder = Path(rule_runner.build_root, root)
    make(folder, files, links)
    # Asking again makes the engine see the folder as it is.
    rule_runner.write_files({f"{root}/BUILD": "truss(name='t')", f"{root}/keep": ""})
    rule_runner.set_options([])
    field = rule_runner.get_target(Address(root, target_name="t"))[TrussSourcesField]
    found = rule_runner.request(ReadSourceTree, [ReadSourceTreeRequest(field)])
    by_path = {file.path: file for file in found.tree.files}
    bad = {path.path for path in found.bad_paths}

    assert below(folder) - {"BUILD"} <= set(by_path)
    for path, file in by_path.items():
        content = (folder / path).read_bytes()
        assert (file.sha256, file.size) == (
            hashlib.sha256(content).hexdigest(),
            len(content),
        )
    assert not bad & set(by_path)
    for link in links_below(folder):
        place = folder / link
        if link in bad:
            assert not any(path.startswith(f"{link}/") for path in by_path)
        elif place.is_dir():
            assert {f"{link}/{path}" for path in below(place) if path != "BUILD"} <= set(by_path)
        else:
            assert link in by_path
        if not place.exists() or os.path.isabs(os.readlink(place)):
            assert link in bad
    paths_found = set(rule_runner.request(FoundSourcePaths, [FindSourcePathsRequest(field)]).paths)
    assert {f"{root}/{path}" for path in by_path} <= paths_found
