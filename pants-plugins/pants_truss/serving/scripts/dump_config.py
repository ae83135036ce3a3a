"""Writes a config with all its defaults, as in an image: the server reads keys that few configs
have. Runs inside the tool.

    dump_config.py config.yaml app/config.yaml
"""

import os
import sys
import warnings
from pathlib import Path

import yaml  # type: ignore[import]

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from validate_config import (  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
    describe,
    import_config,
)


def dump(source: Path, destination: Path) -> None:
    TrussConfig = import_config()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = TrussConfig.from_yaml(source)
    destination.parent.mkdir(parents=True, exist_ok=True)
    with destination.open("w", encoding="utf-8") as file:
        yaml.dump(config.to_dict(verbose=True), file)


if __name__ == "__main__":
    try:
        dump(Path(sys.argv[1]), Path(sys.argv[2]))
    except Exception as e:
        sys.exit("; ".join(error["message"] for error in describe(e)))
