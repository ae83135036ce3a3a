"""What is a headline about? TF-IDF and naive Bayes, trained on load from a few lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Optional

import numpy
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline

from textkit.tokens import words


class Model:
    def __init__(self, **kwargs: Any) -> None:
        self._pipeline: Optional[Pipeline] = None

    def load(self) -> None:
        lines = Path(__file__).with_name("headlines.tsv").read_text(encoding="utf-8").splitlines()
        topics, texts = zip(*(line.split("\t", 1) for line in lines))
        vectorizer = TfidfVectorizer(tokenizer=words, lowercase=False, token_pattern=None)
        self._pipeline = make_pipeline(vectorizer, MultinomialNB(alpha=0.1)).fit(texts, topics)

    def predict(self, model_input: Dict[str, Any]) -> Dict[str, Any]:
        assert self._pipeline is not None
        probabilities = self._pipeline.predict_proba([model_input["text"]])[0]
        best = int(numpy.argmax(probabilities))
        return {
            "topic": str(self._pipeline.classes_[best]),
            "probability": round(float(probabilities[best]), 4),
        }
