"""A multinomial naive Bayes classifier over bags of words, small enough to read."""

from __future__ import annotations

import math
from typing import Dict, Iterable, Mapping, Tuple

Bag = Mapping[str, int]


class NaiveBayes:
    """`counts` maps each label to how often each word was seen in texts of that label."""

    def __init__(self, counts: Mapping[str, Mapping[str, int]]) -> None:
        self._counts = {label: dict(words) for label, words in counts.items()}
        self._vocabulary = {word for words in self._counts.values() for word in words}

    @classmethod
    def train(cls, examples: Iterable[Tuple[str, Bag]]) -> NaiveBayes:
        counts: Dict[str, Dict[str, int]] = {}
        for label, bag in examples:
            words = counts.setdefault(label, {})
            for word, count in bag.items():
                words[word] = words.get(word, 0) + count
        return cls(counts)

    @property
    def counts(self) -> Dict[str, Dict[str, int]]:
        return {label: dict(sorted(words.items())) for label, words in sorted(self._counts.items())}

    def probabilities(self, bag: Bag) -> Dict[str, float]:
        """Label -> probability, with add-one smoothing and equal priors."""
        scores = {label: self._log_likelihood(words, bag) for label, words in self._counts.items()}
        best = max(scores.values())
        weights = {label: math.exp(score - best) for label, score in scores.items()}
        total = sum(weights.values())
        return {label: weight / total for label, weight in sorted(weights.items())}

    def _log_likelihood(self, words: Mapping[str, int], bag: Bag) -> float:
        total = sum(words.values()) + len(self._vocabulary)
        return sum(
            count * math.log((words.get(word, 0) + 1) / total)
            for word, count in bag.items()
            if word in self._vocabulary
        )
