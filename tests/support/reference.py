"""Makes docs/reference.md of what `pants help` says:

    ./pants help-all | python3 tests/support/reference.py > docs/reference.md

`tests/reference_test.py` fails until that is done.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import textwrap
from itertools import groupby
from typing import Any, Dict, Iterable, Iterator, List

HEAD = """\
# Reference

Every target, goal and option of the plugin, as `pants help` has them: `pants help truss`,
`pants help truss-lint`, and `pants help-advanced truss-gather` for what is marked *advanced*. This
page is made from that (`tests/support/reference.py`).
"""

# Fields that each target of Pants has, and options that each tool of Pants has.
COMMON_FIELDS = ("tags", "description")
COMMON_OPTIONS = ("requirements", "interpreter_constraints", "console_script", "entry_point")

# By what code begins with; all else is a BUILD file.
LANGUAGES = {"toml": r"\[[a-z.-]+\]", "text": r"(\./)?pants ", "yaml": r"# \S+\.yaml\n"}


def page(help_all: Dict[str, Any]) -> str:
    return "\n".join(
        [
            HEAD,
            "## Targets\n",
            "Each has `tags` and `description` too, as all targets of Pants.\n",
            *_targets(help_all["name_to_target_type_info"]),
            "## Goals and options\n",
            "Tools that are distributions, such as `[truss-cli]`, also have the options of all "
            "such tools of Pants, as `requirements` and `interpreter_constraints`.\n",
            "An option `x` of `[truss-lint]` is a line below `[truss-lint]` of `pants.toml`, "
            "`--truss-lint-x` on the command line, and `PANTS_TRUSS_LINT_X` in the environment.\n",
            *_subsystems(help_all["scope_to_help_info"]),
        ]
    )


def _targets(targets: Dict[str, Any]) -> Iterator[str]:
    for name, target in sorted(targets.items()):
        if not str(target["provider"]).startswith("pants_truss"):
            continue
        yield f"### `{name}`\n\n{_text(target['description'])}\n"
        for field in target["fields"]:
            if field["alias"] in COMMON_FIELDS:
                continue
            default = "required" if field["required"] else _default(field["default"])
            kind = field["type_hint"].replace(" | None", "")
            yield f"#### `{name}`: `{field['alias']}`\n\n`{kind}`, {default}\n"
            yield f"{_text(field['description'])}\n"


def _subsystems(scopes: Dict[str, Any]) -> Iterator[str]:
    for scope, subsystem in sorted(scopes.items()):
        # `pants_truss.image` brings along sections of other backends.
        if not scope.startswith("truss"):
            continue
        what = f"`pants {scope}`" if subsystem["is_goal"] else f"`[{scope}]`"
        yield f"### {what}\n\n{_text(subsystem['description'])}\n"
        for kind in ("basic", "advanced"):
            for option in subsystem[kind]:
                if option["config_key"] not in COMMON_OPTIONS:
                    yield from _option(scope, option, " (advanced)" if kind == "advanced" else "")


def _option(scope: str, option: Dict[str, Any], note: str) -> Iterator[str]:
    choices: Iterable[str] = option["choices"] or ()
    kind = " | ".join(f'"{choice}"' for choice in choices) or option["typ"]
    yield f"#### `[{scope}].{option['config_key']}`{note}\n"
    yield f"`{kind}`, {_default(option['default'])}\n"
    yield f"{_text(option['help'])}\n"


def _default(value: Any) -> str:
    """Formats a default. Defaults of fields come as a text, in Python syntax."""
    if value is None:
        return "no default"
    if isinstance(value, str) and value[:1] in ("'", "("):
        value = ast.literal_eval(value)
    return f"default: `{value if isinstance(value, str) else json.dumps(value)}`"


def _text(text: str) -> str:
    """Makes code blocks of indented lines, which are code in the help of a terminal."""
    lines: List[str] = []
    for is_code, group in groupby(text.strip("\n").splitlines(), lambda x: x.startswith("    ")):
        part = textwrap.dedent("\n".join(group)).strip("\n")
        lines += [f"```{_language(part)}", part, "```"] if is_code else ["", part, ""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines).strip("\n"))


def _language(code: str) -> str:
    for language, beginning in LANGUAGES.items():
        if re.match(beginning, code):
            return language
    return "python"


if __name__ == "__main__":
    sys.stdout.write(page(json.load(sys.stdin)))
