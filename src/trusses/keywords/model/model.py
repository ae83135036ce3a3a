"""The words that a text repeats most."""

from __future__ import annotations

from typing import Any, Dict

from features.bag import bag_of_words
from textkit.tokens import words


class Model:
    def __init__(self, **kwargs: Any) -> None:
        pass

    def predict(self, model_input: Dict[str, Any]) -> Dict[str, Any]:
        counts = bag_of_words(words(model_input["text"]))
        ranked = sorted(counts, key=lambda word: (-counts[word], word))
        return {"keywords": ranked[: model_input.get("count", 5)]}
