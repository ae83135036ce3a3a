"""Facts of the Truss release that the plugin relies on and that no other test would notice."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, Dict, List

import truss
from truss.base.truss_config import K8S_RESERVED_ENVIRONMENT_VARIABLES, TrussConfig
from truss.base.truss_spec import TrussSpec
from truss.remote.baseten.api import BasetenApi
from truss.remote.baseten.core import ACTIVE_STATUS, DEPLOYING_STATUSES
from truss.remote.baseten.remote import RAW_CONFIG_MAX_BYTES
from truss.remote.remote_factory import _INLINE_SECRET_KEYS, RemoteFactory

_DEFAULTS = ("data_dir", "examples_filename", "python_version")


def internals(truss_dir: str) -> Dict[str, Any]:
    """`truss_dir` is that of a truss with examples, and with an entry of two lines in its list of
    requirements."""
    config = TrussConfig()
    spec = TrussSpec(Path(truss_dir))
    booleans = TrussConfig.from_dict({"environment_variables": {"A": True, "B": 1}})
    return {
        "config_keys": sorted(TrussConfig.model_fields),
        "defaults": {key: getattr(config, key) for key in _DEFAULTS},
        "environment_variables": dict(booleans.environment_variables),
        "examples": [[example.name, example.input] for example in spec.examples],
        "requirements_txt": spec.requirements_txt,
        "reserved_environment": sorted(K8S_RESERVED_ENVIRONMENT_VARIABLES),
        "raw_config_max_bytes": RAW_CONFIG_MAX_BYTES,
        "secret_keys": sorted(_INLINE_SECRET_KEYS),
        "has_remote_team": hasattr(RemoteFactory, "get_remote_team"),
        "not_found": BasetenApi.GraphQLErrorCodes.RESOURCE_NOT_FOUND.value,
        "up": ACTIVE_STATUS,
        "starting": sorted(DEPLOYING_STATUSES),
        "methods": _members("templates/server/model_wrapper.py", "MethodName"),
        "deployment_name": _found("remote/baseten/remote.py", r're\.match\(r"([^"]+)", deployment'),
        "update_check": _found("cli/utils/common.py", r'environ\.get\("(\w*UPDATE_CHECK)"'),
        "timed_out": _found("cli/cli.py", r'raise (TimeoutError\("[^"]+"\))'),
        "json_logging": _found("templates/shared/log_config.py", r'environ\.get\("(\w+LOGGING)"'),
        "failed_file": _found("templates/server/truss_server.py", r"^(\w+FAILED_FILE) = "),
        "packages": _found("templates/server/model_wrapper.py", r"sys\.path\.(\w+)\("),
    }


def _source(path: str) -> str:
    return (Path(truss.__file__).parent / path).read_text(encoding="utf-8")


def _found(path: str, pattern: str) -> List[str]:
    return sorted(set(re.findall(pattern, _source(path), re.MULTILINE)))


def _members(path: str, name: str) -> List[str]:
    """Names of the members of an enumeration in a module that only an image can import."""
    (found,) = (
        node
        for node in ast.walk(ast.parse(_source(path)))
        if isinstance(node, ast.ClassDef) and node.name == name
    )
    return sorted(
        target.id
        for node in found.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    )
