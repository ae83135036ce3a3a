from __future__ import annotations

from typing import Any, Dict, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.lint.config_rules import rule_problems
from pants_truss.core.lint.finding import Severity
from pants_truss.core.lint.problem import Problem
from pants_truss.core.lint.release import default_release

RELEASE = default_release()


def of(*weights: Any) -> List[Problem]:
    return list(rule_problems({"weights": list(weights)}, RELEASE))


def of_source(source: Any) -> List[Problem]:
    return of({"source": source})


def of_mounts(*mounts: Any) -> List[Problem]:
    return of(*({"source": "hf://a/b", "mount_location": mount} for mount in mounts))


# --- Where weights come from.


@pytest.mark.parametrize("scheme", (RELEASE.weight_schemes or ()))
def test_a_source_of_each_scheme(scheme: str) -> None:
    assert not of_source(f"{scheme}://a/b") and not of_source(f"{scheme}://a")
    for rest in ("", "/", "/a/b"):
        (problem,) = of_source(f"{scheme}://{rest}")
        assert problem.key == ("weights", 0, "source")
        assert problem.message.endswith(f"after `{scheme}://`, such as `{scheme}://bucket/folder`.")
    revisions = of_source(f"{scheme}://a/b@main")
    if scheme in ("hf", "https"):
        assert not revisions
    else:
        assert "Only hf:// has revisions after `@`." in revisions[0].message


@pytest.mark.parametrize(
    "source",
    ["a/b", "hf", "hf:/a/b", "hf:a/b", "HF://a/b", "http://a/b", "file:///x", "ftp://a", "://a"]
    + ["xhf://a/b", " hf://a/b", "s3", "gcs://a/b", "/a/b", "@", "//a"],
)
def test_a_source_that_begins_otherwise(source: str) -> None:
    (problem,) = of_source(source)
    assert problem.key == ("weights", 0, "source")
    assert problem.message.startswith("`weights[0].source` is ")
    assert problem.message.endswith(
        "It must begin with one of azure://, cw://, gs://, hf://, https://, r2://, s3://."
    )


@pytest.mark.parametrize("source", ["", None, 5, ["hf://a"], {}])
def test_a_source_of_a_wrong_type_is_left_to_the_schema(source: Any) -> None:
    assert not of_source(source)


@pytest.mark.parametrize("source", ["http://u:hunter22@h", "s3://u:hunter22@h", "hunter22 token"])
def test_a_password_in_a_source_is_not_shown(source: str) -> None:
    (problem,) = of_source(source)
    assert "hunter22" not in problem.message and "is a string" in problem.message


def test_entries_that_are_no_mappings_count_too() -> None:
    (problem,) = of("x", None, {"source": "a"})
    assert problem.key == ("weights", 2, "source") and "`weights[2].source`" in problem.message
    assert not list(rule_problems({"weights": {"source": "a"}}, RELEASE))


# --- Where they are mounted.


@pytest.mark.parametrize("mount", ["x", "./x", "~/x", "../x", " /x", "C:/x"])
def test_a_mount_that_is_not_absolute(mount: str) -> None:
    (problem,) = of_mounts(mount)
    assert problem.key == ("weights", 0, "mount_location")
    assert problem.message.endswith("but must be absolute: begin it with `/`.")


@pytest.mark.parametrize("mount", ["", None, 5, ["/x"]])
def test_a_mount_of_a_wrong_type_is_left_to_the_schema(mount: Any) -> None:
    assert not of_mounts(mount, mount)


def test_a_mount_that_another_entry_has() -> None:
    second, third = of_mounts("/x", "/y", "/x/", "/z/../x")
    assert (second.key, third.key) == (
        ("weights", 2, "mount_location"),
        ("weights", 3, "mount_location"),
    )
    assert second.message == (
        "`weights[2].mount_location` is the string '/x/', as is that of `weights[0]`. Each needs "
        "a folder of its own."
    )
    assert "as is that of `weights[0]`" in third.message
    assert not of_mounts("/x", "/X", "/x/y", "/xy")


SPELLINGS = st.sampled_from(["/{}", "/{}/", "/./{}", "/{}//", "/{}/.", "/q/../{}"])


@given(st.lists(st.tuples(SPELLINGS, st.sampled_from(["a", "b", "a/b", "é", "a b"])), max_size=6))
def test_one_entry_of_each_mount_is_left_alone(mounts: List[Tuple[str, str]]) -> None:
    found = of_mounts(*(spelling.format(name) for spelling, name in mounts))
    assert len(found) == len(mounts) - len({name for _, name in mounts})
    for problem in found:
        same = [
            index for index, (_, name) in enumerate(mounts) if name == mounts[problem.key[1]][1]
        ]
        assert f"`weights[{same[0]}]`" in problem.message


# --- The older ways to have weights.

VOLUME: Dict[str, Any] = {"use_volume": True, "revision": "main", "volume_folder": "v"}


def errors(**config: Any) -> List[Problem]:
    return [p for p in rule_problems(config, RELEASE) if p.severity is Severity.ERROR]


@pytest.mark.parametrize("key", ["model_cache", "hf_cache"])
@pytest.mark.parametrize(
    ("entry", "missing"),
    [
        (VOLUME, []),
        ({"use_volume": False}, []),
        ({"repo_id": "a/b"}, []),
        ({**VOLUME, "volume_folder": None}, ["volume_folder"]),
        ({**VOLUME, "volume_folder": ""}, ["volume_folder"]),
        ({**VOLUME, "revision": ""}, ["revision"]),
        ({**VOLUME, "kind": "hf", "revision": None}, ["revision"]),
        ({**VOLUME, "kind": "gcs", "revision": None}, []),
        ({"use_volume": True}, ["volume_folder", "revision"]),
        ({"use_volume": True, "kind": "s3"}, ["volume_folder"]),
    ],
)
def test_what_a_volume_needs(key: str, entry: Dict[str, Any], missing: List[str]) -> None:
    found = errors(**{key: ["x", entry]})
    assert found == [
        Problem((key, 1), f"`{key}[1].{name}` is required with `use_volume: true`.")
        for name in missing
    ]


@pytest.mark.parametrize(
    "config",
    [
        {"model_cache": [VOLUME, {"use_volume": False}]},
        {"model_cache": [{}, VOLUME, VOLUME]},
        {"model_cache": [{}], "hf_cache": [VOLUME]},
    ],
)
def test_a_mix_of_entries_with_and_without_a_volume(config: Dict[str, Any]) -> None:
    (problem,) = errors(**config)
    assert problem.key == ("model_cache",)
    assert "`model_cache` mixes entries with and without `use_volume: true`" in problem.message


def test_no_mix() -> None:
    assert not errors(model_cache=[VOLUME, VOLUME])
    assert not errors(model_cache=[{}, {"use_volume": None}, {"use_volume": False}])


@pytest.mark.parametrize(
    ("config", "key", "successor"),
    [
        ({"hf_cache": [{}]}, "hf_cache", "`source: hf://owner/repo@revision`"),
        ({"model_cache": [{}]}, "model_cache", "`truss migrate` rewrites it"),
        ({"model_cache": [{}], "hf_cache": [{}]}, "hf_cache", "`mount_location`"),
    ],
)
def test_an_old_way_is_deprecated_once(config: Dict[str, Any], key: str, successor: str) -> None:
    (problem,) = rule_problems(config, RELEASE)
    assert (problem.key, problem.severity) == ((key,), Severity.WARNING)
    assert problem.message.startswith(f"`{key}` is deprecated. Use `weights`")
    assert successor in problem.message
    assert not list(rule_problems({key: []}, RELEASE))
