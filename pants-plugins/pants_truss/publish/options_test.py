from __future__ import annotations

from typing import Callable, Dict, List, Tuple

import pytest
from pants.engine.addresses import Address
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.rules import collect_rules
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.core.push import PushOptions
from pants_truss.goals import package
from pants_truss.publish import options
from pants_truss.publish.options import (
    PlacesOfRun,
    PlacesOfRunRequest,
    PushOptionsRequest,
    TrussPublishFieldSet,
    refuse_overlap,
)
from pants_truss.sources import config_file
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.subsystems.publish import TrussPublishSubsystem
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget
from pants_truss.testutil.results import raised


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *collect_rules(package),
            *options.rules(),
            *config_file.rules(),
            QueryRule(PlacesOfRun, [PlacesOfRunRequest]),
            QueryRule(PushOptions, [PushOptionsRequest]),
            QueryRule(TrussPublishSubsystem, []),
        ],
        target_types=[TrussTarget, TrussExternalPackageTarget],
    )


def write(rule_runner: RuleRunner, files: Dict[str, str]) -> None:
    rule_runner.write_files(files)
    rule_runner.set_options([])


def fields_of(rule_runner: RuleRunner, folder: str, name: str = "t") -> TrussPublishFieldSet:
    target = rule_runner.get_target(Address(folder, target_name=name))
    return TrussPublishFieldSet.create(target)


def push_options(
    rule_runner: RuleRunner, folder: str, fields: str = "", config: str = ""
) -> PushOptions:
    build = f"truss(name='t', {fields})"
    write(rule_runner, {f"{folder}/BUILD": build, f"{folder}/config.yaml": config})
    request = PushOptionsRequest(fields_of(rule_runner, folder))
    return rule_runner.request(PushOptions, [request])


def refusal(ask: Callable[[], object]) -> str:
    with pytest.raises(ExecutionError) as caught:
        ask()
    error = raised(caught)
    assert isinstance(error, InvalidTruss)
    return str(error)


def places(rule_runner: RuleRunner, *args: str) -> PlacesOfRun:
    rule_runner.set_options(args)
    return rule_runner.request(PlacesOfRun, [PlacesOfRunRequest()])


# --- Options of one push.


def test_options_from_the_config_alone(rule_runner: RuleRunner) -> None:
    found = push_options(rule_runner, "alone", config="# mine\nmodel_name: Größe 2\n")
    assert found == PushOptions("Größe 2")


def test_each_field_is_an_option(rule_runner: RuleRunner) -> None:
    fields = (
        "model_name='m', team='search', deployment_name='d.1', deployment_environment='staging',"
        "wait=True, wait_timeout=60, labels={'z': '1', 'a': '2'}, push_args=['--no-cache', '--a=b']"
    )
    assert push_options(rule_runner, "fields", fields) == PushOptions(
        model_name="m",
        team="search",
        deployment_name="d.1",
        environment="staging",
        promote=False,
        wait=True,
        wait_timeout=60,
        # The order of labels in a BUILD file does not change the deployment.
        labels=(("a", "2"), ("z", "1")),
        args=("--no-cache", "--a=b"),
    )
    assert push_options(rule_runner, "promote", "model_name='m', promote=True").promote


def test_the_name_of_the_field_overrides_that_of_the_config(rule_runner: RuleRunner) -> None:
    fields = "model_name='mine'"
    assert push_options(rule_runner, "both", fields, "model_name: theirs\n").model_name == "mine"
    # The config may even be invalid; gathering reports that.
    assert push_options(rule_runner, "unread", fields, "[\n").model_name == "mine"


def test_the_name_is_that_of_the_targets_own_config(rule_runner: RuleRunner) -> None:
    write(
        rule_runner,
        {
            "own/BUILD": "truss(name='t', config='prod.yaml')",
            "own/config.yaml": "model_name: default\n",
            "own/prod.yaml": "model_name: prod\n",
        },
    )
    request = PushOptionsRequest(fields_of(rule_runner, "own"))
    assert rule_runner.request(PushOptions, [request]).model_name == "prod"


@pytest.mark.parametrize("config", ["", "model_name:\n", "model_name: 3\n", "model_name: [a]\n"])
def test_a_push_without_a_name(rule_runner: RuleRunner, config: str) -> None:
    assert refusal(lambda: push_options(rule_runner, "nameless", config=config)) == (
        "nameless:t: a push needs a model name. Write "
        '`model_name: t` in nameless/config.yaml, or `model_name="t"` in the target.'
    )


@pytest.mark.parametrize(
    "name, end",
    [
        ("''", "must not be empty."),
        ("'  '", "must not be empty."),
        ("-x", "must not begin with `-`, but is '-x'."),
        (
            "'a\"b'",
            "must not contain the character '\"', but is 'a\"b'. Use, for example, 'a-b'.",
        ),
        (
            '"a\\nb"',
            r"must not contain the character '\n', but is 'a\nb'. Use, for example, 'a-b'.",
        ),
    ],
)
def test_a_name_in_the_config_that_cannot_be_pushed(
    rule_runner: RuleRunner, name: str, end: str
) -> None:
    assert refusal(lambda: push_options(rule_runner, "named", config=f"model_name: {name}\n")) == (
        f"named:t: `model_name` in named/config.yaml {end}"
    )


# The config is not read.
@pytest.mark.parametrize("config", ["model_name: m\n", "["])
def test_an_environment_besides_production(rule_runner: RuleRunner, config: str) -> None:
    fields = "promote=True, deployment_environment='staging'"
    assert refusal(lambda: push_options(rule_runner, "twice", fields, config)) == (
        "twice:t: `promote=True` means the environment `production`, "
        "but `deployment_environment` is 'staging'. Remove one of them."
    )


def test_production_by_its_name(rule_runner: RuleRunner) -> None:
    fields = "model_name='m', promote=False, deployment_environment='production'"
    found = push_options(rule_runner, "once", fields)
    assert (found.serves, found.promote) == ("production", False)


def test_a_missing_config(rule_runner: RuleRunner) -> None:
    write(rule_runner, {"gone/BUILD": "truss(name='t')"})
    request = PushOptionsRequest(fields_of(rule_runner, "gone"))
    assert refusal(lambda: rule_runner.request(PushOptions, [request])) == (
        "gone:t: its config gone/config.yaml does not exist. A truss "
        "needs one next to its BUILD file; `truss init` makes it."
    )


# --- Remotes.


@pytest.mark.parametrize(
    "fields, defaults, expected",
    [
        ("", [], ()),
        ("", ["a", "b"], ("a", "b")),
        ("remotes=[]", ["a", "b"], ()),
        ("remotes=['c', 'a']", ["a", "b"], ("c", "a")),
        ("remotes=['c']", [], ("c",)),
    ],
)
def test_remotes_of_the_target_replace_the_default(
    rule_runner: RuleRunner, fields: str, defaults: List[str], expected: Tuple[str, ...]
) -> None:
    rule_runner.write_files({"remotes/BUILD": f"truss(name='t', {fields})"})
    rule_runner.set_options([f"--truss-publish-default-remotes={defaults}"])
    subsystem = rule_runner.request(TrussPublishSubsystem, [])
    assert fields_of(rule_runner, "remotes").all_remotes(subsystem) == expected


# --- All trusses of the command line.


def test_the_places_of_a_run(rule_runner: RuleRunner) -> None:
    write(
        rule_runner,
        {
            "run/a/BUILD": (
                "truss(name='t', remotes=['one', 'two'], team='search', deployment_name='d')\n"
                "truss(name='prod', remotes=['one'], model_name='p', deployment_name='d',"
                " promote=True)\n"
                "truss(name='skipped', remotes=['one'], skip_push=True)\n"
                "truss_external_package(name='ext')\n"
            ),
            "run/a/config.yaml": "model_name: m\n",
            "run/b/BUILD": "truss(name='t', remotes=['one'], deployment_environment='staging',"
            " tags=['live'])",
            "run/b/config.yaml": "model_name: m\n",
        },
    )
    found = places(rule_runner, "run::")
    assert sorted(found.places, key=repr) == [
        (("one", "search", "m", None, "d"), Address("run/a", target_name="t")),
        (("one", None, "m", "staging", None), Address("run/b", target_name="t")),
        (("one", None, "p", "production", None), Address("run/a", target_name="prod")),
        (("two", "search", "m", None, "d"), Address("run/a", target_name="t")),
    ]
    assert [address.spec for _, address in places(rule_runner, "run/b:t").places] == ["run/b:t"]
    assert {a.spec for _, a in places(rule_runner, "run::", "-run/a:t").places} == {
        "run/a:prod",
        "run/b:t",
    }
    assert places(rule_runner).places == ()
    tagged = places(rule_runner, "--tag=live", "run::")
    assert [address.spec for _, address in tagged.places] == ["run/b:t"]
    # Pants does not say which trusses have changed.
    changed = places(rule_runner, "--changed-since=HEAD")
    assert set(found.places) <= set(changed.places)
    only = places(rule_runner, "--changed-since=HEAD", "--tag=live")
    assert [address.spec for _, address in only.places] == ["run/b:t"]


def test_trusses_that_are_not_pushed_need_no_name(rule_runner: RuleRunner) -> None:
    """`pants publish ::` covers all trusses of the repository."""
    files = {
        "nowhere/BUILD": "truss(name='a', remotes=[])\ntruss(name='b')\n"
        "truss(name='c', remotes=['one'], skip_push=True)\n",
        "nowhere/config.yaml": "",
    }
    write(rule_runner, files)
    assert places(rule_runner, "nowhere::").places == ()
    assert refusal(
        lambda: places(rule_runner, "--truss-publish-default-remotes=['one']", "nowhere:b")
    ).startswith("nowhere:b: a push needs a model name.")


def test_other_targets_have_no_places(rule_runner: RuleRunner) -> None:
    write(rule_runner, {"ext/BUILD": "truss_external_package(name='t')", "ext/x.py": ""})
    assert places(rule_runner, "ext::", "gone::").places == ()


# --- Two trusses for one place.


def overlap(rule_runner: RuleRunner, folder: str, *builds: str) -> Dict[str, str]:
    """Returns the message about each refused truss, by name."""
    build = "\n".join(builds)
    write(rule_runner, {f"{folder}/BUILD": build, f"{folder}/config.yaml": "model_name: m\n"})
    run = places(rule_runner, f"{folder}::")
    found = {}
    for name in sorted({address.target_name for _, address in run.places}):
        fields = fields_of(rule_runner, folder, name)
        push = rule_runner.request(PushOptions, [PushOptionsRequest(fields)])
        try:
            refuse_overlap(fields, push, run)
        except InvalidTruss as e:
            found[name] = str(e)
    return found


def test_two_trusses_for_one_place(rule_runner: RuleRunner) -> None:
    found = overlap(
        rule_runner,
        "same",
        "truss(name='a', remotes=['one', 'two'])",
        "truss(name='b', remotes=['two'])",
    )
    end = (
        "are both pushed to two as model m, so one would replace the other. Give one of them "
        "another `model_name`, `deployment_environment` or"
    )
    assert found == {
        "a": "same:a: the target and same:b " f'{end} `deployment_name="a"`.',
        "b": "same:b: the target and same:a " f'{end} `deployment_name="b"`.',
    }


def test_an_environment_has_one_deployment_whatever_it_is_called(rule_runner: RuleRunner) -> None:
    found = overlap(
        rule_runner,
        "environments",
        "truss(name='a', remotes=['one'], promote=True, deployment_name='x')",
        "truss(name='b', remotes=['one'], deployment_environment='production')",
        "truss(name='c', remotes=['one'], deployment_environment='staging')",
    )
    assert set(found) == {"a", "b"}


@pytest.mark.parametrize(
    "other",
    [
        "remotes=['two']",
        "remotes=['one'], model_name='other'",
        "remotes=['one'], team='other'",
        "remotes=['one'], deployment_name='other'",
        "remotes=['one'], deployment_environment='other'",
        "remotes=['one'], promote=True",
        "remotes=['one'], skip_push=True",
        "remotes=[]",
    ],
)
def test_two_trusses_for_different_places(rule_runner: RuleRunner, other: str) -> None:
    one = "truss(name='a', remotes=['one'])"
    assert overlap(rule_runner, "apart", one, f"truss(name='b', {other})") == {}


def test_one_truss_may_go_to_several_remotes(rule_runner: RuleRunner) -> None:
    assert overlap(rule_runner, "several", "truss(name='a', remotes=['one', 'two'])") == {}
