from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, Iterable, List, Tuple

import pytest

from pants_truss.core.lint.finding import Severity
from pants_truss.core.lint.unresolved_imports import ImageModules, ImportCheck, PythonFile

MODEL_FILE = "app/model/model.py"


def image(
    paths: Iterable[str],
    elsewhere: Tuple[str, ...] = (),
    provided: Tuple[str, ...] = (),
    model_file: str = MODEL_FILE,
    release: Tuple[int, ...] = (0, 18, 36),
    is_complete: bool = True,
    distributions: Tuple[str, ...] = (),
) -> ImageModules:
    """A truss in the folder `t`; `elsewhere` are its files that are not in an image."""
    return ImageModules(
        {path: f"t/{path.replace('app/', '')}" for path in paths},
        {path.rpartition(".")[0]: f"t/{path}" for path in elsewhere},
        provided,
        distributions,
        is_complete,
        model_file,
        release,
        "packages",
    )


def missing(source: str, *others: str, provided: Tuple[str, ...] = (), **inits: str) -> List[str]:
    """The messages' modules, of a model with the source. `others` are paths of other files;
    `inits` are contents of `__init__.py` files, by the package."""
    model = PythonFile(MODEL_FILE, "t/model/model.py", source.encode())
    contents: Dict[str, str] = {
        f"packages/{name}/__init__.py": text for name, text in inits.items()
    }
    files = [model, *(PythonFile(p, p, text.encode()) for p, text in contents.items())]
    modules = image([model.path, *others, *contents], provided=provided)
    found = [*ImportCheck(files, modules).findings()]
    assert all(finding.rule == "unresolved-import" for finding in found)
    return [finding.message.split("`")[1] for finding in found]


KIT = "packages/kit/w.py"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import kit.w\nimport kit.z\n", ["kit.z"]),
        ("from kit.z import x\n", ["kit.z"]),
        ("from kit.w import x\n", []),
        ("from kit import w\nfrom kit import z\n", ["kit.z"]),
        ("from kit import *\n", []),
        ("import kit.z.deep.er\n", ["kit.z"]),
        ("def f():\n    import kit.z\n", ["kit.z"]),
        ("from model.helper import x\n", ["model.helper"]),
        ("from .helper import x\n", [".helper"]),
        ("from . import model\n", []),
        ("from . import helper\n", [".helper"]),
        # Something else may have these.
        ("import numpy.linalg\n", []),
        ("import kit.w.inside\n", []),
        ("try:\n    import kit.z\nexcept ImportError:\n    pass\n", []),
        ("if TYPE_CHECKING:\n    import kit.z\n", []),
        ("with suppress(ImportError):\n    import kit.z\n", []),
        ("x = 'import kit.z'\n", []),
        ("import kit.z as\n", []),
    ],
)
def test_modules_that_the_truss_lacks(source: str, expected: List[str]) -> None:
    assert missing(source, KIT) == expected


@pytest.mark.parametrize(
    "path",
    ["kit/z.py", "kit/z/__init__.py", "kit/z/deep.py", "kit/z.cpython-311-linux.so", "kit/z.pyc"],
)
def test_modules_of_every_kind(path: str) -> None:
    assert missing("import kit.z\n", KIT, f"packages/{path}") == []


@pytest.mark.parametrize("suffix", ["so", "cpython-311-x86_64-linux-gnu.so", "pyc"])
def test_a_package_that_is_a_native_module_may_have_any_name(suffix: str) -> None:
    native = f"packages/kit/z/__init__.{suffix}"
    assert missing("from kit.z import add\nimport kit.z.deep\n", KIT, native) == []


@pytest.mark.parametrize("module", ["kit.z", "other.kit.z"])
def test_an_import_that_another_rule_reports(module: str) -> None:
    model = PythonFile(MODEL_FILE, "t/model/model.py", b"import kit.z\n")
    reported = [("t/model/model.py", module)]
    modules = image([model.path, KIT])
    assert not [*ImportCheck([model], modules).findings(reported)]
    elsewhere = [("t/other.py", module), ("t/model/model.py", "kit.zz")]
    assert [*ImportCheck([model], modules).findings(elsewhere)]


@pytest.mark.parametrize(
    ("init", "expected"),
    [
        ("", ["kit.z", "kit.y"]),
        ("z = 1\n", ["kit.y"]),
        ("__path__ = extend_path(__path__, __name__)\n", []),
        ("def __getattr__(name): ...\n", []),
        ("import sys\nsys.modules['kit.y'] = x\n", []),
    ],
)
def test_a_package_may_have_more_than_its_files(init: str, expected: List[str]) -> None:
    assert missing("from kit import z\nimport kit.y\n", KIT, kit=init) == expected


@pytest.mark.parametrize(
    ("source", "others", "inits", "expected"),
    [
        # A regular package comes before a namespace package, wherever it lies.
        ("import data.load", ["app/data/w.bin"], {"data": ""}, ["data.load"]),
        ("import data.load", ["app/data/w.bin", "packages/data/load.py"], {"data": ""}, []),
        ("import data.load", ["app/data/load.py"], {"data": ""}, ["data.load"]),
        # Two folders of a namespace package are one.
        ("import data.load", ["app/data/w.bin", "packages/data/load.py"], {}, []),
        ("import data.load", ["app/data/w.bin", "packages/data/near.py"], {}, ["data.load"]),
        ("from model.load import f", ["packages/model/load.py"], {}, []),
        ("from model import load", ["packages/model/load.py"], {}, []),
        ("from model.gone import f", ["packages/model/load.py"], {}, ["model.gone"]),
    ],
)
def test_folders_of_one_name(
    source: str, others: List[str], inits: Dict[str, Any], expected: List[str]
) -> None:
    assert missing(f"{source}\n", *others, **inits) == expected


def test_a_type_stub_is_not_a_module() -> None:
    assert missing("import kit.types_\n", KIT, "packages/kit/types_.pyi") == ["kit.types_"]


def test_a_requirement_may_share_the_name() -> None:
    assert missing("import kit.z\n", KIT, provided=("kit",)) == []


def test_a_package_that_is_not_bundled_is_unknown() -> None:
    assert missing("import kit.z\n") == []
    assert missing("import kit.z\n", "packages/kit.py") == []


def test_the_place_is_that_in_the_repository() -> None:
    file = PythonFile("packages/kit/w.py", "src/kit/w.py", b"\nimport kit.z\n")
    (found,) = ImportCheck([file], image([file.path])).findings()
    assert found.place == "src/kit/w.py:2"


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    import kit.z\n",
        "class Model:\n    def load(self):\n        from model.helper import x\n",
        "def f():\n    from ..lib import x\n",
    ],
)
def test_a_function_may_never_be_called(source: str) -> None:
    model = PythonFile(MODEL_FILE, "t/model/model.py", source.encode())
    found = [*ImportCheck([model], image([MODEL_FILE, KIT])).findings()]
    assert [each.severity for each in found] == [Severity.WARNING]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import_module('kit.z')\n", ["kit.z"]),
        ("x = importlib.import_module('kit.z').run()\n", ["kit.z"]),
        ("def f():\n    return __import__('kit.z')\n", ["kit.z"]),
        ("import_module('kit.w')\n", []),
        ("import_module(name)\n", []),
        ("import_module('.z', __package__)\n", []),
        ("import_module('kit z')\n", []),
        ("try:\n    import_module('kit.z')\nexcept ImportError:\n    pass\n", []),
        ("load('kit.z')\n", []),
    ],
)
def test_imports_by_name(source: str, expected: List[str]) -> None:
    model = PythonFile(MODEL_FILE, "t/model/model.py", source.encode())
    found = [*ImportCheck([model], image([MODEL_FILE, KIT])).findings()]
    assert [each.message.split("`")[1] for each in found] == expected
    assert all(each.severity is Severity.WARNING for each in found)


@pytest.mark.parametrize("word", ["sys.path.append(x)", "site.addsitedir(x)", "sys.modules['x']=y"])
def test_code_that_finds_modules_elsewhere(word: str) -> None:
    source = f"import utils.x\n{word}\n"
    model = PythonFile(MODEL_FILE, "t/model/model.py", b"import utils.x\n")
    modules = image([MODEL_FILE, "packages/kit/__init__.py"], ("utils/x.py",))
    assert messages(model, modules)
    assert not messages(model._replace(content=source.encode()), modules)
    other = PythonFile("packages/kit/__init__.py", "kit/__init__.py", word.encode())
    assert not [*ImportCheck([model, other], modules).findings()]


def test_files_that_the_model_does_not_load() -> None:
    files = [
        PythonFile(
            MODEL_FILE,
            "t/model/model.py",
            b"import kit.used\ntry:\n    import kit.maybe\nexcept E: ...\n",
        ),
        PythonFile("packages/kit/__init__.py", "kit/__init__.py", b"from . import near\n"),
        PythonFile("packages/kit/near.py", "kit/near.py", b"import kit.gone\n"),
        PythonFile("packages/kit/used.py", "kit/used.py", b"import kit.gone\n"),
        PythonFile("packages/kit/maybe.py", "kit/maybe.py", b"import kit.gone\n"),
        PythonFile("packages/kit/unused.py", "kit/unused.py", b"import kit.gone\n"),
    ]
    found = ImportCheck(files, image([file.path for file in files])).findings()
    assert {(each.path, each.severity.value) for each in found} == {
        ("kit/near.py", "error"),
        ("kit/used.py", "error"),
        ("kit/maybe.py", "warning"),
        ("kit/unused.py", "warning"),
    }


@pytest.mark.parametrize(
    "source",
    [
        "sys.modules['kit.z'] = ModuleType('kit.z')",
        "importlib.util.spec_from_file_location('kit.z', path)",
        "sys.meta_path.insert(0, Finder())",
        "protoc.main(['--python_out=.'])",
    ],
)
def test_code_that_makes_modules(source: str) -> None:
    """What another file imports may be there by then."""
    maker = PythonFile("packages/kit/boot.py", "kit/boot.py", source.encode())
    model = PythonFile(MODEL_FILE, "t/model/model.py", b"import kit.boot\nimport kit.z\n")
    modules = image([maker.path, model.path])
    (found,) = ImportCheck([maker, model], modules).findings()
    assert found.line == 2 and found.severity is Severity.WARNING
    (found,) = ImportCheck([maker._replace(content=b""), model], modules).findings()
    assert found.severity is Severity.ERROR


def test_a_requirement_may_extend_a_namespace_package() -> None:
    model = PythonFile(MODEL_FILE, "t/model/model.py", b"import kit.z\n")
    regular = "packages/kit/__init__.py"
    for distributions, paths, severity in [
        ((), [KIT], Severity.ERROR),
        (("acme",), [KIT], Severity.WARNING),
        (("acme",), [KIT, regular], Severity.ERROR),
    ]:
        files = [model, PythonFile(regular, "kit/__init__.py", b"")]
        modules = image([MODEL_FILE, *paths], distributions=distributions)
        found = [*ImportCheck(files, modules).findings()]
        assert [each.severity for each in found] == [severity]


@pytest.mark.parametrize(
    ("distribution", "module", "is_provided"),
    [
        ("openai-whisper", "whisper", True),
        ("sam-2", "sam2", True),
        ("coqui-tts", "TTS", True),
        ("my-utils-kit", "utils", True),
        ("torch", "utils", False),
        # Too short to say anything.
        ("httpx", "x", False),
        ("x", "x", True),
    ],
)
def test_a_distribution_whose_module_has_another_name(
    distribution: str, module: str, is_provided: bool
) -> None:
    model = PythonFile(MODEL_FILE, "t/model/model.py", f"import {module}.y\n".encode())
    modules = image([MODEL_FILE], (f"{module}/y.py",), distributions=(distribution,))
    assert bool(messages(model, modules)) is not is_provided


def messages(file: PythonFile, modules: ImageModules) -> List[str]:
    return [finding.message for finding in ImportCheck([file], modules).findings()]


@pytest.mark.parametrize(
    "source", ["import utils.x\n", "from utils import x\n", "import helpers\n"]
)
def test_a_file_beside_the_config_is_not_in_an_image(source: str) -> None:
    """The server has the folders of the model, the data and the bundled packages only."""
    model = PythonFile(MODEL_FILE, "t/model/model.py", source.encode())
    (message,) = messages(model, image([MODEL_FILE], ("utils/x.py", "helpers.py")))
    stem = "helpers" if "helpers" in source else "utils/x"
    assert f"which is t/{stem}.py, and an image does not have it" in message
    assert f"Move it to packages/{stem}.py" in message
    assert not messages(model, image([MODEL_FILE, f"packages/{stem}.py"], (f"{stem}.py",)))
    assert not messages(model, image([MODEL_FILE, f"app/{stem}.py"], (f"{stem}.py",)))
    unsure = image([MODEL_FILE], (f"{stem}.py",), is_complete=False)
    assert [f.severity for f in ImportCheck([model], unsure).findings()] == [Severity.WARNING]
    top = stem.partition("/")[0]
    assert not messages(model, image([MODEL_FILE], (f"{stem}.py",), provided=(top,)))


@pytest.mark.parametrize(
    ("imported", "source", "path", "name"),
    [
        ("packages.util.z", "t/packages/util/z.py", "packages/util/z.py", "util.z"),
        ("trusses.t.model.x", "trusses/t/model/x.py", "app/model/x.py", "model.x"),
        ("x", "t/model/x.py", "app/model/x.py", "model.x"),
        ("src.model.x", "t/src/model/x.py", "app/model/x.py", "model.x"),
    ],
)
def test_a_file_that_has_another_name_in_an_image(
    imported: str, source: str, path: str, name: str
) -> None:
    model = PythonFile(
        MODEL_FILE, "t/model/model.py", f"from {imported} import y\n".encode(), (source,)
    )
    modules = replace(image([]), paths={path: source, MODEL_FILE: model.source})
    (message,) = messages(model, modules)
    assert (
        f"it imports `{imported}`, which is {source}, and the server has it as `{name}`" in message
    )
    assert not messages(model._replace(content=f"import {name}\n".encode()), modules)


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        (MODEL_FILE, "from ..lib import x\n", "..lib"),
        (MODEL_FILE, "from .. import lib\n", "..lib"),
        ("app/model/deep/a.py", "from ...lib import x\n", "...lib"),
        ("app/model/deep/a.py", "from ..lib import x\n", ""),
        ("packages/kit.py", "from . import x\n", ".x"),
        ("packages/kit/a.py", "from ..other import x\n", "..other"),
        ("packages/kit/a.py", "from . import a\n", ""),
        (MODEL_FILE, "from ........lib import x\n", "........lib"),
    ],
)
def test_a_relative_import_above_the_top(path: str, source: str, expected: str) -> None:
    file = PythonFile(path, f"t/{path}", source.encode())
    found = messages(file, image([path, MODEL_FILE, "app/model/lib.py", "packages/other.py"]))
    assert [message.split("`")[1] for message in found] == ([expected] if expected else [])
    assert all("above the top-level package" in message for message in found)


@pytest.mark.parametrize(
    ("release", "path", "works"),
    [
        ((0, 9, 35), "app/model/model.py", True),
        ((0, 9, 36), "app/model/model.py", False),
        ((0, 18, 34), "app/model/model.py", False),
        ((0, 18, 35), "app/model/model.py", True),
        ((0, 18, 36), "app/model/main.py", False),
        ((0, 18, 36), "app/model/deep/deep.py", False),
        ((0, 9, 35), "app/model/main.py", True),
    ],
)
def test_relative_imports_of_the_model_file(
    release: Tuple[int, ...], path: str, works: bool
) -> None:
    file = PythonFile(path, "t/model.py", b"from .helper import x\n")
    folder = path.rpartition("/")[0]
    modules = image([path, f"{folder}/helper.py"], model_file=path, release=release)
    found = messages(file, modules)
    assert bool(found) is not works
    helper = f"{folder[4:]}/helper".replace("/", ".")
    assert all(f"by itself, outside of any package. Import `{helper}`" in each for each in found)
    other = file._replace(path=f"{folder}/other.py")
    assert not messages(other, modules)
