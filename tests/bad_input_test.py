"""Bad input: one clear error, exit code 1, nothing written."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterator, Optional, Tuple, Union

import pytest

from support.monorepo import Monorepo, read_tree

BOMB = "a0: &a0 [x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)


@dataclass(frozen=True)
class Bad:
    """`message` holds `{dir}` for the folder of the case; `files` are relative to that."""

    name: str
    config: Optional[Union[str, bytes]]
    message: str
    build: str = "truss()\n"
    files: Dict[str, str] = field(default_factory=dict)
    links: Dict[str, str] = field(default_factory=dict)


EXT = "external_package_dirs: [../ext]\n"
PACKAGE = {"ext/BUILD": "truss_external_package()\n", "ext/m.py": ""}

CASES = [
    Bad("no_config", None, "its config {dir}/truss/config.yaml does not exist. A truss needs one"),
    Bad(
        "config_yml",
        None,
        "Rename config.yml to config.yaml",
        files={"truss/config.yml": ""},
    ),
    Bad(
        "other_config",
        None,
        "The folder has prod.yaml: set `config`",
        files={"truss/prod.yaml": ""},
    ),
    Bad(
        "config_outside",
        "",
        r"The 'config' field in target {dir}/truss:truss must be the path of a file in the truss",
        build='truss(config="../x.yaml")\n',
    ),
    Bad(
        "list_document",
        "- a\n",
        "config.yaml:1): it must be a mapping of keys to values, but it is a list (line 1",
    ),
    Bad("invalid_yaml", "a: 1\nb: [1\nc: 2\n", "(line 3, column 2)"),
    Bad(
        "duplicate_keys",
        "a: 1\na: 2\n",
        "the key `a` appears twice: line 1, column 1 and line 2, column 1",
    ),
    Bad("alias_bomb", BOMB, "its aliases expand to more than 20,000 values"),
    Bad(
        "unknown_tag",
        "a: !!python/object/apply:os.getcwd []\n",
        "could not determine a constructor for the tag",
    ),
    Bad("not_utf8", b"a: \xe9\n", "it is not UTF-8: byte 0xe9 in line 1"),
    Bad(
        "dirs_string",
        "external_package_dirs: ../ext\n",
        "is the string '../ext'. Write `external_package_dirs: [../ext]`",
    ),
    Bad("dirs_number", "external_package_dirs: 3\n", "is the number 3"),
    Bad("dirs_null", "external_package_dirs:\n", "is null"),
    Bad(
        "dirs_home",
        "external_package_dirs: [~/ext]\n",
        "begins with `~`, which Truss does not expand",
    ),
    Bad("dirs_missing", EXT, "means the folder {dir}/ext, which does not exist"),
    Bad(
        "dirs_misspelt",
        "a: 1\nexternal_package_dirs: [../ectension]\n",
        "({dir}/truss/config.yaml:2): `external_package_dirs` entry '../ectension' means the "
        "folder {dir}/ectension, which does not exist, or which Pants ignores "
        "(`[GLOBAL].pants_ignore` or git). Did you mean `../extension`?",
        files={"extension/m.py": "", "other/m.py": ""},
    ),
    Bad("dirs_file", EXT, "is a file, {dir}/ext. Name the folder", files={"ext": "x"}),
    Bad("dirs_itself", "external_package_dirs: [.]\n", "is the truss itself. Remove the entry"),
    Bad("dirs_ancestor", "external_package_dirs: [..]\n", "which holds the truss itself"),
    Bad("dirs_outside", "external_package_dirs: [../../../x]\n", "lies outside the build root"),
    Bad(
        "dirs_absolute_outside",
        "external_package_dirs: [/usr/lib]\n",
        "lies outside the build root (/usr/lib)",
    ),
    Bad(
        "dirs_no_target",
        EXT,
        "Run `pants tailor {dir}/ext`, or write this line into {dir}/ext/BUILD:\n\n    truss_external_package()",
        files={"ext/m.py": ""},
    ),
    Bad(
        "dirs_two_targets",
        EXT,
        "could mean several targets:\n  * {dir}/ext:a\n  * {dir}/ext:b",
        files={"ext/BUILD": 'truss_external_package(name="a")\ntruss_external_package(name="b")\n'},
    ),
    Bad(
        "bundled_absolute",
        "bundled_packages_dir: /x\n",
        "`bundled_packages_dir` must be a folder inside the truss, but is '/x'",
    ),
    Bad("bundled_parent", "bundled_packages_dir: ../x\n", "must be a folder inside the truss"),
    Bad("bundled_dot", "bundled_packages_dir: .\n", "must be a folder of its own in the truss"),
    Bad("bundled_model", "bundled_packages_dir: model\n", "overlaps `model_module_dir` 'model'"),
    Bad(
        "requirements_outside",
        "requirements_file: ../reqs.txt\n",
        "Move the file into the truss and write `requirements_file: reqs.txt`",
    ),
    Bad(
        "config_not_in_sources",
        "",
        "its `sources` leave out its config.yaml. Add 'config.yaml'",
        build='truss(sources=["model/*"])\n',
    ),
    Bad(
        "output_outside",
        "",
        "its `output_path` must be a folder below `dist/`",
        build='truss(output_path="../x")\n',
    ),
    Bad(
        "ignore_not_utf8", "", ".truss_ignore is not UTF-8", files={"truss/.truss_ignore": "\udcff"}
    ),
    Bad(
        "ignore_not_in_sources",
        "",
        "its `sources` leave out its .truss_ignore",
        build='truss(sources=["config.yaml"])\n',
        files={"truss/.truss_ignore": "x\n"},
    ),
    Bad(
        "ignore_invalid",
        "",
        "the ignore pattern 'foo\\\\' is not valid",
        files={"truss/.truss_ignore": "foo\\\n"},
    ),
    Bad(
        "dependency_excluded",
        EXT,
        "its `dependencies` exclude {dir}/ext:ext with `!`",
        build='truss(dependencies=["!dependency_excluded/ext"])\n',
        files=PACKAGE,
    ),
    Bad(
        "dirs_name_taken",
        EXT,
        '    truss_external_package(name="truss_external_package")',
        files={"ext/BUILD": "file(source='m.py')\n", "ext/m.py": ""},
    ),
    Bad("name_not_utf8", "", "has a name that is not UTF-8", files={"truss/x\udcff": ""}),
    Bad(
        "link_under_narrow_globs",
        "",
        "is a symlink to '/usr/lib', an absolute path",
        build='truss(sources=["config.yaml", "model/**/*.py"])\n',
        links={"truss/model/shared": "/usr/lib"},
    ),
    Bad(
        "link_broken",
        "",
        "{dir}/truss/l ({dir}/truss:truss) is a symlink to 'nowhere', which does not exist",
        links={"truss/l": "nowhere"},
    ),
    Bad(
        "link_absolute",
        "",
        "is a symlink to '/etc/passwd', an absolute path",
        links={"truss/l": "/etc/passwd"},
    ),
    Bad(
        "link_outside",
        "",
        "is a symlink to '../../../x', which leaves the build root",
        links={"truss/l": "../../../x"},
    ),
    Bad("link_cyclic", "", "a folder that holds the link: it has no end", links={"truss/l": "."}),
    Bad(
        "link_in_package",
        EXT,
        "{dir}/ext/l ({dir}/ext:ext) is a symlink to 'nowhere'",
        files=PACKAGE,
        links={"ext/l": "nowhere"},
    ),
    Bad(
        "link_to_ignored",
        "",
        "is a symlink to a file that Pants ignores",
        files={"ext/.hidden/x": ""},
        links={"truss/l": "../ext/.hidden/x"},
    ),
]


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monorepo]:
    base = tmp_path_factory.mktemp("bad")
    monorepo = Monorepo(base / "repo", base / "machine").configure()
    monorepo.truss("good")
    monorepo.pants("package", "good").assert_success()
    yield monorepo
    monorepo.stop_daemon()


def write(repo: Monorepo, case: Bad) -> None:
    for path, content in case.files.items():
        repo.write(f"{case.name}/{path}", content.encode("utf-8", "surrogateescape"))
    repo.write(f"{case.name}/truss/BUILD", case.build)
    repo.write(f"{case.name}/truss/model/model.py")
    if case.config is not None:
        repo.write(f"{case.name}/truss/config.yaml", case.config)
    for path, target in case.links.items():
        (repo.root / case.name / path).symlink_to(target)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_clear_error(case: Bad, repo: Monorepo) -> None:
    good = read_tree(repo.dist("good"))
    assert good
    write(repo, case)
    # By its address: where a folder is named, Pants itself stops at an absolute link in it.
    run = repo.pants("package", f"{case.name}/truss:truss").assert_failure()
    assert case.message.replace("{dir}", case.name) in run.stderr
    assert f"{case.name}/truss" in run.stderr
    assert run.stderr.count("[ERROR]") == 1
    assert "Traceback" not in run.stderr.replace("Engine traceback", "")
    assert not repo.dist(f"{case.name}.truss").exists()
    assert read_tree(repo.dist("good")) == good
    shutil.rmtree(repo.root / case.name)


def test_links_that_are_left_out_are_no_error(repo: Monorepo) -> None:
    repo.truss("left_out/truss")
    for name in ("a", "b/c", "venv/bin/python", "x.swp"):
        link = repo.root / "left_out/truss" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to("/usr/bin/nowhere")
    repo.write("left_out/truss/venv/pyvenv.cfg")
    repo.write("left_out/truss/.truss_ignore", "b/\n")
    repo.write("left_out/truss/BUILD", 'truss(sources=["**/*", "!a"])\n')
    repo.pants("package", "left_out/truss:truss").assert_success()
    shutil.rmtree(repo.root / "left_out")
    out = repo.dist("left_out.truss/truss")
    gathered = {path.relative_to(out).as_posix() for path in out.rglob("*")}
    assert gathered == {".truss_ignore", "config.yaml", "model", "model/model.py"}


@pytest.mark.parametrize("paths", [("same", "same"), ("outer", "outer/inner"), ("a/b", "a")])
def test_two_targets_with_one_output_path(repo: Monorepo, paths: Tuple[str, str]) -> None:
    repo.truss("outputs/truss")
    build = "".join(f'truss(name="t{i}", output_path="{path}")\n' for i, path in enumerate(paths))
    repo.write("outputs/truss/BUILD", build)
    run = repo.pants("package", "outputs/truss:").assert_failure()
    assert re.search(
        f"its `output_path` '{paths[0]}' overlaps that of outputs/truss:t1, '{paths[1]}'",
        run.stderr,
    )
    repo.write("outputs/truss/BUILD", "")


def test_an_error_speaks_for_all_trusses_of_the_run(repo: Monorepo) -> None:
    repo.truss("many/good")
    repo.truss("many/bad1", "external_package_dirs: 1\n")
    repo.truss("many/bad2", "external_package_dirs: 2\n")
    repo.truss("elsewhere/bad3", "external_package_dirs: 3\n")
    run = repo.pants("package", "many::").assert_failure()
    assert "2 trusses cannot be packaged." in run.stderr
    assert "is the number 1" in run.stderr and "is the number 2" in run.stderr
    assert "is the number 3" not in run.stderr
    assert "from earlier runs. The other truss can be packaged with " in run.stderr
    assert not repo.dist("many.good").exists()
    run = repo.pants("package", "--truss-gather-keep-going", "many::").assert_failure()
    assert "3 trusses: 1 rebuilt, 2 failed" in run.stderr
    assert "2 trusses cannot be packaged." in run.stderr
    assert repo.dist("many.good/good/config.yaml").exists()
    repo.pants("package", "many/good").assert_success()
    assert repo.dist("many.good/good/config.yaml").exists()


def test_an_excluding_dependency_disambiguates(repo: Monorepo) -> None:
    repo.truss("choice/truss", "external_package_dirs: [../ext]\n")
    repo.write("choice/ext/a.py")
    repo.write("choice/ext/b.py")
    repo.write(
        "choice/ext/BUILD",
        'truss_external_package(name="a", sources=["a.py"])\n'
        'truss_external_package(name="b", sources=["b.py"])\n',
    )
    for dependency, kept in (("choice/ext:a", "a.py"), ("!choice/ext:a", "b.py")):
        repo.write("choice/truss/BUILD", f'truss(dependencies=["{dependency}"])\n')
        repo.pants("package", "choice/truss").assert_success()
        packages = repo.dist("choice.truss/truss/packages")
        assert [path.name for path in packages.iterdir()] == [kept]


def test_warn_lists_all_and_the_later_wins(repo: Monorepo) -> None:
    repo.truss("warn/truss", "external_package_dirs: [../two, ../one]\n")
    repo.package("warn/one", {"x.py": "1"})
    repo.package("warn/two", {"x.py": "2"})
    repo.write("warn/truss/packages/x.py", "own")
    option = "--truss-gather-package-collisions=warn"
    run = repo.pants(option, "package", "warn/truss").assert_success()
    sources = run.stderr.partition("comes from more than one source: ")[2]
    order = [
        sources.index(f"warn/{name}") for name in ("truss/packages/x.py", "two/x.py", "one/x.py")
    ]
    assert order == sorted(order)
    assert Path(repo.dist("warn.truss/truss/packages/x.py")).read_text() == "1"


def test_default_paths_can_meet(repo: Monorepo) -> None:
    repo.write("out.x/BUILD", 'truss(name="t")\n')
    repo.write("out.x/config.yaml")
    repo.write("out/x/BUILD", 'truss(name="t")\n')
    repo.write("out/x/config.yaml")
    run = repo.pants("package", "out.x:t", "out/x:t").assert_failure()
    assert "its `output_path` 'out.x/t' overlaps that of out/x:t" in run.stderr
    shutil.rmtree(repo.root / "out.x")


def test_notes_are_shown_each_time(repo: Monorepo) -> None:
    repo.truss("notes/truss", "external_package_dirs: [../ext]\n")
    repo.package("notes/ext", {"x.py": "1"})
    repo.write("notes/truss/packages/x.py", "2")
    repo.write("notes/truss/model/.hidden/x")
    repo.write("notes/truss/.git/x")
    option = "--truss-gather-package-collisions=warn"
    for _ in range(2):
        run = repo.pants(option, "package", "notes/truss").assert_success()
        assert (
            "Warning: notes/ext/x.py: packages/x.py comes from more than one source" in run.stderr
        )
        assert "notes/truss/model/.hidden: the folder is left out, as Pants ignores" in run.stderr


def test_a_linked_build_file_is_fine(repo: Monorepo) -> None:
    repo.truss("linked/truss")
    (repo.root / "linked/truss/BUILD").rename(repo.root / "linked/template")
    (repo.root / "linked/truss/BUILD").symlink_to("../template")
    repo.pants("package", "linked/truss").assert_success()
    assert set(read_tree(repo.dist("linked.truss/truss"))) == {
        ".truss_ignore",
        "config.yaml",
        "model/model.py",
    }
