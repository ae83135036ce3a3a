"""Tests what linting knows of a release, and what it says if releases differ."""

from __future__ import annotations

import json
from typing import Any, List

from pants_truss.core.lint.config_checks import check_config
from pants_truss.core.lint.release import ReleaseTables, any_release, default_release


def told(config: str, release: ReleaseTables) -> List[str]:
    return [f.message for f in check_config("t/config.yaml", config.encode(), release)]


def release_with(**changes: Any) -> ReleaseTables:
    table = {**json.loads(default_release().text), "version": "0.99.0"}
    return ReleaseTables(json.dumps({**table, **changes}))


def without_key(name: str) -> ReleaseTables:
    schema = json.loads(default_release().text)["schema"]
    del schema["root"]["properties"][name]
    return release_with(schema=schema)


def with_key(name: str) -> ReleaseTables:
    schema = json.loads(default_release().text)["schema"]
    schema["root"]["properties"][name] = {"type": "string"}
    return release_with(schema=schema)


def test_the_default_release() -> None:
    release = default_release()
    assert release.version.count(".") == 2
    assert release.python_versions and "py311" in release.python_versions
    assert release.accelerators and "H100" in release.accelerators
    assert release.weight_schemes and "hf" in release.weight_schemes
    assert len(release.server_constraints) > 10
    assert {"requirements", "model_name", "secrets"} <= set(release.top_level_keys)


def test_a_key_that_only_a_newer_release_has() -> None:
    assert told("brand_new: x\n", with_key("brand_new")) == []
    (message,) = told("brand_new: x\n", default_release())
    assert message == "unknown key `brand_new`; `truss push` rejects it."
    (message,) = told("brand_new: 3\n", with_key("brand_new"))
    assert message.startswith("`brand_new` must be a string")


def test_a_key_that_the_release_does_not_have_yet() -> None:
    (message,) = told("bdn: {}\n", without_key("bdn"))
    assert message == (
        "unknown key `bdn`; `truss push` rejects it. Truss 0.99.0, the release of `[truss-cli]`, "
        f"does not have it; Truss {default_release().version} does."
    )


def test_choices_are_those_of_the_release() -> None:
    release = release_with(
        python_versions=["py320"], accelerators=["Z9"], weight_schemes=["oci"], silent_models=[""]
    )
    config = (
        "python_version: py320\nresources: {accelerator: 'Z9:2'}\nno_such_key: 1\n"
        "weights: [{source: 'oci://a/b', mount_location: /w}]\n"
    )
    assert told(config, release) == ["unknown key `no_such_key`; it has no effect."]
    (message,) = told("resources: {accelerator: H100}\n", release)
    assert "must be one of Z9, with `:2`" in message
    (message,) = told("weights: [{source: 'hf://a/b', mount_location: /w}]\n", release)
    assert message.endswith("It must begin with one of oci://.")
    (message,) = told("python_version: py311\n", release)
    assert "must be one of py320." in message


def test_a_release_that_cannot_be_asked_accepts_what_nothing_is_known_of() -> None:
    config = (
        "python_version: py399\nresources: {accelerator: X}\nno_such_key: 1\n"
        "weights: [{source: 'x://a', mount_location: /w}]\n"
    )
    assert told(config, any_release()) == []
    (message,) = told("requirements: [a]\nrequirements_file: b\n", any_release())
    assert "exclude each other" in message
