"""`pants truss-explain`: what is in a gathered truss, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from pants.base.specs import Specs
from pants.engine.addresses import Address
from pants.engine.console import Console
from pants.engine.fs import Workspace
from pants.engine.goal import Goal, GoalSubsystem, Outputting
from pants.engine.rules import collect_rules, goal_rule
from pants.option.option_types import EnumOption, StrOption
from pants.util.strutil import help_text, softwrap

from pants_truss.core.errors import TrussError
from pants_truss.core.explain import describe_path, describe_truss
from pants_truss.core.graphviz import DrawnTruss, draw
from pants_truss.core.manifest import manifest, to_bytes
from pants_truss.core.paths import normalize_inside
from pants_truss.core.requirement import parse_line
from pants_truss.core.terminal import visible
from pants_truss.gather.gather import GatheredTruss, gather_truss
from pants_truss.pants_api import concurrently, filter_targets, implicitly, per_session, rule
from pants_truss.pants_api.per_session import SessionRequest, find_session
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.subsystems.lint import InvalidLintOptions
from pants_truss.target_types.field_sets import TrussFieldSet


class ExplainFormat(Enum):
    TEXT = "text"
    JSON = "json"
    DOT = "dot"


class TrussExplainSubsystem(Outputting, GoalSubsystem):
    name = "truss-explain"
    help = help_text(
        """
        Show what the gathered form of a truss holds, and why: which file comes from where, and by
        which imports. Trusses that cannot be gathered are reported after the others.

            pants truss-explain src/trusses/sentiment
            pants truss-explain --path=packages/textkit/clean.py src/trusses/sentiment
            pants truss-explain --format=dot :: | dot -Tsvg > trusses.svg
        """
    )

    path = StrOption(
        default=None,
        metavar="<path>",
        help=softwrap(
            """
            A file of the gathered truss, such as `packages/textkit/clean.py`: show where it comes
            from, with the chain of imports from the model to it. With several trusses, in those
            that have it. It has one form, whatever `format` says.
            """
        ),
    )
    format = EnumOption(
        default=ExplainFormat.TEXT,
        help=softwrap(
            """
            `text` is for people. `json` is a list with the manifest of each truss, as `pants
            package` writes it beside the gathered truss. `dot` draws trusses, shared code and
            requirements as one graph, for Graphviz.
            """
        ),
    )


class TrussExplain(Goal):
    subsystem_cls = TrussExplainSubsystem
    environment_behavior = Goal.EnvironmentBehavior.LOCAL_ONLY


@dataclass(frozen=True)
class FallibleGatheredTruss:
    """Either the gathered truss or, in `error`, why there is none."""

    address: Address
    gathered: Optional[GatheredTruss]
    error: Optional[str]


@rule
async def gather_truss_fallibly(truss: TrussFieldSet) -> FallibleGatheredTruss:
    try:
        return FallibleGatheredTruss(truss.address, await gather_truss(truss, **implicitly()), None)
    except InvalidLintOptions:
        raise
    except InvalidTruss as e:
        error = str(e)
    except Exception as e:
        # One of Pants, which cannot parse a file for example.
        error = f"{truss.address}: it cannot be gathered: {visible(str(e))}"
    await find_session(SessionRequest(), **implicitly())
    return FallibleGatheredTruss(truss.address, None, error)


@goal_rule
async def explain_trusses(
    console: Console, subsystem: TrussExplainSubsystem, specs: Specs, _workspace: Workspace
) -> TrussExplain:
    # The workspace is not for use, and targets come of specs that were taken: with what a goal
    # leaves of what it is given, the graph of rules is solved once more, for all that can build an
    # environment. That was 10 % of what Pants does to start (benchmarks/start.py).
    targets = await filter_targets(specs, **implicitly())
    requests = [
        TrussFieldSet.create(target)
        for target in sorted(targets, key=lambda target: target.address)
        if TrussFieldSet.is_applicable(target)
    ]
    if not requests:
        console.print_stderr(
            "No truss target was named. `pants list --filter-target-type=truss ::` lists them, and "
            "`pants tailor ::` adds those that are missing."
        )
        return TrussExplain(exit_code=1)
    tried = await concurrently(
        gather_truss_fallibly(request, **implicitly()) for request in requests
    )
    found = [(each.address, each.gathered) for each in tried if each.gathered]
    errors = [each.error for each in tried if each.error]
    try:
        if found:
            text = _render(subsystem, [address for address, _ in found], [t for _, t in found])
            with subsystem.output(console) as write:
                write(text)
    except TrussError as e:
        errors.insert(0, str(e))
    for error in errors:
        console.print_stderr(console.red(error))
    if len(errors) > 1 and found:
        console.print_stderr(f"{len(errors)} of {len(tried)} trusses cannot be gathered.")
    return TrussExplain(exit_code=int(bool(errors)))


def _render(
    subsystem: TrussExplainSubsystem, addresses: Sequence[Address], trusses: Sequence[GatheredTruss]
) -> str:
    named = list(zip((address.spec for address in addresses), trusses))
    if subsystem.path is not None:
        return _render_path(subsystem.path, named)
    if subsystem.format is ExplainFormat.JSON:
        manifests = [manifest(n, t.files, t.requirements, t.tree_digest) for n, t in named]
        return to_bytes(manifests).decode()
    if subsystem.format is ExplainFormat.DOT:
        return draw([_drawn(name, truss) for name, truss in named])
    return "\n".join(
        describe_truss(name, t.files, t.requirements, t.tree_digest) for name, t in named
    )


def _render_path(path: str, named: Sequence[Tuple[str, GatheredTruss]]) -> str:
    """Renders the file in each truss that has it. Raises `TrussError` if no truss has it."""
    normal = normalize_inside(path) or path
    having = [(n, t) for n, t in named if any(file.path == normal for file in t.files)]
    return "\n".join(
        describe_path(
            name, normal, truss.files, truss.imports.graph.via, truss.imports.graph.file_by_node
        )
        for name, truss in having or named[:1]
    )


def _drawn(name: str, truss: GatheredTruss) -> DrawnTruss:
    distributions: Dict[str, List[str]] = {}
    for required in truss.imports.requirements:
        line = parse_line(required.requirement)
        if line and line.name:
            distributions.setdefault(required.address, []).append(line.name)
    return DrawnTruss(
        name,
        truss.files,
        truss.requirements,
        truss.imports.graph.edges,
        truss.imports.graph.file_by_node,
        distributions,
        dict(truss.package_roots),
    )


def rules() -> Iterable[object]:
    return [*collect_rules(), *per_session.rules()]
