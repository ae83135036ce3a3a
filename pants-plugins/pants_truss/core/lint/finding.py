"""What linting finds, and the rules that find it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Collection, Dict, Iterable, List, Mapping, Optional, Tuple

from pants_truss.core.errors import TrussError
from pants_truss.core.terminal import visible, visible_line


class Severity(Enum):
    """The levels of SARIF 2.1.0. Only errors fail a run."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Rule:
    """`is_fatal` rules also stop `pants check` and `pants package` when they find an error.
    `severity` is that of most of its findings. A rule without `can_be_silenced` reports what would
    stop gathering anyway."""

    name: str
    summary: str
    help: str
    is_fatal: bool = False
    severity: Severity = Severity.ERROR
    can_be_silenced: bool = True


RULES: Tuple[Rule, ...] = (
    Rule(
        "cannot-gather",
        "The truss cannot be gathered.",
        "A file, target or setting that gathering needs is missing or not valid.",
        is_fatal=True,
        can_be_silenced=False,
    ),
    Rule(
        "collision",
        "Two sources claim one path of the gathered truss.",
        "The same path from two sources with different bytes, a file against a folder, or names "
        "that are equal but for case or Unicode normalisation. Truss silently lets the last one "
        "win.",
        is_fatal=True,
    ),
    Rule(
        "config-schema",
        "The config does not follow Truss's schema.",
        "Unknown keys, wrong types, values out of range, removed keys, missing files, duplicate "
        "keys. Truss keeps unknown keys until a deploy fails on them.",
        is_fatal=True,
    ),
    Rule(
        "deprecated",
        "The config uses a deprecated key or value.",
        "Truss still takes the key or the value, and warns. The message names the successor.",
        severity=Severity.WARNING,
    ),
    Rule(
        "dropped-file",
        "A file does not become part of what is served.",
        "The truss's own `.truss_ignore` leaves it out though the model imports it, Pants ignores "
        "it, it is a Git LFS pointer, or it is data that lies beside bundled code and belongs to "
        "no target.",
        is_fatal=True,
    ),
    Rule(
        "git-name",
        "A file whose changes `--changed-since` does not see.",
        "git quotes names with quotes, backslashes, control characters or, by default, letters "
        "that are not ASCII, and Pants takes the quoted name for the name.",
        severity=Severity.WARNING,
    ),
    Rule(
        "injection",
        "A value breaks out of its place in a Dockerfile or shell command.",
        "Line breaks, shell metacharacters and bad references in values that Truss writes into a "
        "Dockerfile as they are.",
        is_fatal=True,
    ),
    Rule(
        "invalid-requirement",
        "A requirement that an image build cannot read.",
        "`torch = 2.0` is not a valid requirement for uv, which installs the list in an image, or "
        "for pip. A line that only uv refuses is a warning.",
        is_fatal=True,
    ),
    Rule(
        "large-file",
        "A large file outside the data folder.",
        "Weights belong in `weights`, or at least in `data_dir`: every build and upload carries "
        "the files of a truss.",
        severity=Severity.WARNING,
    ),
    Rule(
        "missing-requirement",
        "The code imports a distribution that the config does not list.",
        "The server would fail at the import. `python_requirement` targets say which distribution "
        "provides what. Distributions that the model server brings are not reported. Add the "
        'distribution to `requirements`, or set `requirements="lockfile"` on the target. It is an '
        "error if the model certainly cannot load: its file imports the module outside functions "
        "and conditions, and the config lists no requirement that may bring it.",
        severity=Severity.WARNING,
    ),
    Rule(
        "model-class",
        "The server could not load or call the model class.",
        "The class that the config names is missing, or has no method, or a signature, that the "
        "model server accepts.",
        is_fatal=True,
    ),
    Rule(
        "nested-truss",
        "A truss holds the files of another truss below its folder.",
        "The outer truss uploads the inner one with it. Leave the folder out with `!` in `sources` "
        "of the target.",
        severity=Severity.WARNING,
    ),
    Rule(
        "no-effect",
        "Truss takes a value of the config that does nothing, or not what it looks like.",
        "Unknown keys where Truss accepts any, variables that the platform sets, null for the "
        "value of a variable, a folder or file that does not exist.",
        severity=Severity.WARNING,
    ),
    Rule(
        "no-target",
        "A truss without a target.",
        "No `truss` target owns the config, so no goal sees it. `pants tailor` adds the target.",
        severity=Severity.WARNING,
    ),
    Rule(
        "pin-without-index",
        "A pin is locked from an index that the image does not ask.",
        "The lockfile has it from another index than PyPI, and the config names none. An image "
        "would look for it at PyPI. Add `--extra-index-url` to `requirements` in the config.",
        severity=Severity.WARNING,
    ),
    Rule(
        "requirement-not-in-image",
        "A requirement names a file that is not in the image.",
        "Truss copies the requirements file alone into the image before it installs: `-r "
        "other.txt` and `./wheels/x.whl` fail there. Write the requirements into one file.",
        is_fatal=True,
    ),
    Rule(
        "secret",
        "A credential in a file or in the config.",
        "Private keys, `.env` files, tokens of well-known services, and values below `secrets`. "
        "Declare the secret with `null`; its value belongs in the secret store of the server.",
        is_fatal=True,
    ),
    Rule(
        "shadowed-by-requirement",
        "A bundled module has the name of one that a requirement provides.",
        "Truss appends the bundled packages to the module path, so installed ones come first.",
    ),
    Rule(
        "shadowed-by-server",
        "A bundled module has the name of one that the model server has.",
        "Truss appends the bundled packages to the module path: the server's own modules, its "
        "distributions and the standard library come first.",
    ),
    Rule(
        "unowned-python",
        "A Python file that no `python_source` target owns.",
        "Pants does not see what it imports, so that is not bundled. `pants tailor` adds targets.",
        severity=Severity.WARNING,
    ),
    Rule(
        "unpinned-requirement",
        "A requirement whose dependencies cannot be pinned.",
        "The truss takes its requirements from the lockfile, but this one does not say enough.",
        severity=Severity.WARNING,
    ),
    Rule(
        "unresolved-import",
        "An import whose module the server does not have.",
        "No file answers the import, or one that is not in an image, or one that has another name "
        "there: `/app` has the folder of the model as `model` and that of the data, `/packages` "
        "the bundled packages. Relative imports do not reach above these. The server would fail "
        "at the import.",
    ),
)

RULES_BY_NAME: Dict[str, Rule] = {rule.name: rule for rule in RULES}


@dataclass(frozen=True)
class Finding:
    """`path` is that of a file or folder relative to the build root; `line` and `column` count from
    1, where there are any."""

    rule: str
    path: str
    message: str
    severity: Severity = Severity.ERROR
    line: Optional[int] = None
    column: Optional[int] = None

    @property
    def place(self) -> str:
        """As it is printed; `path` may have characters that a terminal obeys."""
        path = visible_line(self.path)
        return f"{path}:{self.line}" if self.line else path

    @property
    def is_fatal(self) -> bool:
        return self.severity is Severity.ERROR and RULES_BY_NAME[self.rule].is_fatal

    @property
    def text(self) -> str:
        """The message with the rule's name."""
        return f"{visible(self.message).rstrip()} [{self.rule}]"


def how_to_silence(rules: Iterable[str]) -> str:
    """A sentence for the end of a list of findings; empty if no rule of theirs can be silenced."""
    if not any(RULES_BY_NAME[rule].can_be_silenced for rule in rules):
        return ""
    return "To silence a rule, add it to `[truss-lint].disable`."


@dataclass(frozen=True)
class Policy:
    """The rules that are switched off, and the severities that settings give to others."""

    disabled: Tuple[str, ...] = ()
    severities: Tuple[Tuple[str, Severity], ...] = ()

    @classmethod
    def of(cls, disable: Collection[str], severity: Mapping[str, str]) -> Policy:
        """Raises `TrussError` for unknown rules and for unknown severities."""
        for name in [*disable, *severity]:
            if name not in RULES_BY_NAME:
                raise TrussError(f"{name!r} is not a rule. Rules: {', '.join(RULES_BY_NAME)}.")
        levels = {level.value for level in Severity}
        for name, value in severity.items():
            if value not in levels:
                raise TrussError(
                    f"the severity of {name} is {value!r}. Write one of: "
                    f"{', '.join(sorted(levels))}."
                )
        return cls(
            tuple(sorted(disable)),
            tuple(sorted((name, Severity(value)) for name, value in severity.items())),
        )

    def apply(self, findings: Iterable[Finding]) -> Tuple[Finding, ...]:
        """The findings that are left, sorted by place, each once."""
        severities = dict(self.severities)
        kept = {
            replace(finding, severity=severities.get(finding.rule, finding.severity))
            for finding in findings
            if finding.rule not in self.disabled
        }
        return tuple(sorted(kept, key=_order))


def _order(finding: Finding) -> Tuple[str, int, int, str, str]:
    return (finding.path, finding.line or 0, finding.column or 0, finding.rule, finding.message)


def fatal(findings: Iterable[Finding]) -> List[Finding]:
    return [finding for finding in findings if finding.is_fatal]
