"""Words that fuzzing inserts, by target."""

from __future__ import annotations

from typing import Dict, List

from fuzz.user_files import CONFIG

_YAML = ["&a", "*a", "<<: *a", "!!str ", "!!set ", "!!omap ", "? ", ": ", "- ", "|-\n", ">+2\n"]
_YAML += ["---\n", "...\n", "%YAML 1.1\n", "%TAG ! x\n", "\\ud800", "\\x1b", "\xef\xbb\xbf", "\r"]
_YAML += ["2024-99-99", ".nan", ".inf", "0x", "0b1", "1e400", "1:60", "py3", "null", "~", "#", "\t"]
_CONFIG = [
    f"{line.split(b':')[0].decode()}: " for line in CONFIG.split(b"\n") if line[:1].isalpha()
]

_MARKERS = ["python_version", "extra", "sys_platform", "platform_release", ">=", "~=", "===", "in"]
_HTTP = ["https://", "git+ssh://", "file:", "@", "#egg=", "://", "[::1]", "${A}", ":", "***"]
_TOML = ["[[package]]\n", "source = { ", "}", "[a]", "'''", '"""', "= [", "\\u", "1979-05-27"]

WORDS: Dict[str, List[str]] = {
    "config": _YAML + _CONFIG,
    "config_edit": [*_YAML, "external_package_dirs: ", "requirements: ", "\r\n", " # c"],
    "examples": _YAML,
    "ignore": [
        "**",
        "*/",
        "[!",
        "[a-",
        "[[:alpha:]]",
        "\\",
        "!",
        "/",
        "{",
        ",",
        "}",
        "path = ",
    ],
    "python": ["class Model", "def ", "async def ", "import ", "from . ", "\x0c", "(" * 100],
    "requirements": [*_MARKERS, *_HTTP, " --hash=", "\\\n", " ; ", "-r ", "-*- coding: utf-7"],
    "lockfile": [*_MARKERS, *_HTTP, *_TOML, "# via", "//", " @ "],
    "metadata": [*_MARKERS, *_HTTP, "; ", ".*"],
    "uv_project": [*_TOML, *_HTTP, "# from ", "--hash=", "dependencies = ["],
    "trussrc": ["[DEFAULT]", "[baseten]", "%(", "remote_url", "api_key", *_HTTP, "\n ", "\x85"],
    "layout": ["\n---\n", "null", "NaN", "[[[["],
    "record": [
        "\n---\n",
        ",",
        '"',
        "\r",
        "\x00",
        "sha256=",
        "[console_scripts]\n",
        "[DEFAULT]",
    ],
    "dockerfile": ["FROM ", "ENV ", "RUN ", "${", ":-", "$", "\\\n", "'", '"', "CMD [", *_HTTP],
    "tool_output": [
        "ERROR: ",
        "CPython==3.9.1",
        "No matching distribution found for ",
        "\x1b[",
    ],
}
