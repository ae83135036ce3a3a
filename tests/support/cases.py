"""Trusses for which Truss's own gather is sound: gathering them here must give the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Tuple, Union

Files = Dict[str, Union[str, bytes]]


@dataclass(frozen=True)
class Case:
    """`files` and the `links` (path -> target) are relative to the case's folder; the truss is in
    `truss/`, and each of `packages` is a folder with a `truss_external_package`. `{root}` in the
    config stands for the absolute path of the case's folder.
    """

    name: str
    config: str
    files: Files = field(default_factory=dict)
    packages: Tuple[str, ...] = ("ext",)
    executables: Tuple[str, ...] = ()
    links: Dict[str, str] = field(default_factory=dict)


ONE = "external_package_dirs: [../ext]\n"
PACKAGE: Files = {"ext/lib_a/__init__.py": "", "ext/lib_a/core.py": "A = 1\n"}

RICH_CONFIG = """\
# A config that uses much of the schema.
model_name: Détecteur — v2
description: |
  Several lines,
    one indented: external_package_dirs: [nothing]
model_metadata: {tags: [a, b], nested: {x: 1.5, y: null}}
python_version: py311
requirements:
  - numpy==1.26.4   # pinned
  - "torch>=2"
system_packages: [ffmpeg]
environment_variables: {FLAG: true, COUNT: 3, NAME: "x y"}
secrets:
  hf_access_token: null
resources:
  accelerator: L4:2
  cpu: "4"
  memory: 16Gi
  use_gpu: true
runtime:
  predict_concurrency: 4
  streaming_read_timeout: 120
build_commands:
  - 'echo "hello: world"'
external_package_dirs:
  - ../ext
  # nothing after this
base_image:
  image: python:3.11-slim
  python_executable_path: /usr/local/bin/python
"""

CASES = [
    Case("plain", "model_name: plain\n", packages=()),
    Case("empty_config", "", packages=()),
    Case("explicit_empty_list", "external_package_dirs: []  # none\n", packages=()),
    Case("bundled_only", "", {"truss/packages/own/__init__.py": "X = 1\n"}, packages=()),
    Case("one_package", ONE, PACKAGE),
    Case("module_at_top", ONE, {"ext/single.py": "S = 1\n"}),
    Case("nested_packages", ONE, {f"ext/a/{'b/' * n}__init__.py": f"# {n}\n" for n in range(10)}),
    Case("namespace_package", ONE, {"ext/ns/sub/mod.py": "N = 1\n"}),
    Case(
        "namespace_split",
        "external_package_dirs: [../one, ../two]\n",
        {"one/ns/first.py": "F = 1\n", "two/ns/second.py": "S = 2\n"},
        packages=("one", "two"),
    ),
    Case(
        "data_files",
        ONE,
        {"ext/d/t.json": "{}\n", "ext/d/b.bin": bytes(range(256)), "ext/t.txt": ""},
    ),
    Case(
        "three_dirs",
        "external_package_dirs:\n  - ../c\n  - ../a\n  - ../b\n",
        {f"{name}/{name}_lib/__init__.py": name for name in "abc"},
        packages=("a", "b", "c"),
    ),
    Case("same_dir_twice", "external_package_dirs: [../ext, ../ext/]\n", PACKAGE),
    Case(
        "dir_inside_truss",
        "external_package_dirs: [extra, ./extra/sub]\n",
        {"truss/extra/in_truss/__init__.py": "", "truss/extra/sub/deep.py": "D = 1\n"},
        packages=("truss/extra", "truss/extra/sub"),
    ),
    Case("absolute_path", "external_package_dirs: ['{root}/ext']\n", PACKAGE),
    Case("bundled_dir_set", ONE + "bundled_packages_dir: vendor\n", PACKAGE),
    Case(
        "bundled_dir_set_existing",
        "bundled_packages_dir: ./vendored/\n" + ONE,
        {**PACKAGE, "truss/vendored/own.py": "O = 1\n", "truss/packages/not_bundled.txt": "x"},
    ),
    Case(
        "merges_with_bundled",
        ONE,
        {**PACKAGE, "truss/packages/lib_a/more.py": "M = 1\n", "truss/packages/own.py": ""},
    ),
    Case(
        "identical_twice",
        "external_package_dirs: [../one, ../two]\n",
        {
            "one/p/same.py": "S = 1\n",
            "two/p/same.py": "S = 1\n",
            "truss/packages/p/same.py": "S = 1\n",
        },
        packages=("one", "two"),
    ),
    Case("unicode_names", ONE, {"ext/día/señal.py": "", "ext/文字/データ.json": "{}", "ext/😀.txt": "x"}),
    Case("spaces", ONE, {"ext/with space/a file.txt": "x", "truss/data/my model.bin": b"\0\1"}),
    Case(
        "odd_names",
        ONE,
        {
            f"ext/odd/{name}.txt": name
            for name in (
                "[x]",
                "a*b",
                "q?",
                "-dash",
                "#hash",
                "%41",
                "a'b",
                'a"b',
                "{c}",
                "$d",
                "!e",
                "~f",
                "a\\b",
            )
        },
    ),
    Case("line_break_in_name", ONE, {"ext/odd/two\nlines.txt": "x"}),
    Case(
        "modes",
        ONE,
        {**PACKAGE, "ext/tools/run.sh": "#!/bin/sh\n", "truss/data/go": "#!/bin/sh\n"},
        executables=("ext/tools/run.sh", "truss/data/go"),
    ),
    Case("empty_files", ONE, {"ext/e/__init__.py": "", "truss/data/empty": b""}),
    Case(
        "megabyte",
        ONE,
        {"ext/big/weights.bin": bytes(1_000_000), "truss/data/w.bin": b"w" * 600_000},
    ),
    Case("hidden_file", ONE, {**PACKAGE, "truss/.dockerignore": "x\n", "ext/.config": "y\n"}),
    Case(
        "upper_case_lib",
        ONE,
        {"ext/LIB/__init__.py": "", "ext/pkg/Build/x.py": "", "ext/lib.py": ""},
    ),
    Case(
        "deep_relative",
        "external_package_dirs: [../deep/er/../er/ext]\n",
        {"deep/er/ext/m.py": ""},
        packages=("deep/er/ext",),
    ),
    Case(
        "one_in_the_other",
        "external_package_dirs: [../shared, ../shared/inner]\n",
        {"shared/outer.py": "", "shared/inner/deep.py": ""},
        packages=("shared", "shared/inner"),
    ),
    Case(
        "model_module_dir",
        ONE + "model_module_dir: src_model\n",
        {**PACKAGE, "truss/src_model/model.py": "class Model: pass\n"},
    ),
    Case(
        "requirements_file",
        ONE + "requirements_file: reqs/requirements.txt\n",
        {**PACKAGE, "truss/reqs/requirements.txt": "numpy\n"},
    ),
    Case("data_dir", ONE + "data_dir: assets\n", {**PACKAGE, "truss/assets/v/1/w.bin": b"1"}),
    Case("examples", ONE, {**PACKAGE, "truss/examples.yaml": "- input: {x: 1}\n"}),
    Case(
        "file_link",
        ONE,
        PACKAGE,
        links={"ext/lib_a/alias.py": "core.py", "truss/data/up.py": "../../ext/lib_a/core.py"},
    ),
    Case(
        "folder_link_on_top",
        ONE,
        {**PACKAGE, "elsewhere/inner/z.py": "Z = 1\n"},
        links={"ext/linked": "../elsewhere"},
    ),
    Case("rich_config", RICH_CONFIG, PACKAGE),
    Case("block_style", "external_package_dirs:\n- ../ext\nmodel_name: x\n", PACKAGE),
    Case("block_last_no_newline", "model_name: x\nexternal_package_dirs:\n  - ../ext", PACKAGE),
    Case(
        "flow_over_lines", "external_package_dirs: [\n  ../ext,  # one\n]\nmodel_name: x\n", PACKAGE
    ),
    Case(
        "json_config",
        '{"model_name": "x", "external_package_dirs": ["../ext"], "requirements": []}',
        PACKAGE,
    ),
    Case("quoted_key", "'external_package_dirs': ['../ext']\n", PACKAGE),
    Case("explicit_key", "? external_package_dirs\n: - ../ext\nmodel_name: x\n", PACKAGE),
    Case("document_markers", "%YAML 1.1\n---\nexternal_package_dirs: [../ext]\n...\n", PACKAGE),
    Case("crlf", "# c\r\nexternal_package_dirs:\r\n  - ../ext\r\nmodel_name: x\r\n", PACKAGE),
    Case(
        "anchor_on_list",
        "external_package_dirs: &dirs\n  - ../ext\nmodel_metadata: {dirs: *dirs, again: *dirs}\n",
        PACKAGE,
    ),
    Case(
        "anchor_on_entry",
        "external_package_dirs: [&e ../ext]\nmodel_metadata: {first: *e, second: *e}\n",
        PACKAGE,
    ),
    Case(
        "alias_as_value",
        "model_metadata: {dirs: &d [../ext]}\nexternal_package_dirs: *d\n",
        PACKAGE,
    ),
    Case(
        "merge_key",
        "base: &base\n  external_package_dirs: [../ext]\n  model_name: merged\n<<: *base\ndescription: own\n",
        PACKAGE,
    ),
    Case(
        "merge_elsewhere",
        "base: &b {cpu: '2'}\nresources:\n  <<: *b\n  memory: 1Gi\nexternal_package_dirs: [../ext]\n",
        PACKAGE,
    ),
    Case("unknown_keys", "my_unknown: {a: [1]}\n" + ONE, PACKAGE),
    Case("folded_entry", "external_package_dirs:\n  - >-\n    ../ext\nmodel_name: x\n", PACKAGE),
    Case("tagged", "external_package_dirs: !!seq\n  - !!str ../ext\nmodel_name: x\n", PACKAGE),
]
