"""Checks what both backends register: every rule, exactly once, and correct help texts."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import subprocess
import sys
from collections import Counter
from typing import Any, Dict, Iterator, List, Set, Tuple, Type

import pytest
from pants.backend.docker import register as docker
from pants.backend.python import register as python
from pants.build_graph.build_configuration import BuildConfiguration
from pants.core import register as core
from pants.core.goals.package import PackageFieldSet
from pants.core.goals.publish import PublishFieldSet
from pants.core.goals.run import RunFieldSet
from pants.core.goals.tailor import PutativeTargetsRequest
from pants.core.goals.test import TestFieldSet as FieldSetOfTests
from pants.engine.addresses import Address
from pants.engine.rules import TaskRule, collect_rules
from pants.engine.target import Target
from pants.engine.unions import UnionMembership, UnionRule
from pants.option.option_types import collect_options_info
from pants.option.subsystem import Subsystem

import pants_truss
from pants_truss import register
from pants_truss.image import register as image
from pants_truss.pants_api import HAS_CALL_BY_NAME
from pants_truss.target_types.truss import TrussTarget

BACKENDS: List[Any] = [register, image]
OWN = "pants_truss."
# Targets of the backend for trusses alone.
TARGETS = {"truss", "truss_external_package", "truss_training"}
SECTIONS = {
    "truss-cli", "truss-explain", "truss-gather", "truss-image-tool", "truss-lint",
    "truss-publish", "truss-server", "truss-test", "truss-uv", "truss-verify",
}  # fmt: skip
# The members that a target of each kind needs.
EXAMPLE: Dict[str, Dict[str, Any]] = {"truss_training": {"entry_point": "train.py"}}


def all_rules() -> List[object]:
    return [each for backend in BACKENDS for each in backend.rules()]


def all_targets() -> List[Type[Target]]:
    return [each for backend in BACKENDS for each in backend.target_types()]


def modules() -> Iterator[Any]:
    """Returns the source files. Files that run in the tool or in a truss are not part of Pants."""
    for found in pkgutil.walk_packages(pants_truss.__path__, OWN):
        last = found.name.rpartition(".")[2]
        if ".scripts" in found.name or last.endswith("_test") or last == "conftest":
            continue
        if ".testutil" in found.name:
            continue
        other_adapter = "_by_type" if HAS_CALL_BY_NAME else "_by_name"
        if last.endswith(other_adapter) or last in (
            "make_tar",
            "describe_release",
            "validate_config",
        ):
            continue
        yield importlib.import_module(found.name)


def subsystems() -> Set[Type[Subsystem]]:
    return {
        each
        for module in modules()
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Subsystem) and each.__module__[:12] == OWN
    }


# --- Rules.


@pytest.mark.parametrize("backend", BACKENDS, ids=["trusses", "images"])
def test_no_rule_comes_twice(backend: Any) -> None:
    rules = list(backend.rules())
    assert len({id(each) for each in rules}) == len(rules)
    # Pants hashes each rule in each run.
    assert backend.rules() is backend.rules()
    tasks = [each for each in rules if isinstance(each, TaskRule)]
    assert [each for each, count in Counter(tasks).items() if count > 1] == []


def test_rules_of_one_name_are_one_rule() -> None:
    """Both backends register shared rules, and Pants identifies rules by name."""
    by_name: Dict[str, Set[int]] = {}
    for each in all_rules():
        if isinstance(each, TaskRule) and each.canonical_name.startswith(OWN):
            by_name.setdefault(each.canonical_name, set()).add(id(each))
    assert len(by_name) > 100
    assert {name: ids for name, ids in by_name.items() if len(ids) > 1} == {}


def test_every_rule_is_registered() -> None:
    registered = {id(each) for each in all_rules()}
    written = [
        each.canonical_name
        for module in modules()
        for each in collect_rules(module)
        if isinstance(each, TaskRule)
        and each.canonical_name.startswith(OWN)
        and id(each) not in registered
    ]
    assert written == []


def selectors(task: Any) -> Tuple[type, ...]:
    """The types of the parameters, which have names since Pants 2.20."""
    return tuple(getattr(task, "input_selectors", None) or task.parameters.values())


def test_each_rule_is_for_one_request() -> None:
    """Pants before 2.30 cannot distinguish two rules with the same output and inputs."""
    own = {id(each): each for each in all_rules() if isinstance(each, TaskRule)}.values()
    made = Counter(
        (each.output_type, selectors(each)) for each in own if each.canonical_name.startswith(OWN)
    )
    assert [signature for signature, count in made.items() if count > 1] == []


@pytest.mark.parametrize(
    "backend, base, count",
    [
        (register, PackageFieldSet, 2),
        (register, RunFieldSet, 2),
        (register, FieldSetOfTests, 1),
        (register, PublishFieldSet, 1),
        (register, PutativeTargetsRequest, 1),
        (image, PackageFieldSet, 1),
        (image, RunFieldSet, 1),
        (image, PublishFieldSet, 1),
    ],
)
def test_the_plugin_joins_the_goals_of_pants(backend: Any, base: type, count: int) -> None:
    members = {
        each.union_member.__name__
        for each in backend.rules()
        if isinstance(each, UnionRule)
        and each.union_base is base
        and each.union_member.__module__.startswith(OWN)
    }
    assert len(members) == count, members


# --- Together.


@pytest.mark.parametrize(
    "names",
    [
        ["core", "python", "trusses"],
        ["core", "python", "trusses", "images"],
        ["images", "trusses", "python", "core"],
        ["core", "python", "docker", "trusses", "images"],
        ["images", "docker", "trusses", "python", "core"],
    ],
    ids=" ".join,
)
def test_backends_are_registered_together(names: List[str]) -> None:
    """Works in any order, with or without Docker: images register the Docker rules they call."""
    backends = {
        "core": core, "docker": docker, "images": image, "python": python, "trusses": register
    }  # fmt: skip
    builder = BuildConfiguration.Builder()
    for name in names:
        builder.register_rules(name, backends[name].rules())
        builder.register_target_types(name, backends[name].target_types())
    made = builder.create()
    aliases = [target.alias for target in made.target_types]
    assert len(set(aliases)) == len(aliases)
    images = "images" in names
    assert {each for each in aliases if each[:5] == "truss"} == TARGETS | (
        {"truss_image"} if images else set()
    )
    scopes = [each.options_scope for each in made.all_subsystems]
    assert len(set(scopes)) == len(scopes)
    # `pants help` shows which backend a section and a target come from.
    assert made.target_type_to_providers[TrussTarget] == ("trusses",)
    own = {scope for scope in scopes if scope[:5] == "truss"}
    assert own == SECTIONS | ({"truss-images"} if images else set())


def test_no_section_has_the_name_of_a_target() -> None:
    """Pants refuses such a section; Pants' own section names are taken too."""
    scopes = [each.options_scope for each in subsystems()]
    assert len(set(scopes)) == len(scopes) and all(scope[:6] == "truss-" for scope in scopes)
    assert not set(scopes) & {target.alias for target in all_targets()}


def test_each_section_is_registered() -> None:
    """Pants rejects an unregistered section in `pants.toml`, and no rule can request it."""
    asked = {
        selector
        for each in all_rules()
        if isinstance(each, TaskRule) and each.canonical_name.startswith(OWN)
        for selector in selectors(each)
        if issubclass(selector, Subsystem) and selector.__module__.startswith(OWN)
    }
    assert {each.options_scope for each in asked} == {each.options_scope for each in subsystems()}


# --- Targets.


def test_target_types() -> None:
    aliases = [target.alias for target in register.target_types()]
    assert aliases == ["truss", "truss_external_package", "truss_training"]
    assert [target.alias for target in image.target_types()] == ["truss_image"]


@pytest.mark.parametrize("target", all_targets(), ids=lambda target: target.alias)
def test_fields_of_a_target_have_distinct_names(target: Type[Target]) -> None:
    union = UnionMembership.from_rules(each for each in all_rules() if isinstance(each, UnionRule))
    names = [field.alias for field in target.class_field_types(union)]
    assert len(set(names)) == len(names) and {"tags", "description"} <= set(names)


# --- Help texts.


def described() -> Iterator[Tuple[str, str]]:
    """Yields all help texts of the plugin, each with the name of its owner."""
    for target in all_targets():
        yield target.alias, _text(target.help)
        for field in target.core_fields:
            if field.__module__.startswith(OWN):
                yield f"{target.alias}.{field.alias}", _text(field.help)
    for subsystem in subsystems():
        yield subsystem.options_scope, _text(subsystem.help)
        for name, option in options(subsystem).items():
            yield f"{subsystem.options_scope}.{name}", option


def options(subsystem: Type[Subsystem]) -> Dict[str, str]:
    """Returns the help texts by option name."""
    texts = {}
    for info in collect_options_info(subsystem):
        # The names up to Pants 2.22, and the names in later releases.
        names: Any = getattr(info, "flag_names", None) or getattr(info, "args", None)
        values: Any = getattr(info, "flag_options", None) or getattr(info, "kwargs", None)
        texts[names[0].lstrip("-").replace("-", "_")] = str(values["help"])
    return texts


def _text(text: Any) -> str:
    return str(text() if callable(text) else text)


TEXTS = dict(described())
ALIASES = {target.alias for target in all_targets()}


@pytest.mark.parametrize("name", TEXTS)
def test_help_texts_are_complete(name: str) -> None:
    text = TEXTS[name]
    assert text.strip() and text == text.strip()
    assert not re.search(r"TODO|XXX|FIXME|[Ll]orem|%s|<[A-Z_]+>", text)
    # Only an example has braces; any other is an unfilled placeholder.
    outside = re.sub(r"`[^`]*`|^    .*$", "", text, flags=re.MULTILINE)
    assert not set("{}") & set(outside)
    assert text.count("`") % 2 == 0
    assert outside.rstrip().endswith((".", ":")) or not outside.strip()


@pytest.mark.parametrize("name", TEXTS)
def test_options_named_in_help_texts_exist(name: str) -> None:
    by_scope = {each.options_scope: set(options(each)) for each in subsystems()}
    for scope, option in re.findall(r"\[(truss-[a-z-]+)\]\.([a-z_]+)", TEXTS[name]):
        assert option in by_scope[scope], f"[{scope}].{option}"
    for scope in re.findall(r"\[(truss-[a-z-]+)\](?!\.)", TEXTS[name]):
        assert scope in by_scope


def examples() -> Iterator[Tuple[str, str]]:
    """Yields the examples that create targets of the plugin."""
    for name, text in TEXTS.items():
        for block in re.findall(r"(?:^    .*\n?)+", text, re.MULTILINE):
            code = re.sub(r"^    ", "", block, flags=re.MULTILINE)
            if re.match(rf"(#.*\n)*({'|'.join(ALIASES)})\(", code) and ":\n" not in code:
                yield name, code


@pytest.mark.parametrize("name, code", examples())
def test_examples_are_valid_build_files(name: str, code: str) -> None:
    made: List[Target] = []
    classes = {target.alias: target for target in all_targets()}

    def maker(alias: str) -> Any:
        def make(**values: Any) -> None:
            address = Address("src/t", target_name=values.pop("name", "t"))
            made.append(classes[alias]({**EXAMPLE.get(alias, {}), **values}, address))

        return make

    scope: Dict[str, Any] = {alias: maker(alias) for alias in classes}
    exec(compile(code, name, "exec"), scope)
    assert made
    field = name.partition(".")[2]
    assert f"{field}=" in code or field in ("", "config", "sources")


def test_the_base_backend_imports_nothing_of_docker_or_images() -> None:
    """Runs in a separate interpreter, because other tests load everything."""
    code = "import sys, pants_truss.register as r; r.rules(); print(*sorted(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, env=environment
    ).stdout.decode()
    images = ("pants.backend.docker", f"{OWN}image")
    assert [name for name in loaded.split() if name.startswith(images)] == []
