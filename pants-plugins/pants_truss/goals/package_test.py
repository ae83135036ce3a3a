from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

import pytest
from pants.core.goals import package as pants_package
from pants.core.goals.package import BuiltPackage, Package
from pants.core.target_types import ArchiveTarget, FilesGeneratorTarget
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.engine.fs import EMPTY_DIGEST, DigestContents
from pants.engine.internals.parametrize import Parametrize
from pants.engine.internals.scheduler import ExecutionError
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.dependency_inference import truss as inference
from pants_truss.gather import gather, output_path
from pants_truss.gather.trusses_of_run import TrussesOfRun, TrussesOfRunRequest
from pants_truss.goals import package
from pants_truss.goals.package import (
    FalliblePackage,
    FalliblePackageRequest,
    TrussPackageFieldSet,
)
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget
from pants_truss.testutil.results import raised

# A server that needs no model class.
SERVER = "docker_server: {server_port: 8000}\n"
OPTIONS = ["--truss-lint-disable=['config-schema', 'model-class']"]


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *gather.rules(),
            *inference.rules(),
            *output_path.rules(),
            *package.rules(),
            *pants_package.rules(),
            QueryRule(BuiltPackage, [TrussPackageFieldSet]),
            QueryRule(FalliblePackage, [FalliblePackageRequest]),
            QueryRule(TrussesOfRun, [TrussesOfRunRequest]),
        ],
        target_types=[ArchiveTarget, FilesGeneratorTarget, TrussExternalPackageTarget, TrussTarget],
        objects={"parametrize": Parametrize},
    )


def write(rule_runner: RuleRunner, root: str, files: Dict[str, str]) -> None:
    rule_runner.write_files({f"{root}/{path}": text for path, text in files.items()})


def truss(
    rule_runner: RuleRunner, folder: str, build: str = "truss()", config: str = SERVER
) -> None:
    write(rule_runner, folder, {"BUILD": build, "config.yaml": config, "data/x.txt": "x\n"})


def build(
    rule_runner: RuleRunner, folder: str, *options: str, specs: Sequence[str] = ()
) -> BuiltPackage:
    """`specs` are those of the command line."""
    arguments = [*OPTIONS, *options, "package", *(specs or [f"{folder}::"])]
    rule_runner.set_options(arguments, env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    target = rule_runner.get_target(Address(folder))
    return rule_runner.request(BuiltPackage, [TrussPackageFieldSet.create(target)])


def tree(rule_runner: RuleRunner, built: BuiltPackage) -> Dict[str, Tuple[str, bool]]:
    contents = rule_runner.request(DigestContents, [built.digest])
    return {file.path: (file.content.decode(), file.is_executable) for file in contents}


def error(rule_runner: RuleRunner, folder: str, *options: str, specs: Sequence[str] = ()) -> str:
    with pytest.raises(ExecutionError) as caught:
        build(rule_runner, folder, *options, specs=specs)
    found = raised(caught)
    assert isinstance(found, InvalidTruss)
    return str(found)


MISSING = (
    "{0}:{1}: its config {0}/config.yaml does not exist. A truss "
    "needs one next to its BUILD file; `truss init` makes it."
)


def missing(folder: str) -> str:
    return MISSING.format(folder, folder.rpartition("/")[2])


NOTHING = "Nothing was written: what `dist/` holds is from earlier runs."


# --- The files that are written.


def test_the_gathered_truss_lies_in_a_folder_and_its_manifest_beside_it(
    rule_runner: RuleRunner,
) -> None:
    truss(rule_runner, "plain/t")
    write(rule_runner, "plain/t", {"run.sh": "#!/bin/sh\n"})
    Path(rule_runner.build_root, "plain/t/run.sh").chmod(0o755)
    built = build(rule_runner, "plain/t")
    found = tree(rule_runner, built)
    (text, _) = found.pop("plain.t/t.truss-manifest.json")
    (ignore, _) = found.pop("plain.t/t/.truss_ignore")
    assert found == {
        "plain.t/t/config.yaml": (SERVER, False),
        "plain.t/t/data/x.txt": ("x\n", False),
        "plain.t/t/run.sh": ("#!/bin/sh\n", True),
    }
    directory, manifest = built.artifacts
    assert (directory.relpath, manifest.relpath) == ("plain.t/t", "plain.t/t.truss-manifest.json")
    data = json.loads(text)
    size = sum(len(content) for content, _ in found.values()) + len(ignore)
    assert directory.extra_log_lines == (f"  4 files, {size} B, {data['tree_digest']}",)
    assert manifest.extra_log_lines == ()
    assert {key: data[key] for key in ("version", "target", "size", "requirements")} == {
        "version": 1,
        "target": "plain/t:t",
        "size": size,
        "requirements": [],
    }
    assert data["files"][-1] == {
        "path": "run.sh",
        "sha256": hashlib.sha256(b"#!/bin/sh\n").hexdigest(),
        "size": 10,
        "executable": True,
        "target": "plain/t:t",
        "source": "plain/t/run.sh",
        "reason": "truss",
    }


def test_what_external_packages_give_is_counted_in_their_order(rule_runner: RuleRunner) -> None:
    config = SERVER + "external_package_dirs: [../z, ../a, ../empty]\n"
    truss(rule_runner, "counts/t", config=config)
    for name, count in (("a", 1), ("z", 2), ("empty", 0)):
        files = {f"lib_{name}/{number}.txt": name for number in range(count)}
        build_file = {"BUILD": "truss_external_package()", "BUILD.x": ""}
        write(rule_runner, f"counts/{name}", {**build_file, **files})
    built = build(rule_runner, "counts/t")
    (line,) = built.artifacts[0].extra_log_lines
    assert line.startswith("  6 files, 2 from counts/z, 1 from counts/a, ")
    assert "counts/empty" not in line
    edited = tree(rule_runner, built)["counts.t/t/config.yaml"][0]
    assert edited == SERVER + "external_package_dirs: []\n"


def test_notes_follow_the_summary(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "notes/t", config=SERVER + "external_package_dirs: [../kit]\n")
    write(rule_runner, "notes/kit", {"BUILD": "truss_external_package()", "x.txt": "1"})
    write(rule_runner, "notes/t", {"packages/x.txt": "2"})
    built = build(rule_runner, "notes/t", "--truss-gather-package-collisions=warn")
    summary, note = built.artifacts[0].extra_log_lines
    assert summary.startswith("  4 files, 1 from notes/kit, ")
    assert note == (
        "  Warning: notes/kit/x.txt: packages/x.txt comes from more than one source: "
        "notes/t/packages/x.txt (notes/t:t), notes/kit/x.txt (notes/kit:kit). The last one wins. "
        "[collision]"
    )
    assert tree(rule_runner, built)["notes.t/t/packages/x.txt"] == ("1", False)


def test_the_goal_writes_it_to_dist(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "goal/t", "truss(output_path='made/here')")
    result = rule_runner.run_goal_rule(Package, global_args=OPTIONS, args=["goal/t"])
    assert result.exit_code == 0
    made = Path(rule_runner.build_root, "dist/made")
    written = sorted(p.relative_to(made).as_posix() for p in made.rglob("*") if p.is_file())
    assert written == [
        "here.truss-manifest.json",
        "here/.truss_ignore",
        "here/config.yaml",
        "here/data/x.txt",
    ]


def test_the_same_files_are_the_same_package(rule_runner: RuleRunner) -> None:
    names = ["b", "a/é x", "a/[q]", "Z"]
    found = []
    for folder, order in (("same_1/t", names), ("same_2/t", list(reversed(names)))):
        build_file = "truss(output_path='same_" + folder[5] + "')"
        truss(rule_runner, folder, build_file)
        for name in order:
            write(rule_runner, folder, {name: name})
        built = build(rule_runner, folder)
        found.append(built.artifacts[0].extra_log_lines[0])
    assert found[0] == found[1]
    assert found[0].startswith("  7 files, ")


def test_a_parametrized_truss_is_one_package_for_each(rule_runner: RuleRunner) -> None:
    build_file = "truss(config=parametrize(one='config.yaml', two='two.yaml'))"
    truss(rule_runner, "many/t", build_file)
    write(rule_runner, "many/t", {"two.yaml": SERVER + "model_name: two\n"})
    rule_runner.set_options(OPTIONS, env_inherit={"PATH"})
    configs = {}
    for value in ("one", "two"):
        target = rule_runner.get_target(Address("many/t", parameters={"config": value}))
        built = rule_runner.request(BuiltPackage, [TrussPackageFieldSet.create(target)])
        path = built.artifacts[0].relpath
        configs[path] = tree(rule_runner, built)[f"{path}/config.yaml"][0]
    assert configs == {
        "many.t/t@config=one": SERVER,
        "many.t/t@config=two": SERVER + "model_name: two\n",
    }


# --- Where it goes.


def test_a_place_of_another_truss(rule_runner: RuleRunner) -> None:
    for name, path in (("a", "out/x"), ("b", "out/x.tar/y")):
        truss(rule_runner, f"place/{name}", f"truss(output_path={path!r})")
    # One of them may be made a tar, with the suffix.
    assert error(rule_runner, "place/a") == (
        "place/a:a: its `output_path` 'out/x' overlaps that of "
        "place/b:b, 'out/x.tar/y': one would overwrite the other. Give it a folder of its "
        f'own: `output_path="place.a/a"`.\n\n{NOTHING}'
    )
    write(rule_runner, "place", {"b/BUILD": ""})
    assert build(rule_runner, "place/a").artifacts[0].relpath == "out/x"


# --- Errors of a tar come before anything is run for it.


@pytest.mark.parametrize("option", [True, False], ids=["by_option", "by_field"])
def test_a_tar_of_a_bad_truss(rule_runner: RuleRunner, option: bool) -> None:
    folder = f"bad_tar_{option}/t"
    field = "" if option else "output_format='tar'"
    write(rule_runner, folder, {"BUILD": f"truss({field})"})
    options = ["--truss-gather-output-format=tar"] if option else []
    assert error(rule_runner, folder, *options) == f"{missing(folder)}\n\n{NOTHING}"


def test_the_field_counts_more_than_the_option(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "format/t", "truss(output_format='directory')")
    built = build(rule_runner, "format/t", "--truss-gather-output-format=tar")
    assert built.artifacts[0].relpath == "format.t/t"
    assert "format.t/t/config.yaml" in tree(rule_runner, built)


# --- The error of one truss speaks for all of the run.


def run_of(rule_runner: RuleRunner, *specs: str) -> List[str]:
    rule_runner.set_options(["package", *specs], env_inherit={"PATH"})
    found = rule_runner.request(TrussesOfRun, [TrussesOfRunRequest()])
    return [target.address.spec for target in found.targets]


@pytest.fixture(scope="module")
def run(rule_runner: RuleRunner) -> str:
    """A folder with two trusses that can be packaged and three that cannot."""
    for name in ("good1", "good2"):
        truss(rule_runner, f"run/{name}")
    for name in ("bad1", "bad2", "deep/bad3"):
        write(rule_runner, f"run/{name}", {"BUILD": "truss()\nfiles(name='f', sources=['*'])"})
        write(rule_runner, f"run/{name}", {"x.txt": ""})
    return "run"


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        ([], []),
        (["run/good1"], ["run/good1:good1"]),
        (["run/bad1:f"], []),
        (["run:", "run/deep:"], []),
        (["run/deep::"], ["run/deep/bad3:bad3"]),
        (["run/bad2:bad2", "run/bad1", "run/bad1::"], ["run/bad1:bad1", "run/bad2:bad2"]),
        (
            ["run::", "-run/bad2", "-run/deep::"],
            ["run/bad1:bad1", "run/good1:good1", "run/good2:good2"],
        ),
        # By a file that it owns.
        (["run/good2/config.yaml"], ["run/good2:good2"]),
        # Pants itself fails on what is not there.
        (["run/good1", "run/nothing::"], ["run/good1:good1"]),
    ],
)
def test_the_trusses_of_the_command_line(
    rule_runner: RuleRunner, run: str, specs: List[str], expected: List[str]
) -> None:
    assert sorted(run_of(rule_runner, *specs)) == expected


HOW = " with `--truss-gather-keep-going`."


@pytest.mark.parametrize(
    ("specs", "bad", "fine"),
    [
        (["run/bad1"], ["bad1"], ""),
        (["run/bad1", "run/good1"], ["bad1"], " The other truss can be packaged" + HOW),
        (
            ["run/bad1", "run/good1", "run/good2"],
            ["bad1"],
            " The other 2 trusses can be packaged" + HOW,
        ),
        (["run/bad1", "run/bad2"], ["bad1", "bad2"], ""),
        (["run::"], ["bad1", "bad2", "deep/bad3"], " The other 2 trusses can be packaged" + HOW),
    ],
)
def test_one_error_reports_on_all_trusses(
    rule_runner: RuleRunner, run: str, specs: List[str], bad: List[str], fine: str
) -> None:
    parts = [missing(f"run/{name}") for name in bad]
    if len(bad) > 1:
        parts.insert(0, f"{len(bad)} trusses cannot be packaged.")
    expected = "\n\n".join([*parts, NOTHING + fine])
    assert error(rule_runner, "run/bad1", specs=specs) == expected
    # Whichever of them Pants meets first.
    if "deep/bad3" in bad:
        assert error(rule_runner, "run/deep/bad3", specs=specs) == expected


KEEP_GOING = "--truss-gather-keep-going"


def test_the_good_trusses_are_packaged_if_asked_for(rule_runner: RuleRunner, run: str) -> None:
    specs = ["run/bad1", "run/bad2", "run/good1", "run/good2"]
    for name in ("bad1", "bad2"):
        built = build(rule_runner, f"run/{name}", KEEP_GOING, specs=specs)
        assert (built.digest, built.artifacts) == (EMPTY_DIGEST, ())
    assert "run.good1/good1/config.yaml" in tree(
        rule_runner, build(rule_runner, "run/good1", KEEP_GOING, specs=specs)
    )
    last = build(rule_runner, "run/good2", KEEP_GOING, specs=specs)
    assert "run.good2/good2/config.yaml" in tree(rule_runner, last)
    *_, summary, errors = last.artifacts
    assert [str(line) for line in summary.extra_log_lines] == ["4 trusses: 2 rebuilt, 2 failed"]
    # Pants writes these lines last, and fails on it.
    with pytest.raises(InvalidTruss) as caught:
        str(errors.extra_log_lines[0])
    assert str(caught.value) == "\n\n".join(
        [
            "2 trusses cannot be packaged.",
            missing("run/bad1"),
            missing("run/bad2"),
            "The other 2 trusses are in `dist/`.",
        ]
    )


def test_a_failure_of_pants_is_one_bad_truss(rule_runner: RuleRunner, run: str) -> None:
    folder = "run/absent"
    build_file = "truss(dependencies=['//nope:x'])"
    rule_runner.write_files({f"{folder}/BUILD": build_file, f"{folder}/config.yaml": ""})
    specs = [folder, "run/good1"]
    assert build(rule_runner, folder, KEEP_GOING, specs=specs).digest == EMPTY_DIGEST
    last = build(rule_runner, "run/good1", KEEP_GOING, specs=specs)
    assert "run.good1/good1/config.yaml" in tree(rule_runner, last)
    with pytest.raises(InvalidTruss) as caught:
        str(last.artifacts[-1].extra_log_lines[0])
    assert str(caught.value).startswith("run/absent:absent: it cannot be gathered: ")
    assert "nope" in str(caught.value)
    rule_runner.write_files({f"{folder}/BUILD": ""})


@pytest.mark.parametrize("python", ["py38", "py27", '"3.11"'])
def test_an_unknown_python_is_one_bad_truss(rule_runner: RuleRunner, run: str, python: str) -> None:
    folder = f"run/a{''.join(filter(str.isalnum, python))}"
    config = f"python_version: {python}\n"
    rule_runner.write_files({f"{folder}/BUILD": "truss()", f"{folder}/config.yaml": config})
    specs = [folder, "run/good1"]
    built = build(rule_runner, folder, KEEP_GOING, specs=specs)
    assert (built.digest, built.artifacts) == (EMPTY_DIGEST, ())
    last = build(rule_runner, "run/good1", KEEP_GOING, specs=specs)
    with pytest.raises(InvalidTruss) as caught:
        str(last.artifacts[-1].extra_log_lines[0])
    value = python.strip('"')
    said = f"({folder}/config.yaml:1): `python_version` is the string '{value}', but must be one of"
    assert said in str(caught.value)
    rule_runner.write_files({f"{folder}/BUILD": ""})


def test_changed_trusses_speak_for_themselves(rule_runner: RuleRunner, run: str) -> None:
    """Pants does not say which these are."""
    changed = "--changed-since=HEAD"
    assert error(rule_runner, "run/bad1", changed) == f"{missing('run/bad1')}\n\n{NOTHING}"
    built = build(rule_runner, "run/bad1", changed, KEEP_GOING)
    assert built.digest == EMPTY_DIGEST
    with pytest.raises(InvalidTruss, match="The packages of the run that can be made"):
        str(built.artifacts[0].extra_log_lines[0])
    assert len(build(rule_runner, "run/good2", changed).artifacts) == 2


def test_nothing_goes_on_if_no_truss_can_be_packaged(rule_runner: RuleRunner, run: str) -> None:
    text = error(rule_runner, "run/bad2", KEEP_GOING, specs=["run/bad1", "run/bad2"])
    assert text.endswith(NOTHING)
    assert error(rule_runner, "run/bad1", KEEP_GOING).endswith(NOTHING)


def test_the_last_truss_sums_up_what_is_in_dist_already(rule_runner: RuleRunner, run: str) -> None:
    specs = ["run/good1", "run/good2"]

    def summary() -> str:
        *_, last = build(rule_runner, "run/good2", specs=specs).artifacts
        return "".join(map(str, last.extra_log_lines))

    assert summary() == "2 trusses: 2 rebuilt"
    first = build(rule_runner, "run/good1", specs=specs)
    assert len(first.artifacts) == 2
    manifest = first.artifacts[1].relpath
    assert manifest is not None
    content = tree(rule_runner, first)[manifest][0]
    rule_runner.write_files({f"dist/{manifest}": content})
    # The manifest alone is not the truss.
    assert summary() == "2 trusses: 2 rebuilt"
    rule_runner.write_files({f"dist/{first.artifacts[0].relpath}/config.yaml": ""})
    assert summary() == "2 trusses: 1 rebuilt, 1 unchanged"
    rule_runner.write_files({f"dist/{manifest}": content.replace("sha256:", "sha256:0")})
    assert summary() == "2 trusses: 2 rebuilt"
    rule_runner.write_files({f"dist/{manifest}": ""})


def test_a_package_that_holds_a_bad_truss_stops_the_run(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "held/a")
    write(rule_runner, "held/b", {"BUILD": "truss()"})
    write(rule_runner, "held/c", {"BUILD": "truss()"})
    build_file = "archive(name='zip', format='zip', packages=['held/b'])"
    write(rule_runner, "held", {"BUILD": build_file})
    for folder in ("held/b", "held/c"):
        if folder == "held/b":
            text = error(rule_runner, folder, KEEP_GOING, specs=["held::"])
            assert text.startswith("2 trusses cannot be packaged.") and NOTHING in text
        else:
            rule_runner.write_files({"held/BUILD": ""})
            assert build(rule_runner, "held/b", KEEP_GOING, specs=["held::"]).artifacts == ()


def test_several_things_that_are_wrong_with_one_truss(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "wrong/t", config="external_package_dirs: 3\nrequirements: x\n")
    text = error(rule_runner, "wrong/t")
    first, *lines, how, gap, last = text.split("\n")
    assert first == "wrong/t:t:"
    assert [line.partition(" ")[0] for line in lines] == [
        "wrong/t/config.yaml:1:",
        "wrong/t/config.yaml:2:",
    ]
    assert how == "To silence a rule, add it to `[truss-lint].disable`."
    assert (gap, last) == ("", NOTHING)


def test_an_error_lasts_no_longer_than_its_cause(rule_runner: RuleRunner) -> None:
    write(rule_runner, "fixed/t", {"BUILD": "truss()"})
    assert error(rule_runner, "fixed/t") == f"{missing('fixed/t')}\n\n{NOTHING}"
    truss(rule_runner, "fixed/t")
    assert build(rule_runner, "fixed/t").artifacts[0].relpath == "fixed.t/t"
    Path(rule_runner.build_root, "fixed/t/config.yaml").unlink()
    write(rule_runner, "fixed/t", {"BUILD": "truss(name='t')"})
    assert missing("fixed/t") in error(rule_runner, "fixed/t")


def test_names_in_notes_are_shown_as_no_terminal_obeys_them(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "names/t", config=SERVER + "external_package_dirs: [../kit]\n")
    name = "x\x1b[31m\n::error::.txt"
    write(rule_runner, "names/kit", {"BUILD": "truss_external_package()", name: "1"})
    write(rule_runner, "names/t", {f"packages/{name}": "2"})
    built = build(rule_runner, "names/t", "--truss-gather-package-collisions=warn")
    notes = built.artifacts[0].extra_log_lines[1:]
    shown = r"  Warning: names/kit/x\x1b[31m\n::error::.txt: "
    assert any(note.startswith(shown) for note in notes)
    lines = [line for note in notes for line in note.split("\n")]
    assert not any("\x1b" in line or line.startswith("::") for line in lines)
