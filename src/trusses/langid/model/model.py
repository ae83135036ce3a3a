"""Tells the language of a text by its letter triples."""

from __future__ import annotations

from typing import Any, Dict, List

from langprofiles import load_profiles


class Model:
    def __init__(self, **kwargs: Any) -> None:
        self._profiles: Dict[str, List[str]] = {}

    def load(self) -> None:
        self._profiles = load_profiles()

    def predict(self, model_input: Dict[str, Any]) -> Dict[str, Any]:
        padded = "_" + "_".join(model_input["text"].lower().split()) + "_"
        triples = [padded[i : i + 3] for i in range(len(padded) - 2)]
        scores = {
            language: sum(triple in profile for triple in triples)
            for language, profile in self._profiles.items()
        }
        return {"language": max(sorted(scores), key=scores.__getitem__), "scores": scores}
