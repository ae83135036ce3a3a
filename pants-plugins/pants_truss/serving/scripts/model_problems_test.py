"""Uses models that really fail, laid out like a truss."""

from __future__ import annotations

import importlib
import logging
import os
import re
import runpy
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

import pytest

SCRIPTS = Path(__file__).resolve().parent
sys.path.insert(0, str(SCRIPTS))
import local_truss  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import model_problems  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep

MODEL = "app/model/model.py"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Any]:
    """Puts the folders of a truss into the module path, where this Python allows it."""
    root = tmp_path.resolve()
    for folder in ("app/model", "packages", "local", "venv/site-packages"):
        (root / folder).mkdir(parents=True)
    (root / "local/truss.json").write_text("{}")
    found: Any = local_truss.Here(root)
    found.sites = [str(root / "venv/site-packages")]
    modules, path = {*sys.modules}, [*sys.path]
    sys.path[:] = [str(found.app), *path, *found.sites, str(found.packages)]
    yield found
    sys.path[:] = path
    for name in {*sys.modules} - modules:
        del sys.modules[name]


def write(here: Any, files: Dict[str, str]) -> None:
    for name, content in files.items():
        path = here.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def failure(here: Any, files: Dict[str, str]) -> BaseException:
    write(here, files)
    try:
        runpy.run_path(str(here.root / MODEL))
    except BaseException as e:
        return e
    raise AssertionError("The model has loaded.")


def described(here: Any, files: Dict[str, str]) -> Dict[str, Any]:
    found: Dict[str, Any] = model_problems.describe(failure(here, files), here)
    return found


def test_an_error_of_a_model(here: Any) -> None:
    error = described(here, {MODEL: "def load():\n    raise ValueError('no weights')\n\nload()\n"})
    # Without the markers below a line, which not every Python prints.
    lines = error["traceback"].splitlines(keepends=True)
    error["traceback"] = "".join(line for line in lines if line.strip(" ~^\n"))
    assert error == {
        "type": "ValueError",
        "message": "no weights",
        "advice": None,
        "traceback": (
            "Traceback (most recent call last):\n"
            '  File "app/model/model.py", line 4, in <module>\n'
            "    load()\n"
            '  File "app/model/model.py", line 2, in load\n'
            "    raise ValueError('no weights')\n"
            "ValueError: no weights\n"
        ),
        "missing": None,
        "wanted": None,
        "hidden": None,
        "absent": None,
        "importer": MODEL,
        "line": 2,
        "via": None,
    }


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("open(f'{here}/words.json')", "app/model/words.json"),
        ("open(f'{here}/../data/words.json')", "app/data/words.json"),
        ("open(f'{here}/../../packages/kit/words.json')", "packages/kit/words.json"),
        ("(Path(here) / 'words.json').read_bytes()", "app/model/words.json"),
        ("open('/nowhere/words.json')", None),
        (
            "raise OSError(f'Unable to open file: {here}/words.json not found')",
            "app/model/words.json",
        ),
        (
            "raise Exception(f\"No such file or directory: '{here}/words.json' (os error 2)\")",
            "app/model/words.json",
        ),
        ("raise ValueError(f'{here}/words.json is not valid')", None),
        ("raise FileNotFoundError('nothing')", None),
        ("raise FileNotFoundError(2, 'x', 3)", None),
    ],
)
def test_a_file_that_is_not_there(here: Any, code: str, absent: Optional[str]) -> None:
    start = "import os\nfrom pathlib import Path\nhere = os.path.dirname(__file__)\n"
    assert described(here, {MODEL: f"{start}{code}\n"})["absent"] == absent


def test_a_relative_path_begins_where_the_server_runs(here: Any) -> None:
    assert described(here, {MODEL: "open('words.json')"})["absent"] == "app/words.json"


def test_the_place_is_the_last_one_in_the_truss(here: Any) -> None:
    files = {
        MODEL: "import helper\n\nhelper.parse('x')\n",
        "packages/helper.py": "import dist\n\n\ndef parse(text):\n    return dist.parse(text)\n",
        "venv/site-packages/dist.py": "import json\n\n\ndef parse(text):\n    json.loads(text)\n",
    }
    error = described(here, files)
    assert (error["type"], error["importer"], error["line"]) == (
        "JSONDecodeError",
        "packages/helper.py",
        5,
    )
    assert re.findall(r'File "(.+?)"', error["traceback"]) == [
        MODEL,
        "packages/helper.py",
        "site-packages/dist.py",
        "stdlib/json/__init__.py",
        "stdlib/json/decoder.py",
        "stdlib/json/decoder.py",
    ]


def test_an_error_outside_the_truss(here: Any) -> None:
    try:
        int("x")
    except ValueError as e:
        error = model_problems.describe(e, here)
    assert (error["importer"], error["line"]) == (None, None)
    assert error["traceback"].endswith("ValueError: invalid literal for int() with base 10: 'x'\n")
    never_raised = model_problems.describe(SystemExit(), here)
    assert (never_raised["type"], never_raised["message"]) == ("SystemExit", "")
    assert never_raised["traceback"] == "SystemExit\n"


def test_messages_have_no_folders_of_this_machine(here: Any) -> None:
    code = "import os\nraise OSError(f'no {os.path.abspath(__file__)}, nor {SITE}/x')\n"
    error = described(here, {MODEL: f"SITE = {here.sites[0]!r}\n{code}"})
    assert error["message"] == "no app/model/model.py, nor site-packages/x"
    assert str(here.root) not in error["traceback"]


@pytest.mark.parametrize(
    "line, missing, wanted",
    [
        ("import lacking_a", "lacking_a", "lacking_a"),
        ("import lacking_a.b.c", "lacking_a", "lacking_a.b.c"),
        ("from lacking_a.b import c", "lacking_a", "lacking_a.b"),
        ("import os, lacking_a.b, lacking_a.c", "lacking_a", "lacking_a.b"),
        ("from lacking_a import b", "lacking_a", "lacking_a"),
        ("raise ImportError('lacking_a', name='lacking_a')", None, None),
        ("__import__('lacking' + '_a.b')", "lacking_a", "lacking_a"),
        ("try:\n    import os\nfinally:\n    import lacking_a.x", "lacking_a", "lacking_a.x"),
    ],
)
def test_the_whole_imported_module_is_named(
    here: Any, line: str, missing: Optional[str], wanted: Optional[str]
) -> None:
    error = described(here, {MODEL: line})
    assert (error["missing"], error["wanted"]) == (missing, wanted)


def test_an_import_on_another_line_does_not_count(here: Any) -> None:
    code = "def later():\n    import lacking_a.never\n\nimport lacking_a\n"
    error = described(here, {MODEL: code})
    assert (error["wanted"], error["importer"], error["line"]) == ("lacking_a", MODEL, 4)


def test_an_import_in_an_installed_distribution(here: Any) -> None:
    files = {
        MODEL: "import os\nimport dist.deep\n",
        "venv/site-packages/dist/__init__.py": "",
        "venv/site-packages/dist/deep.py": "import lacking_a.b\n",
    }
    error = described(here, files)
    assert error["via"] == "site-packages/dist/deep.py"
    assert (error["importer"], error["line"], error["wanted"]) == (MODEL, 2, "lacking_a")


def test_an_import_of_the_truss_through_a_distribution(here: Any) -> None:
    files = {
        MODEL: "import dist\n",
        "venv/site-packages/dist.py": "import helper\n",
        "packages/helper.py": "import lacking_a.b\n",
    }
    error = described(here, files)
    assert (error["importer"], error["via"], error["wanted"]) == (
        "packages/helper.py",
        None,
        "lacking_a.b",
    )


@pytest.mark.parametrize(
    "path, unused",
    [
        ("packages/front/units.py", "packages/front/units.py"),
        ("packages/front/units/__init__.py", "packages/front/units/__init__.py"),
        ("packages/front/units/deep/mod.py", "packages/front/units"),
    ],
)
def test_a_module_behind_a_package_of_the_same_name(here: Any, path: str, unused: str) -> None:
    files = {
        MODEL: "import front.units\n",
        path: "",
        "venv/site-packages/front/__init__.py": "",
    }
    error = described(here, files)
    assert error["missing"] == "front.units"
    assert error["hidden"] == {"used": "site-packages/front/__init__.py", "unused": unused}


def test_a_module_behind_one_that_is_compiled_into_python(here: Any) -> None:
    error = described(here, {MODEL: "import time.units\n", "packages/time/units.py": ""})
    assert error["hidden"] == {"used": "stdlib/time.py", "unused": "packages/time/units.py"}


def test_a_module_that_is_bundled_nowhere_is_not_hidden(here: Any) -> None:
    files = {MODEL: "import front.units\n", "venv/site-packages/front/__init__.py": ""}
    assert described(here, files)["hidden"] is None


def test_a_file_that_is_not_python(here: Any) -> None:
    error = described(here, {MODEL: "import helper\n", "packages/helper.py": "x = 1\ny = (\n"})
    assert (error["type"], error["importer"], error["line"]) == (
        "SyntaxError",
        "packages/helper.py",
        2,
    )
    assert error["missing"] is None


def test_code_that_the_model_compiles_itself(here: Any) -> None:
    error = described(here, {MODEL: "\ncompile('y = (', '<prompt>', 'exec')\n"})
    assert (error["type"], error["importer"], error["line"]) == ("SyntaxError", MODEL, 2)


# Errors that the server logs.


def logged(here: Any, pathname: str, source: str) -> List[str]:
    """Logs from code that lies in the given file."""
    handler = model_problems.LoggedErrors(here)
    logger = logging.Logger("server")
    logger.addHandler(handler)
    exec(compile(source, str(here.root / pathname), "exec"), {"logger": logger})
    return [repr(error) for error in handler.errors]


@pytest.mark.parametrize(
    "pathname, counts",
    [
        ("app/truss_server.py", True),
        ("app/common/errors.py", True),
        ("app/model/model.py", False),
        ("app/model/deep/er.py", False),
        ("app/model_wrapper.py", True),
        ("packages/helper.py", False),
        ("venv/site-packages/uvicorn.py", False),
        ("/elsewhere/app/truss_server.py", False),
    ],
)
def test_only_errors_that_the_server_logs_count(here: Any, pathname: str, counts: bool) -> None:
    source = "try:\n    {}[1]\nexcept KeyError:\n    logger.exception('failed')\n"
    assert logged(here, pathname, source) == (["KeyError(1)"] if counts else [])


def test_a_log_record_without_an_exception_does_not_count(here: Any) -> None:
    source = (
        "logger.error('only text')\nlogger.warning('x', exc_info=True)\n"
        "logger.error('x', exc_info=KeyError('k'))\n"
    )
    # Outside an `except` block there is no current error; an explicit one counts.
    assert logged(here, "app/server.py", source) == ["KeyError('k')"]


# Shadowed packages.


def shadowed(here: Any, files: Dict[str, str]) -> List[Dict[str, Any]]:
    write(here, files)
    runpy.run_path(str(here.root / MODEL))
    found: List[Dict[str, Any]] = model_problems.find_shadowed(here)
    return found


def test_a_package_that_a_distribution_hides(here: Any) -> None:
    files = {
        MODEL: "import os\n\nimport front\n",
        "packages/front/__init__.py": "",
        "packages/front/sub.py": "",
        "venv/site-packages/front/__init__.py": "",
        "venv/site-packages/front/sub.py": "",
    }
    expected = {
        "module": "front",
        "used": "site-packages/front/__init__.py",
        "unused": "packages/front/__init__.py",
        "importer": MODEL,
        "line": 3,
    }
    assert shadowed(here, files) == [expected]
    # Its modules are not reported.
    files[MODEL] = "import os\n\nfrom front import sub\n"
    for name in ("front", "front.sub"):
        sys.modules.pop(name, None)
    assert shadowed(here, files) == [expected]


def test_shadowed_modules_come_in_order_each_with_its_importer(here: Any) -> None:
    files = {
        MODEL: "import helper\nimport b_front, time\n",
        "packages/helper.py": "def later():\n    import a_front\n\n\nlater()\n",
        **{f"packages/{name}.py": "" for name in ("b_front", "a_front", "time")},
        **{f"venv/site-packages/{name}.py": "" for name in ("b_front", "a_front")},
    }
    found = [(e["module"], e["used"], e["importer"], e["line"]) for e in shadowed(here, files)]
    assert found == [
        ("a_front", "site-packages/a_front.py", "packages/helper.py", 2),
        ("b_front", "site-packages/b_front.py", MODEL, 2),
        ("time", "stdlib/time.py", MODEL, 2),
    ]


@pytest.mark.parametrize(
    "name, model",
    [
        # The bundled module is the one in use.
        ("mine", "import mine\n"),
        # Nothing in the truss imports it.
        ("time", "import os\n"),
        # It is not loaded.
        ("mine", "def later():\n    import mine\n"),
        # A package of the model has a module of the same name.
        ("time", "def later():\n    from .time import x\n"),
        ("time", "import timeit\n"),
    ],
)
def test_modules_that_are_not_shadowed(here: Any, name: str, model: str) -> None:
    assert shadowed(here, {MODEL: model, f"packages/{name}.py": ""}) == []


def test_files_that_cannot_be_read_hide_nothing(here: Any) -> None:
    files = {
        MODEL: "import front\n",
        "app/model/a_broken.py": "import (\n",
        "app/model/b_null.py": "import front\0\n",
        "packages/front.py": "",
        "venv/site-packages/front.py": "",
    }
    write(here, files)
    (here.app / "model/c_link.py").symlink_to("nowhere")
    (here.app / "model/d_folder.py").mkdir()
    (here.app / "model/e_latin.py").write_bytes(b"x = '\xe4'\nimport front\n")
    assert [(e["importer"], e["line"]) for e in shadowed(here, {})] == [(MODEL, 1)]


def test_a_link_to_the_bundled_file_is_the_bundled_file(here: Any) -> None:
    write(here, {MODEL: "import linked\n", "packages/linked.py": ""})
    os.symlink(here.packages / "linked.py", Path(here.sites[0]) / "linked.py")
    assert shadowed(here, {}) == []


@pytest.mark.parametrize(
    "statement, names",
    [
        ("import a.b as c, d", [("a.b", ["a.b"]), ("d", ["d"])]),
        ("from a.b import c, d as e", [("a.b", ["a.b", "a.b.c", "a.b.d"])]),
        ("from a import *", [("a", ["a", "a.*"])]),
        ("from . import a", []),
        ("from ..a import b", []),
        ("if True:\n    def f():\n        import ä", [("ä", ["ä"])]),
        ("'import a'", []),
    ],
)
def test_imports_of_a_file(
    tmp_path: Path, statement: str, names: List[Tuple[str, List[str]]]
) -> None:
    path = tmp_path / "x.py"
    path.write_text(statement, encoding="utf-8")
    assert [(x.module, x.names) for x in model_problems.find_imports(path)] == names


# --- Outputs that the server cannot send.

RESPONSES = "venv/site-packages/starlette/responses.py"


def unsendable(here: Any, source: str, sender: str = RESPONSES) -> Dict[str, Any]:
    """`source` is the body of a function of the server."""
    write(here, {sender: f"def send(output):\n    {source}\n", MODEL: "class Model: pass\n"})
    importlib.import_module("model.model")
    module = runpy.run_path(str(here.root / sender))
    try:
        module["send"](None)
    except Exception as e:
        found: Dict[str, Any] = model_problems.describe(e, here)
        return found
    raise AssertionError("It was sent.")


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        ("return (1).encode()", "`predict` yields int, but a stream is text or bytes."),
        (
            "import datetime, json; json.dumps(datetime.datetime.now())",
            "`predict` returns a value of type datetime, which is not JSON.",
        ),
        ("import json; json.dumps({1, 2})", "`predict` returns a value of type set, which is"),
        ("import json; json.dumps(b'x')", "`predict` returns a value of type bytes, which is"),
        (
            "import json; json.dumps(float('nan'), allow_nan=False)",
            "the server cannot send what `predict` returns (ValueError: Out of range float",
        ),
        (
            "import json; json.dumps({(1, 2): 3})",
            "the server cannot send what `predict` returns (TypeError: keys must be",
        ),
        (
            "'\\ud800'.encode('utf-8')",
            "the server cannot send what `predict` returns (UnicodeEncodeError:",
        ),
    ],
)
def test_an_output_that_the_server_cannot_send(here: Any, source: str, advice: str) -> None:
    found = unsendable(here, source)
    assert found["advice"].startswith(advice)
    assert (found["importer"], found["line"]) == (MODEL, None)
    assert len(found["traceback"].splitlines()) <= 5


def test_an_error_of_a_group_is_the_one_inside(here: Any) -> None:
    class Group(Exception):
        exceptions = (ValueError("inside"),)

    assert model_problems.describe(Group(), here)["message"] == "inside"


def test_an_error_of_the_server_itself_has_no_advice(here: Any) -> None:
    found = unsendable(here, "raise ValueError('no')", "venv/site-packages/other/server.py")
    assert (found["advice"], found["importer"]) == (None, None)
    assert found["traceback"].count("File ") == 1
