"""Validates configs with the installed Truss, like a load and a push. Runs inside the tool.

    validate_config.py 0.yaml 1.yaml ...

Prints a JSON list with, for each config, a list of `{"key": [...], "message": ...}`.
"""

import importlib.util
import json
import sys
import types
import warnings
from pathlib import Path
from typing import Any, Dict, List


def import_config() -> Any:
    """Imports the config class without the rest of Truss, which takes three times as long. In a
    release where that fails, imports all of Truss."""
    spec = importlib.util.find_spec("truss")
    stub: Any = types.ModuleType("truss")
    stub.__path__ = list(spec.submodule_search_locations or []) if spec else []
    stub.__version__ = ""
    sys.modules["truss"] = stub
    try:
        from truss.base.truss_config import TrussConfig
    except (ImportError, AttributeError):
        for name in [name for name in sys.modules if name.partition(".")[0] == "truss"]:
            del sys.modules[name]
        from truss.base.truss_config import TrussConfig
    return TrussConfig


def describe(error: Exception) -> List[Dict[str, Any]]:
    """Returns each error of pydantic, or the message of any other error."""
    errors = getattr(error, "errors", None)
    if callable(errors):
        found = errors()
        return [{"key": list(entry["loc"]), "message": entry["msg"]} for entry in found]
    return [{"key": [], "message": f"{type(error).__name__}: {error}"}]


def validate(TrussConfig: Any, path: str) -> List[Dict[str, Any]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            config = TrussConfig.from_yaml(Path(path))
            if hasattr(config, "validate_forbid_extra"):
                config.validate_forbid_extra()
    except Exception as e:
        return describe(e)
    return []


if __name__ == "__main__":
    # Truss logs about configs; standard output must hold only the answer.
    output = sys.stdout
    sys.stdout = sys.stderr
    config_class = import_config()
    found = [validate(config_class, path) for path in sys.argv[1:]]
    json.dump(found, output)
    # Python flushes only what `sys.stdout` is at the end.
    output.flush()
