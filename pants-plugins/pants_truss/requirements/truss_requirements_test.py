"""Requirements of trusses: from the config, and from lockfiles of both formats."""

from __future__ import annotations

import json
from typing import Dict, List

import pytest
import yaml
from pants.engine.fs import DigestContents
from pants.testutil.rule_runner import RuleRunner, engine_error

from pants_truss.gather.gather import GatheredTruss
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.testutil.rule_runners import gather_truss, new_rule_runner, write

RESOLVES = [
    "--python-enable-resolves",
    "--python-resolves={'models': 'r/models.lock', 'other': 'r/other.lock'}",
    "--python-default-resolve=models",
]
LOCKFILE = """\
joblib==1.3.0
    # via scikit-learn
numpy==1.26.4
    # via
    #   scikit-learn
    #   scipy
pyyaml==6.0
    # via -r requirements.in
scikit-learn==1.4.0
    # via -r requirements.in
scipy==1.11.0
    # via scikit-learn
types-pyyaml==6.0
    # via -r requirements.in
unrelated==1.0
    # via -r requirements.in
"""
REQUIREMENTS = """\
python_requirement(name='numpy', requirements=['numpy>=1.20'])
python_requirement(name='sklearn', requirements=['scikit-learn'])
python_requirement(name='yaml', requirements=['PyYAML'])
python_requirement(name='tomlkit', requirements=['tomlkit'])
python_requirement(name='types', requirements=['types-PyYAML'])
python_requirement(name='theirs', requirements=['theirs'], resolve='other')
"""


ABSENT = "absent"


@pytest.fixture
def rule_runner() -> RuleRunner:
    return new_rule_runner()


def gather(
    rule_runner: RuleRunner, files: Dict[str, str], mode: str = "lockfile", *options: str
) -> GatheredTruss:
    defaults = {
        "truss/config.yaml": "python_version: py311\n",
        "truss/model/model.py": "import sklearn.svm",
        "models.lock": LOCKFILE,
        "3rdparty/BUILD": REQUIREMENTS,
    }
    all_files = {path: text for path, text in {**defaults, **files}.items() if text != ABSENT}
    folder = write(rule_runner, "r", all_files, f"truss(requirements='{mode}')")
    return gather_truss(rule_runner, folder, *RESOLVES, *options)


def config_text(rule_runner: RuleRunner, gathered: GatheredTruss) -> str:
    contents = rule_runner.request(DigestContents, [gathered.digest])
    (config,) = [file for file in contents if file.path == "config.yaml"]
    return config.content.decode()


def pins(rule_runner: RuleRunner, gathered: GatheredTruss) -> List[str]:
    return list(yaml.safe_load(config_text(rule_runner, gathered))["requirements"])


def test_pins_of_what_the_code_imports(rule_runner: RuleRunner) -> None:
    gathered = gather(rule_runner, {})
    assert config_text(rule_runner, gathered) == (
        "requirements: [\n"
        '    "joblib==1.3.0",\n'
        '    "numpy==1.26.4",\n'
        '    "scikit-learn==1.4.0",\n'
        '    "scipy==1.11.0",\n'
        "  ]\n"
        "python_version: py311\n"
    )
    assert [(r.requirement, r.origin, r.reason) for r in gathered.requirements] == [
        ("joblib==1.3.0", "r/models.lock", "required by scikit-learn"),
        ("numpy==1.26.4", "r/models.lock", "required by scikit-learn"),
        ("scikit-learn==1.4.0", "r/models.lock", "imported by r/truss/model/model.py"),
        ("scipy==1.11.0", "r/models.lock", "required by scikit-learn"),
    ]


def test_what_the_config_lists_and_what_shared_code_imports(rule_runner: RuleRunner) -> None:
    config = (
        "python_version: py311\n"
        "# The list.\n"
        "requirements:  # these\n"
        "  - numpy>=1.20  # loose\n"
        "  - --extra-index-url https://host/simple\n"
        "  - git+https://host/tool.git@v1\n"
        "  - ''\n"
        "resources: {}\n"
    )
    files = {
        "truss/config.yaml": config,
        "truss/model/model.py": "import shared_code",
        "shared/shared_code.py": "import yaml",
    }
    gathered = gather(rule_runner, files)
    assert pins(rule_runner, gathered) == [
        "--extra-index-url https://host/simple",
        "numpy==1.26.4",
        "pyyaml==6.0",
        "git+https://host/tool.git@v1",
    ]
    text = config_text(rule_runner, gathered)
    assert text.startswith("python_version: py311\n# The list.\nrequirements: [")
    assert text.endswith("resources: {}\n")
    (note,) = gathered.notes
    assert "git+https://host/tool.git@v1 does not say which distribution it is" in note


def test_a_pex_lockfile(rule_runner: RuleRunner) -> None:
    def locked(name: str, *requires: str) -> Dict[str, object]:
        artifact = {"algorithm": "sha256", "hash": "0", "url": f"https://host/{name}.whl"}
        return {
            "project_name": name,
            "version": "1",
            "requires_dists": requires,
            "artifacts": [artifact],
        }

    requirements = [
        locked("scikit-learn", "new; python_version >= '3.11'", "old; python_version < '3.11'"),
        locked("new", "windows; sys_platform == 'win32'"),
        locked("old"),
        locked("windows"),
    ]
    data = {"locked_resolves": [{"locked_requirements": requirements}], "requirements": []}
    files = {"models.lock": f"// Pants\n{json.dumps({**data, 'requires_python': ['>=3.9']})}"}
    assert pins(rule_runner, gather(rule_runner, files)) == ["new==1", "scikit-learn==1"]
    with_other_python = {**files, "truss/config.yaml": "python_version: py310\n"}
    assert pins(rule_runner, gather(rule_runner, with_other_python)) == [
        "old==1",
        "scikit-learn==1",
    ]


@pytest.mark.parametrize("mode", ["config", "lockfile"])
def test_credentials_stay_in_the_config(rule_runner: RuleRunner, mode: str) -> None:
    option = "--extra-index-url https://me:s3cret@host/simple"
    files = {
        "truss/config.yaml": (
            f"python_version: py311\nrequirements: ['{option}', git+https://t0ken@host/q.git]\n"
        )
    }
    gathered = gather(rule_runner, files, mode)
    assert {option, "git+https://t0ken@host/q.git"} <= set(pins(rule_runner, gathered))
    shown = f"{gathered.requirements} {gathered.notes}"
    assert "s3cret" not in shown and "t0ken" not in shown and "https://***@host/simple" in shown


def test_a_truss_without_requirements(rule_runner: RuleRunner) -> None:
    gathered = gather(rule_runner, {"truss/model/model.py": ""})
    assert config_text(rule_runner, gathered) == "python_version: py311\n"


ERRORS = {
    "missing": (
        {"models.lock": ABSENT},
        "the lockfile r/models.lock of the resolve models does not exist. Run `pants "
        "generate-lockfiles --resolve=models`.",
    ),
    "unknown": (
        {"models.lock": '[[package]]\nname = "a"\nversion = "1"\n'},
        "the lockfile r/models.lock of the resolve models is a poetry.lock, a format that is not",
    ),
    "stale": (
        {"models.lock": "numpy==1.26.4\n"},
        "'scikit-learn' (r/3rdparty:sklearn) needs scikit-learn, but the lockfile r/models.lock "
        "(resolve models) does not have it for this Python on Linux.",
    ),
    "stale version": (
        {"truss/model/model.py": "import numpy", "models.lock": "numpy==1.19\n"},
        "'numpy>=1.20' (r/3rdparty:numpy) contradicts the lockfile r/models.lock (resolve models), "
        "which has numpy==1.19.",
    ),
    "contradiction": (
        {"truss/config.yaml": "python_version: py311\nrequirements: [numpy==1.20.0]\n"},
        "'numpy==1.20.0' (r/truss/config.yaml) contradicts the lockfile r/models.lock (resolve "
        "models), which has numpy==1.26.4.",
    ),
    "no requirement": (
        {"truss/config.yaml": "python_version: py311\nrequirements: [num py]\n"},
        "r/truss/config.yaml: 'num py' is not a requirement",
    ),
    "both": (
        {
            "truss/config.yaml": "requirements_file: ./requirements.txt\n",
            "truss/requirements.txt": "",
        },
        'it has `requirements="lockfile"`, and r/truss/config.yaml has `requirements_file: '
        "requirements.txt`. Remove one of the two.",
    ),
    "marker": (
        {"truss/config.yaml": "python_version: py311\nrequirements: ['a; os_name ~= \"x\"']\n"},
        "'a; os_name ~= \"x\"' has a marker that cannot be evaluated",
    ),
    "python, with a typing error": (
        {"truss/config.yaml": "python_version: py31\n"},
        "(r/truss/config.yaml:1): `python_version` is the string 'py31', but must be one of py39",
    ),
    "python": (
        {"truss/config.yaml": "python_version: '3.11'\n"},
        "(r/truss/config.yaml:1): `python_version` is the string '3.11', but must be one of py39",
    ),
    "other resolve": (
        {
            "shared/BUILD": "python_sources(dependencies=['r/3rdparty:theirs'])",
            "shared/a.py": "",
            "truss/model/model.py": "import a",
        },
        "its resolve is models, but 'theirs' (r/3rdparty:theirs, explicit dependency) belongs to "
        "the resolve other.",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_does_not_fit_is_one_error(rule_runner: RuleRunner, name: str) -> None:
    files, message = ERRORS[name]
    gap = " " if message.startswith("(") else ": "
    with engine_error(InvalidTruss, contains=f"r/truss:truss{gap}{message}"):
        gather(rule_runner, files)


def test_a_default_resolve_that_does_not_exist(rule_runner: RuleRunner) -> None:
    with engine_error(InvalidTruss, contains="its resolve is python-default, which `[python].reso"):
        # No target owns the model, so nothing says which resolve.
        folder = write(rule_runner, "r", {}, "truss(requirements='lockfile')")
        gather_truss(rule_runner, folder, *RESOLVES[:2])


def test_a_lockfile_outside_the_build_root(rule_runner: RuleRunner) -> None:
    with engine_error(
        InvalidTruss, contains="is ../models.lock, which lies outside the build root"
    ):
        folder = write(rule_runner, "r", {}, "truss(requirements='lockfile')")
        options = [option.replace("r/models", "../models") for option in RESOLVES]
        gather_truss(rule_runner, folder, *options)


def test_an_entry_with_several_lines(rule_runner: RuleRunner) -> None:
    files = {
        "truss/config.yaml": "python_version: py311\nrequirements:\n  - |\n    numpy\n    scikit-learn\n"
    }
    assert gather(rule_runner, files, "config").notes == ()
    assert "scipy==1.11.0" in pins(rule_runner, gather(rule_runner, files))


def test_a_file_that_is_included_is_reported(rule_runner: RuleRunner) -> None:
    files = {"truss/config.yaml": "python_version: py311\nrequirements: ['-r /opt/other.txt']\n"}
    (note,) = gather(rule_runner, files).notes
    assert note.startswith(
        "Warning: r/truss/config.yaml: what '-r /opt/other.txt' brings is not pinned."
    )


def test_a_file_of_the_truss_that_is_included(rule_runner: RuleRunner) -> None:
    files = {"truss/config.yaml": "python_version: py311\nrequirements: ['-r other.txt']\n"}
    text = "'-r other.txt' reads 'other.txt', which is not in the image"
    for mode in ("lockfile", "config"):
        with engine_error(InvalidTruss, contains=text):
            gather(rule_runner, files, mode)


# --- Pins that an image could not install.


def test_a_pin_contradicts_the_model_server(rule_runner: RuleRunner) -> None:
    files = {
        "models.lock": "msgpack==1.0.5\n",
        "truss/model/model.py": "",
        "truss/config.yaml": "python_version: py311\nrequirements: [msgpack]\n",
    }
    with engine_error(InvalidTruss, contains="`msgpack==1.0.5` and `msgpack==1.1.0`. Change the"):
        gather(rule_runner, files)
    # Another server has no such bounds.
    files["truss/config.yaml"] += "docker_server: {start_command: x, server_port: 1}\n"
    assert pins(rule_runner, gather(rule_runner, files)) == ["msgpack==1.0.5"]


def test_a_file_of_this_machine_is_not_a_pin(rule_runner: RuleRunner) -> None:
    url = "scikit-learn @ file:///home/me/wheels/scikit_learn-1.0-py3-none-any.whl"
    files = {"models.lock": f"{url}\nunused @ file:///home/me/unused.whl\n"}
    with engine_error(InvalidTruss, contains="is a file of one machine"):
        gather(rule_runner, files)
    # The config's own may be in the base image.
    mine = "python_version: py311\nrequirements: ['numpy @ file:///opt/numpy.whl']\n"
    files = {"truss/config.yaml": mine, "truss/model/model.py": ""}
    assert "numpy @ file:///opt/numpy.whl" in pins(rule_runner, gather(rule_runner, files))


UV_LOCK = """\
version = 1

[[package]]
name = "scikit-learn"
version = "1.4.0"
source = { registry = "https://me:s3cret@own.example/simple" }
dependencies = [{ name = "numpy" }]

[[package]]
name = "numpy"
version = "1.26.4"
source = { registry = "https://pypi.org/simple" }
"""


def test_a_pin_of_another_index_is_reported(rule_runner: RuleRunner) -> None:
    (note,) = gather(rule_runner, {"models.lock": UV_LOCK}).notes
    assert note.startswith(
        "Warning: r/truss/config.yaml: the lockfile r/models.lock (resolve models) has "
        "scikit-learn==1.4.0 from https://own.example, but an image asks PyPI for it, where a "
        "distribution of the same name may be a stranger's. Add `--extra-index-url URL` to "
    )
    config = "python_version: py311\nrequirements: ['--extra-index-url https://own.example/s']\n"
    files = {"models.lock": UV_LOCK, "truss/config.yaml": config}
    assert gather(rule_runner, files).notes == ()


def test_a_repository_without_resolves(rule_runner: RuleRunner) -> None:
    with engine_error(InvalidTruss, contains="Set `[python].enable_resolves` and"):
        gather(rule_runner, {}, "lockfile", "--no-python-enable-resolves")


# --- `requirements="config"`.


def test_the_configs_list_stays_and_what_it_lacks_is_reported(rule_runner: RuleRunner) -> None:
    config = "# mine\nrequirements: [numpy]\n"
    files = {
        "truss/config.yaml": config,
        "truss/model/model.py": "import numpy\nimport sklearn.svm\nimport tomlkit",
    }
    gathered = gather(rule_runner, files, "config")
    assert config_text(rule_runner, gathered) == config
    assert gathered.notes == (
        "Warning: r/truss/config.yaml: r/truss/model/model.py imports `sklearn`, but `requirements` in "
        "r/truss/config.yaml lacks its distribution scikit-learn. Add 'scikit-learn' to it, or set "
        '`requirements="lockfile"` on the target. [missing-requirement]',
        "Warning: r/truss/config.yaml: r/truss/model/model.py imports `tomlkit`, but `requirements` "
        "in r/truss/config.yaml lacks its distribution tomlkit. Add 'tomlkit' to it, or set "
        '`requirements="lockfile"` on the target. [missing-requirement]',
    )
    assert [(r.requirement, r.reason) for r in gathered.requirements] == [
        ("numpy", "imported by r/truss/model/model.py")
    ]


@pytest.mark.parametrize(
    "requirement",
    [
        "scikit_learn",
        "Scikit-Learn[x]==1.0 ; python_version > '3'",
        "git+https://github.com/scikit-learn/scikit-learn.git@main",
        "scikit-learn @ https://host/x.whl",
    ],
)
def test_a_distribution_that_is_listed_in_any_form(
    rule_runner: RuleRunner, requirement: str
) -> None:
    files = {"truss/config.yaml": f'requirements: ["{requirement}"]\n'}
    assert gather(rule_runner, files, "config").notes == ()


def test_a_requirements_file_keeps_working(rule_runner: RuleRunner) -> None:
    files = {
        "truss/config.yaml": "requirements_file: ./reqs.txt\n",
        "truss/reqs.txt": "numpy==1.0 \\\n  --hash=sha256:00\n# scikit-learn\n",
    }
    (note,) = gather(rule_runner, files, "config").notes
    assert "imports `sklearn`, but r/truss/reqs.txt lacks its distribution scikit-learn" in note
    files["truss/reqs.txt"] += "scikit-learn==1.0 --hash=sha256:00\n"
    assert gather(rule_runner, files, "config").notes == ()
    files["truss/reqs.txt"] = "-r /opt/others.txt\n"
    assert gather(rule_runner, files, "config").notes == ()


def test_a_project_file_is_not_read(rule_runner: RuleRunner) -> None:
    files = {
        "truss/config.yaml": "requirements_file: pyproject.toml\n",
        "truss/pyproject.toml": "[project]\n",
    }
    assert gather(rule_runner, files, "config").notes == ()
