from __future__ import annotations

import hashlib

import pytest
from pants.engine.fs import CreateDigest, Digest, DigestContents, FileContent
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.core.gathered import GatheredFile
from pants_truss.sources.file_entries import entry_at


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
