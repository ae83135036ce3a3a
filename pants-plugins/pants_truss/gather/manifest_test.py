from __future__ import annotations

import json

from pants.engine.fs import CreateDigest, Digest, DigestContents, FileContent
from pants.testutil.rule_runner import QueryRule, RuleRunner
from pants.util.frozendict import FrozenDict

from pants_truss.core.gathered import GatheredFile, GatheredRequirement
from pants_truss.core.import_walk import WalkedGraph
from pants_truss.core.truss_config import TrussConfig
from pants_truss.gather.gather import GatheredTruss
from pants_truss.gather.manifest import manifest_file
from pants_truss.imports.import_closure import ImportClosure
from pants_truss.sources.config_file import TrussConfigFile


def gathered(*files: GatheredFile) -> GatheredTruss:
    return GatheredTruss(
        Digest("0" * 64, 0),
        "tree",
        files,
        FrozenDict(),
        FrozenDict(),
        TrussConfigFile("src/a/config.yaml", b"", TrussConfig()),
        b"",
        ImportClosure((), (), WalkedGraph((), (), (), ()), ()),
        (GatheredRequirement("numpy==1", "lock", None),),
        (),
    )


FILE = GatheredFile("é x.py", "00ff", 3, True, None, "src/é x.py", "truss")


def test_the_engine_takes_it_for_a_file() -> None:
    rule_runner = RuleRunner(
        rules=[QueryRule(Digest, [CreateDigest]), QueryRule(DigestContents, [Digest])]
    )
    truss = gathered(FILE)
    digest = rule_runner.request(
        Digest,
        [CreateDigest([manifest_file("out/é.json", "a:b", truss), FileContent("x", b"")])],
    )
    x, made = sorted(
        rule_runner.request(DigestContents, [digest]),
        key=lambda file: file.path,
        reverse=True,
    )
    assert (made.path, made.is_executable) == ("out/é.json", False)
    assert json.loads(made.content) == {
        "version": 1,
        "target": "a:b",
        "tree_digest": "tree",
        "size": 3,
        "files": [
            {
                "path": "é x.py",
                "sha256": "00ff",
                "size": 3,
                "executable": True,
                "target": None,
                "source": "src/é x.py",
                "reason": "truss",
            }
        ],
        "requirements": [{"requirement": "numpy==1", "origin": "lock", "reason": None}],
    }


def test_equal_requests_are_made_once_and_others_are_not() -> None:
    one, same = manifest_file("m", "a:b", gathered(FILE)), manifest_file("m", "a:b", gathered(FILE))
    assert one == same and hash(one) == hash(same)
    others = [
        manifest_file("n", "a:b", gathered(FILE)),
        manifest_file("m", "a:c", gathered(FILE)),
        manifest_file("m", "a:b", gathered()),
    ]
    assert one not in others
