import importlib
import importlib.metadata
import sys
from pathlib import Path

import pytest
import yaml

GATHERED = Path("src.trusses.topics/topics")


@pytest.fixture
def model(monkeypatch):
    """The model of the gathered truss, on the path as the Truss server has it."""
    monkeypatch.setattr(sys, "path", [str(GATHERED), *sys.path, str(GATHERED / "packages")])
    model = importlib.import_module("model.model").Model()
    model.load()
    return model


def test_examples(model):
    examples = yaml.safe_load((GATHERED / "examples.yaml").read_text())
    topics = [model.predict(example["input"])["topic"] for example in examples]
    assert topics == ["sport", "cooking"]


def test_the_gathered_config_pins_what_runs_here():
    pins = yaml.safe_load((GATHERED / "config.yaml").read_text())["requirements"]
    assert [pin.partition("==")[0] for pin in pins] == [
        "cloudpickle",
        "joblib",
        "narwhals",
        "numpy",
        "scikit-learn",
        "scipy",
        "threadpoolctl",
    ]
    for pin in pins:
        name, _, version = pin.partition("==")
        assert importlib.metadata.version(name) == version
