"""Makes layers with the real script, on the Python of the tests."""

from __future__ import annotations

import gzip
import hashlib
from typing import Dict, List, Tuple, Union

import pytest
from pants.engine.fs import CreateDigest, Digest, FileContent, SymlinkEntry
from pants.testutil.rule_runner import QueryRule, RuleRunner, engine_error

from pants_truss.image import layer
from pants_truss.image.layer import ImageTime, ImageTimeRequest, MadeLayer, MakeLayerRequest
from pants_truss.script_tool.rules import ScriptFailed
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.testutil.image_layouts import unpacked
from pants_truss.testutil.images import new_image_runner
from pants_truss.testutil.results import contents

TYPE = "application/vnd.oci.image.layer.v1.tar"


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return new_image_runner(
        layer.rules(),
        QueryRule(ImageTime, [ImageTimeRequest]),
        QueryRule(MadeLayer, [MakeLayerRequest]),
    )


def file(path: str, content: str = "", is_executable: bool = False) -> FileContent:
    return FileContent(path, content.encode(), is_executable)


def make(
    rule_runner: RuleRunner,
    files: List[Union[FileContent, SymlinkEntry]],
    roots: Tuple[str, ...] = (),
    *options: str,
    epoch: str = "",
) -> Tuple[MadeLayer, bytes]:
    env = {"SOURCE_DATE_EPOCH": epoch} if epoch else {}
    rule_runner.set_options(options, env=env, env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    digest = rule_runner.request(Digest, [CreateDigest(files)])
    made = rule_runner.request(MadeLayer, [MakeLayerRequest("what it holds", digest, roots)])
    (blob,) = contents(rule_runner, made.digest).items()
    assert blob[0] == made.layer.descriptor.path
    return made, blob[1]


@pytest.mark.parametrize(
    ("options", "media_type"),
    [
        ([], f"{TYPE}+gzip"),
        (["--truss-images-compression=gzip", "--truss-images-compression-level=1"], f"{TYPE}+gzip"),
        (["--truss-images-compression=none"], TYPE),
    ],
)
def test_the_description_of_a_layer(
    rule_runner: RuleRunner, options: List[str], media_type: str
) -> None:
    made, blob = make(rule_runner, [file("app/a", "x" * 5000)], ("app",), *options)
    descriptor = made.layer.descriptor
    assert descriptor.media_type == media_type
    assert descriptor.digest == f"sha256:{hashlib.sha256(blob).hexdigest()}"
    assert descriptor.size == len(blob)
    tar = blob if media_type == TYPE else gzip.decompress(blob)
    assert made.layer.diff_id == f"sha256:{hashlib.sha256(tar).hexdigest()}"
    assert made.layer.comment == "what it holds"
    assert unpacked(blob) == {"app": ("d", b""), "app/a": ("f", b"x" * 5000)}


def test_the_compression_does_not_change_the_content(rule_runner: RuleRunner) -> None:
    files: List[Union[FileContent, SymlinkEntry]] = [file("a", "text " * 1000)]
    fast, fast_blob = make(rule_runner, files, (), "--truss-images-compression-level=1")
    best, best_blob = make(rule_runner, files, (), "--truss-images-compression-level=9")
    assert fast.layer.diff_id == best.layer.diff_id
    assert len(best_blob) < len(fast_blob)


def kinds(blob: bytes) -> Dict[str, str]:
    return {path: kind for path, (kind, _) in unpacked(blob).items()}


def test_only_folders_of_the_layer_are_in_it(rule_runner: RuleRunner) -> None:
    """Other folders have modes and owners in the base, which a layer would override."""
    files: List[Union[FileContent, SymlinkEntry]] = [
        file("opt/truss/server/pkg/m.py"),
        file("usr/bin/uvicorn", is_executable=True),
        file("usr/lib/python3.11/site-packages/x.pth"),
    ]
    _, blob = make(rule_runner, files, ("opt/truss",))
    assert kinds(blob) == {
        "opt/truss": "d",
        "opt/truss/server": "d",
        "opt/truss/server/pkg": "d",
        "opt/truss/server/pkg/m.py": "f",
        "usr/bin/uvicorn": "x",
        "usr/lib/python3.11/site-packages/x.pth": "f",
    }


def test_a_root_without_files_is_created(rule_runner: RuleRunner) -> None:
    _, blob = make(rule_runner, [file("app/model/model.py")], ("app", "packages"))
    assert kinds(blob) == {"app": "d", "app/model": "d", "app/model/model.py": "f", "packages": "d"}
    _, empty = make(rule_runner, [], ("app",))
    assert kinds(empty) == {"app": "d"}


def test_a_folder_that_only_begins_like_a_root_is_left_to_the_base(rule_runner: RuleRunner) -> None:
    _, blob = make(rule_runner, [file("apple/a"), file("app/a")], ("app",))
    assert kinds(blob) == {"app": "d", "app/a": "f", "apple/a": "f"}


def test_names_of_all_kinds(rule_runner: RuleRunner) -> None:
    names = ["-rf", ".hidden", "a b", "[q]*?", "Ärger", "日本", "two\nlines", "x" * 200, "-- x.sh"]
    _, blob = make(rule_runner, [file(f"app/{name}", name) for name in names], ("app",))
    expected = {f"app/{name}": ("f", name.encode()) for name in names}
    assert unpacked(blob) == {"app": ("d", b""), **expected}


@pytest.mark.parametrize("target", ["a", "../../etc/passwd", "/etc/passwd"])
def test_a_link_is_refused(rule_runner: RuleRunner, target: str) -> None:
    with engine_error(
        ScriptFailed, contains="'app/link' is a link, which an image cannot contain."
    ):
        make(rule_runner, [file("app/a"), SymlinkEntry("app/link", target)], ("app",))


def test_an_invalid_level(rule_runner: RuleRunner) -> None:
    with engine_error(
        InvalidTruss, contains="`[truss-images].compression_level` is 10, but gzip supports 1 to 9."
    ):
        make(rule_runner, [file("a")], (), "--truss-images-compression-level=10")


def epoch_of(rule_runner: RuleRunner, value: str) -> int:
    rule_runner.set_options([], env={"SOURCE_DATE_EPOCH": value})
    return rule_runner.request(ImageTime, [ImageTimeRequest()]).epoch


@pytest.mark.parametrize(
    ("value", "epoch"), [("", 0), ("0", 0), ("0007", 7), ("1700000000", 1700000000)]
)
def test_the_time_of_an_image(rule_runner: RuleRunner, value: str, epoch: int) -> None:
    assert epoch_of(rule_runner, value) == epoch


def test_the_last_second_of_a_plain_tar(rule_runner: RuleRunner) -> None:
    last = 8**11 - 1
    assert epoch_of(rule_runner, str(last)) == last
    with engine_error(InvalidTruss, contains=f"SOURCE_DATE_EPOCH is '{last + 1}', but"):
        epoch_of(rule_runner, str(last + 1))


@pytest.mark.parametrize("value", ["yesterday", "-1", "1.5", " 7", "7 ", "1_000", "0x7", "٧", "²"])
def test_invalid_times(rule_runner: RuleRunner, value: str) -> None:
    message = (
        f"The environment variable SOURCE_DATE_EPOCH is {value!r}, but must be a number of "
        f"seconds since 1970. For example, use the output of `git log -1 --format=%ct`."
    )
    with engine_error(InvalidTruss, contains=message):
        epoch_of(rule_runner, value)
    # No layer is made with a default time.
    with engine_error(InvalidTruss, contains=message):
        make(rule_runner, [file("a")], epoch=value)


def test_the_time_is_that_of_each_entry(rule_runner: RuleRunner) -> None:
    files: List[Union[FileContent, SymlinkEntry]] = [file("app/a"), file("app/b/c")]
    none, _ = make(rule_runner, files, ("app",))
    zero, _ = make(rule_runner, files, ("app",), epoch="0")
    later, blob = make(rule_runner, files, ("app",), epoch="1700000000")
    assert none == zero
    assert later.layer.diff_id != none.layer.diff_id
    assert gzip.decompress(blob).count(b"%o" % 1700000000) == 4
