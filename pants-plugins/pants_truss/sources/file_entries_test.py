from __future__ import annotations

import hashlib

import pytest
from pants.engine.fs import CreateDigest, Digest, DigestContents, FileContent
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.core.gathered import GatheredFile
from pants_truss.sources.file_entries import SourceFile, entry_at, source_entries


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[QueryRule(Digest, [CreateDigest]), QueryRule(DigestContents, [Digest])]
    )


@pytest.mark.parametrize("is_executable", [True, False])
@pytest.mark.parametrize("content", [b"", b"\0\xff", b"x" * 100_000])
def test_the_engine_has_the_content_without_reading_it(
    rule_runner: RuleRunner, content: bytes, is_executable: bool
) -> None:
    rule_runner.request(Digest, [CreateDigest([FileContent("elsewhere", content)])])
    sha256 = hashlib.sha256(content).hexdigest()
    file = GatheredFile("a/b", sha256, len(content), is_executable, "a:a", "src/b", "truss")
    digest = rule_runner.request(Digest, [CreateDigest([entry_at("out/é b", file)])])
    (made,) = rule_runner.request(DigestContents, [digest])
    assert made == FileContent("out/é b", content, is_executable)


def test_a_path_that_is_gathered_to_two_places_is_one_entry(rule_runner: RuleRunner) -> None:
    """The engine ends at a path that a digest has twice, and its run waits without end."""
    sha256 = hashlib.sha256(b"x").hexdigest()
    rule_runner.request(Digest, [CreateDigest([FileContent("elsewhere", b"x")])])
    files = [SourceFile(path, sha256, 1) for path in ("a/b", "a/c", "a/b")]
    digest = rule_runner.request(Digest, [CreateDigest(source_entries(files))])
    assert [file.path for file in rule_runner.request(DigestContents, [digest])] == ["a/b", "a/c"]
