from __future__ import annotations

import hashlib
from typing import Dict, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pants.engine.fs import CreateDigest, Digest, FileContent
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.core.lint.secret_scan import MAX_BYTES, Secret
from pants_truss.gather import secret_files
from pants_truss.gather.secret_files import (
    FoundSecrets,
    ScanForSecretsRequest,
    by_folder,
)
from pants_truss.sources.file_entries import SourceFile

# In two parts, so that no scanner takes this file for a leak.
KEY = b"AKIA" + b"QZ7RTX2MNB5VKW4D"
TOKEN = b"ghp_" + b"q7Rt2XmZb5VkW4dJ8nLs3PfHy6GcAe9TuBwK"


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *secret_files.rules(),
            QueryRule(Digest, [CreateDigest]),
            QueryRule(FoundSecrets, [ScanForSecretsRequest]),
        ]
    )


def scan(rule_runner: RuleRunner, files: Dict[str, bytes]) -> List[Tuple[str, Secret]]:
    rule_runner.request(
        Digest,
        [CreateDigest(FileContent(path, content) for path, content in files.items())],
    )
    request = ScanForSecretsRequest(
        tuple(
            SourceFile(path, hashlib.sha256(content).hexdigest(), len(content))
            for path, content in files.items()
        )
    )
    return list(rule_runner.request(FoundSecrets, [request]).secrets)


def test_what_is_found_has_its_path_and_line(rule_runner: RuleRunner) -> None:
    files = {
        "t/clean.py": b"x = 1\n",
        "t/é x.py": b"\n\nkey = '" + KEY + b"'\n" + TOKEN + b"\n",
        "t/.env": b"A=1\nAPI_TOKEN=not-shown-at-all\n",
    }
    assert sorted(scan(rule_runner, files), key=repr) == [
        ("t/.env", Secret("a credential, in .env", 2)),
        ("t/é x.py", Secret("a GitHub token", 4)),
        ("t/é x.py", Secret("an AWS access key", 3)),
    ]


@pytest.mark.parametrize(("size", "is_read"), [(MAX_BYTES, True), (MAX_BYTES + 1, False)])
def test_larger_files_are_not_read(rule_runner: RuleRunner, size: int, is_read: bool) -> None:
    content = KEY + b"\n" + b"x" * (size - len(KEY) - 1)
    expected = [("t/data.bin", Secret("an AWS access key", 1))] if is_read else []
    assert scan(rule_runner, {"t/data.bin": content}) == expected


def test_one_content_at_two_paths_is_found_at_both(rule_runner: RuleRunner) -> None:
    found = scan(rule_runner, {"t/a": KEY, "t/b": KEY})
    assert found == [(path, Secret("an AWS access key", 1)) for path in ("t/a", "t/b")]


def test_several_batches_are_one_answer(rule_runner: RuleRunner) -> None:
    padding = b"\n" + b"0" * (MAX_BYTES - len(KEY) - 1)
    files = {f"t/{number:02}": KEY + padding for number in range(21)}
    assert [path for path, _ in scan(rule_runner, files)] == sorted(files)


@pytest.mark.parametrize("files", [{}, {"t/empty": b"", "t/.env": b""}])
def test_nothing_to_read_is_nothing_found(rule_runner: RuleRunner, files: Dict[str, bytes]) -> None:
    assert scan(rule_runner, files) == []


def test_a_file_that_is_not_text(rule_runner: RuleRunner) -> None:
    content = b"\xff\xfe\0\x80 " + KEY + b" \0\n"
    assert scan(rule_runner, {"t/x.bin": content}) == [("t/x.bin", Secret("an AWS access key", 1))]


sizes = st.one_of(st.sampled_from([0, 1, MAX_BYTES, MAX_BYTES + 1]), st.integers(0, 2 * MAX_BYTES))


@given(st.lists(sizes, max_size=100))
def test_batches_are_bounded_and_keep_all_in_their_order(sizes: List[int]) -> None:
    files = [SourceFile(f"f{number}", "", size) for number, size in enumerate(sizes)]
    batches = list(secret_files.split_into_batches(files))
    assert [f for batch in batches for f in batch] == [f for f in files if 0 < f.size <= MAX_BYTES]
    assert all(batches)
    totals = [sum(file.size for file in batch) for batch in batches]
    assert all(total <= secret_files.BATCH_BYTES for total in totals)
    # Each is as large as it can be.
    nexts = [batch[0].size for batch in batches[1:]]
    assert all(t + n > secret_files.BATCH_BYTES for t, n in zip(totals, nexts))


def test_folders_come_sorted_and_their_files_as_they_came() -> None:
    paths = ["b/z", "a/y", "top", "b/a", "a/b/x", "a/x", "top2", "é/x"]
    files = [SourceFile(path, "", 1) for path in paths]
    assert [[file.path for file in folder] for folder in by_folder(files)] == [
        ["top", "top2"],
        ["a/y", "a/x"],
        ["a/b/x"],
        ["b/z", "b/a"],
        ["é/x"],
    ]
    assert by_folder([]) == []


@given(st.lists(st.from_regex(r"([ab]/){0,2}[xyz]", fullmatch=True)))
def test_an_edit_in_one_folder_is_one_request(paths: List[str]) -> None:
    """The requests about the other folders stay equal, so their files are not read again."""
    before = [SourceFile(path, "old", 1) for path in paths]
    after = [SourceFile(path, "new" if path.startswith("a/b/") else "old", 1) for path in paths]
    changed = set(by_folder(after)) - set(by_folder(before))
    folders = {path.rpartition("/")[0] for path in paths if path.startswith("a/b/")}
    assert {request[0].path.rpartition("/")[0] for request in changed} == folders
