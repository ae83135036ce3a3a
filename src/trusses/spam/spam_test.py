"""An ordinary test of the model's own code and of what it shares: no folder is added to any path."""

from __future__ import annotations

from pathlib import Path

from model.model import Model
from spamrules import broken_rules
from training.train import main

from textkit.tokens import words


def test_rules() -> None:
    assert broken_rules("WINNER! Click NOW and CLAIM it") == ["shouting"]
    assert words("Buy NOW!") == ["buy", "now"]


def test_a_trained_model_predicts(tmp_path: Path) -> None:
    main(tmp_path)
    model = Model(data_dir=tmp_path)
    model.load()
    assert model.predict({"text": "The agenda of the meeting"})["spam"] is False
    assert model.predict({"text": "Claim your free prize, click now"})["spam"] is True
