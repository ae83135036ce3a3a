"""Prepares the imports of a planned truss for `core.lint.unresolved_imports`."""

from __future__ import annotations

from collections import defaultdict
from typing import Collection, Dict, FrozenSet, Iterable, Iterator, List, Mapping, Tuple

from pants_truss.core.gathered import GatheredFile
from pants_truss.core.lint.unresolved_imports import ImageModules, ImportCheck, PythonFile
from pants_truss.core.module_names import module_stem
from pants_truss.core.paths import is_within
from pants_truss.core.requirement import parse_if_valid
from pants_truss.core.requirement_files import is_read_by_uv
from pants_truss.core.server_layout import MODEL, place_in_image
from pants_truss.gather.plan import PlannedTruss


def import_check(
    planned: PlannedTruss,
    reached: Collection[GatheredFile],
    contents: Mapping[str, bytes],
    provided: FrozenSet[str],
    release: Tuple[int, ...],
) -> ImportCheck:
    """`reached` are the files whose imports are looked at, `contents` has theirs by the path in the
    truss. `provided` and `release` are those of `ImageModules`."""
    image = _image_modules(planned, provided, release)
    return ImportCheck(list(_python_files(planned, image, reached, contents)), image)


def _image_modules(
    planned: PlannedTruss, provided: FrozenSet[str], release: Tuple[int, ...]
) -> ImageModules:
    config, files = planned.config_file.config, planned.plan.files
    places = place_in_image(files, config)
    models = [path for path, file in places.items() if file.path == config.model_file]
    return ImageModules(
        {path: file.source or file.path for path, file in places.items()},
        {
            module_stem(file.path): file.source or file.path
            for file in files
            if file.path.endswith(".py")
        },
        provided,
        _distributions(planned),
        not is_read_by_uv(config.requirements_file)
        and all(_has_name(required.requirement) for required in planned.requirements),
        next((path for path in models if is_within(path, MODEL)), ""),
        release,
        config.bundled_packages_dir,
    )


def _distributions(planned: PlannedTruss) -> List[str]:
    lines = (parse_if_valid(required.requirement) for required in planned.requirements)
    return [line.name for line in lines if line and line.name]


def _has_name(requirement: str) -> bool:
    """False for a URL that may be any distribution, and for an option that may bring others."""
    line = parse_if_valid(requirement)
    return line is not None and (
        bool(line.name) or (line.is_option and not line.text.startswith(("-r", "--req")))
    )


def _python_files(
    planned: PlannedTruss,
    image: ImageModules,
    reached: Iterable[GatheredFile],
    contents: Mapping[str, bytes],
) -> Iterator[PythonFile]:
    """Without files that have two names in an image: what fails as one may work as the other."""
    places: Dict[str, List[str]] = defaultdict(list)
    for path, source in image.paths.items():
        places[source].append(path)
    leads_to = _own_imports(planned)
    for file in reached:
        source = file.source or file.path
        if len(places[source]) == 1:
            found = tuple(leads_to.get(source, ()))
            yield PythonFile(places[source][0], source, contents[file.path], found)


def _own_imports(planned: PlannedTruss) -> Dict[str, List[str]]:
    """The files of the truss that each file imports or names in its target, by their sources."""
    present = {file.source or file.path for file in planned.plan.files}
    files = planned.imports.graph.file_by_node
    found: Dict[str, List[str]] = defaultdict(list)
    for importer, imported in planned.imports.graph.edges:
        if files.get(imported) in present and importer in files:
            found[files[importer]].append(files[imported])
    return found
