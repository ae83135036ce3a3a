"""Estimates reading time from the number of words."""

from __future__ import annotations

import math
from typing import Any, Dict

WORDS_PER_MINUTE = {"slow": 150, "average": 230, "fast": 320}


class Model:
    def __init__(self, **kwargs: Any) -> None:
        self._speeds: Dict[str, int] = {}

    def load(self) -> None:
        self._speeds = dict(WORDS_PER_MINUTE)

    def predict(self, model_input: Dict[str, Any]) -> Dict[str, Any]:
        speed = self._speeds[model_input.get("reader", "average")]
        count = len(model_input["text"].split())
        return {"words": count, "seconds": math.ceil(count * 60 / speed)}
