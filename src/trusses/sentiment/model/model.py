"""Is a review favourable? Naive Bayes over words, trained on load from a few lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Optional

from features.bag import bag_of_words
from features.naive_bayes import NaiveBayes
from textkit.tokens import words


class Model:
    def __init__(self, **kwargs: Any) -> None:
        self._classifier: Optional[NaiveBayes] = None

    def load(self) -> None:
        lines = Path(__file__).with_name("reviews.tsv").read_text(encoding="utf-8").splitlines()
        examples = (line.split("\t", 1) for line in lines)
        self._classifier = NaiveBayes.train(
            (label, bag_of_words(words(text))) for label, text in examples
        )

    def predict(self, model_input: Dict[str, Any]) -> Dict[str, Any]:
        assert self._classifier is not None
        probabilities = self._classifier.probabilities(bag_of_words(words(model_input["text"])))
        return {
            "sentiment": max(sorted(probabilities), key=probabilities.__getitem__),
            "probability": round(max(probabilities.values()), 4),
        }
