"""Is a message spam? Word counts from `data/`, and rules for what counts do not show."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, Optional

from spamrules import broken_rules

from features.bag import bag_of_words
from features.naive_bayes import NaiveBayes
from textkit.tokens import words


class Model:
    def __init__(self, **kwargs: Any) -> None:
        self._data_dir = Path(kwargs["data_dir"])
        self._classifier: Optional[NaiveBayes] = None
        self._threshold = float(os.environ.get("SPAM_THRESHOLD", "0.8"))

    def load(self) -> None:
        counts = json.loads((self._data_dir / "counts.json").read_text(encoding="utf-8"))
        self._classifier = NaiveBayes(counts)

    def predict(self, model_input: Dict[str, Any]) -> Dict[str, Any]:
        assert self._classifier is not None
        text = model_input["text"]
        probability = self._classifier.probabilities(bag_of_words(words(text)))["spam"]
        reasons = broken_rules(text)
        score = 1 - (1 - probability) * 0.5 ** len(reasons)
        return {"spam": score >= self._threshold, "score": round(score, 4), "reasons": reasons}
