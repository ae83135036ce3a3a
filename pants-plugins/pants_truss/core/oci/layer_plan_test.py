from __future__ import annotations

from typing import Dict, List, Optional, Tuple

from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.gathered import GatheredFile
from pants_truss.core.oci.layer_plan import plan_layers, shared_root
from pants_truss.core.source_tree import EXTERNAL_PACKAGE, GENERATED, TRUSS, imported_by


def file(path: str, source: Optional[str], reason: str) -> GatheredFile:
    return GatheredFile(path, "0" * 64, 1, False, "//:t", source, reason)


FILES = {
    "app/model/model.py": file("model/model.py", "t/model/model.py", TRUSS),
    "app/data/x": file("data/x", "t/data/x", TRUSS),
    "packages/own.py": file("packages/own.py", "t/packages/own.py", TRUSS),
    "packages/one.py": file("packages/one.py", "shared/one/one.py", EXTERNAL_PACKAGE),
    "packages/lib/two.py": file("packages/lib/two.py", "src/lib/two.py", imported_by("x.py")),
    "packages/lib/__init__.py": file("packages/lib/__init__.py", None, GENERATED),
}


def names(files: Dict[str, GatheredFile], most: int = 10) -> List[str]:
    return [layer.name for layer in plan_layers(files, most)]


def test_what_changes_least_lies_lowest() -> None:
    layers = plan_layers(FILES, 10)
    assert [layer.name for layer in layers] == ["data", "shared/one", "src", "model"]
    assert list(layers[-1].files) == [
        "app/model/model.py",
        "packages/lib/__init__.py",
        "packages/own.py",
    ]


def test_the_models_layer_is_always_there() -> None:
    assert names({}) == ["model"]


def test_beyond_the_limit_the_last_by_name_share_one() -> None:
    files = {
        f"packages/{n}.py": file(f"packages/{n}.py", f"shared/{n}/{n}.py", EXTERNAL_PACKAGE)
        for n in "dacb"
    }
    assert names(files, 4) == ["shared/a", "shared/b", "shared/c", "shared/d", "model"]
    assert names(files, 3) == ["shared/a", "shared/b", "other shared packages", "model"]
    assert names(files, 1) == names(files, 0) == ["other shared packages", "model"]
    rest = plan_layers(files, 2)[1].files
    assert list(rest) == ["packages/b.py", "packages/c.py", "packages/d.py"]


def test_the_root_of_a_file_that_was_renamed_is_the_file() -> None:
    moved = file("packages/x.py", "shared/y.py", EXTERNAL_PACKAGE)
    assert shared_root("packages/x.py", moved) == "shared/y.py"


PATHS = st.sampled_from(
    ["app/model/a", "app/data/b", "packages/c", "packages/d/e", "packages/d/f", "other"]
)
REASONS = st.sampled_from([TRUSS, GENERATED, EXTERNAL_PACKAGE, imported_by("x")])


@given(
    st.dictionaries(PATHS, st.tuples(REASONS, st.sampled_from(["s1", "s2", "s3"]))),
    st.integers(0, 5),
)
def test_each_file_is_in_one_layer(given_files: Dict[str, Tuple[str, str]], most: int) -> None:
    files = {
        path: file(path, f"{root}/{path.partition('/')[2]}", reason)
        for path, (reason, root) in given_files.items()
    }
    layers = plan_layers(files, most)
    placed = [path for layer in layers for path in layer.files]
    assert sorted(placed) == sorted(files)
    # One for data, one for the model, and the limit for shared code.
    assert len(layers) <= 2 + max(1, most)
    assert all(list(layer.files) == sorted(layer.files) for layer in layers)
