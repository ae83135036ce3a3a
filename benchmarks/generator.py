"""Makes monorepos of trusses over shared code: the same seed gives the same bytes.

    shared/area_17/BUILD                    truss_external_package() and python_sources()
    shared/area_17/area_17/mod_03.py        imports of its own area, and of the areas below it
    trusses/t_0042/{BUILD,config.yaml}      external_package_dirs: its areas, with those below
    trusses/t_0042/model/model.py           imports modules of these areas
    trusses/t_0042/data/table_2.csv

Areas lie in three layers, as shared code does: few that nearly all use, many that few use. A truss
names all areas that its code can reach, so that Truss's own gather bundles exactly what an import
closure over whole areas would.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List

MODULES_OF_AREA = 25
# Shares of all areas, from the bottom up.
_LAYERS = (0.1, 0.3, 0.6)
_REQUIREMENTS = (
    "numpy==1.26.4",
    "pandas==2.2.2",
    "httpx==0.27.0",
    "pillow==10.3.0",
    "scipy==1.13.0",
)


@dataclass(frozen=True)
class Spec:
    """`own_files` are a truss's files beside its config and model, `modules` all shared ones, of
    which 25 are in `shared/popular`; `popular` is the share of trusses that use these. `large_file`
    is the size in bytes of a data file of the first truss; with `with_targets` off, no BUILD file
    has a target of this plugin."""

    trusses: int
    modules: int = 25
    own_files: int = 8
    popular: float = 0.05
    large_file: int = 0
    with_targets: bool = True
    seed: int = 0


@dataclass(frozen=True)
class Generated:
    """Folders relative to the root, in order; `files` counts those of the gathered trusses, by the
    truss's folder."""

    trusses: List[str]
    files: Dict[str, int]


def generate(root: Path, spec: Spec) -> Generated:
    choose = random.Random(spec.seed)
    layers = _make_areas(root, spec, choose)
    folders: List[str] = []
    files: Dict[str, int] = {}
    users = round(spec.trusses * spec.popular)
    for number in range(spec.trusses):
        folder = f"trusses/t_{number:04d}"
        areas = _areas_of_truss(layers, number, users, choose)
        _make_truss(root / folder, spec, number, areas, choose)
        folders.append(folder)
        # With the config, the model, and the two files that gathering and Python want.
        files[folder] = spec.own_files + len(areas) * (MODULES_OF_AREA + 1) + 4
    if spec.large_file:
        _make_large_file(root / folders[0] / "data/weights.bin", spec.large_file, choose)
    return Generated(folders, files)


def _make_areas(root: Path, spec: Spec, choose: random.Random) -> List[Dict[str, List[str]]]:
    """By layer: the name of each area, with those that it can reach."""
    count = spec.modules // MODULES_OF_AREA - 1
    layers: List[Dict[str, List[str]]] = []
    number = 0
    for share in _LAYERS:
        layer: Dict[str, List[str]] = {}
        for _ in range(round(count * share)):
            below = [choose.choice(sorted(layers[-1]))] if layers else []
            reached = sorted({*below, *(far for near in below for far in layers[-1][near])})
            name = f"area_{number}"
            _make_area(root, spec, name, reached, choose)
            layer[name] = reached
            number += 1
        layers.append(layer)
    _make_area(root, spec, "popular", [], choose)
    return layers


def _make_area(
    root: Path, spec: Spec, name: str, reached: List[str], choose: random.Random
) -> None:
    package = root / "shared" / name / name
    package.mkdir(parents=True)
    target = "truss_external_package()\n" if spec.with_targets else ""
    sources = 'python_sources(name="sources", sources=["**/*.py"])\n'
    (root / "shared" / name / "BUILD").write_text(target + sources)
    (package / "__init__.py").write_text("")
    for number in range(MODULES_OF_AREA):
        lines = []
        for _ in range(choose.randrange(4)):
            if number and choose.random() < 0.8:
                lines.append(f"from {name}.mod_{choose.randrange(number):02d} import work\n")
            elif reached:
                area = choose.choice(reached)
                lines.append(f"import {area}.mod_{choose.randrange(MODULES_OF_AREA):02d}\n")
        lines += [
            f"\n\ndef work_{step}(value):\n    return value * {choose.randrange(9999)} + {step}\n"
            for step in range(choose.randrange(5, 40))
        ]
        lines.append("\n\ndef work(value):\n    return work_0(value)\n")
        (package / f"mod_{number:02d}.py").write_text("".join(lines))


def _areas_of_truss(
    layers: List[Dict[str, List[str]]], number: int, users: int, choose: random.Random
) -> List[str]:
    popular = ["popular"] if number < users else []
    if not layers[-1]:
        return popular
    top = choose.choice(sorted(layers[-1]))
    return sorted({top, *layers[-1][top], *popular})


def _make_truss(
    folder: Path, spec: Spec, number: int, areas: List[str], choose: random.Random
) -> None:
    (folder / "model").mkdir(parents=True)
    target = "truss()\n" if spec.with_targets else ""
    sources = 'python_sources(name="sources", sources=["**/*.py"])\n'
    (folder / "BUILD").write_text(target + sources)
    requirements = choose.sample(_REQUIREMENTS, choose.randrange(4))
    named = "".join(f"  - ../../shared/{area}\n" for area in areas)
    (folder / "config.yaml").write_text(
        f"model_name: t-{number}\npython_version: py311\n"
        + "requirements:"
        + ("".join(f"\n  - {r}" for r in requirements) or " []")
        + "\n"
        + (f"external_package_dirs:\n{named}" if areas else "")
        + 'resources: {cpu: "1", memory: 512Mi}\n'
    )
    imports = "".join(f"import {area}.mod_{choose.randrange(25):02d}\n" for area in areas)
    (folder / "model/__init__.py").write_text("")
    (folder / "model/model.py").write_text(
        imports
        + "\n\nclass Model:\n    def predict(self, model_input):\n        return model_input\n"
    )
    for file in range(spec.own_files):
        # As deep as data is in practice; a hundred to a folder.
        path = folder / f"data/part_{file // 100}/table_{file}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = choose.randrange(10, 60)
        path.write_text("".join(f"{number},{file},{choose.random()}\n" for _ in range(rows)))


def _make_large_file(path: Path, size: int, choose: random.Random) -> None:
    chunk = choose.getrandbits(8 * (1 << 20)).to_bytes(1 << 20, "little")
    with path.open("wb") as file:
        for start in range(0, size, len(chunk)):
            file.write(start.to_bytes(8, "little") + chunk[8 : size - start])
