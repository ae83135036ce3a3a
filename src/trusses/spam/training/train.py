"""Counts the words of messages that people have sorted: what the model loads from `data/`.

The words are those that the server sees too: both use `textkit` and `features`.
"""

from __future__ import annotations

import json
from pathlib import Path

from features.bag import bag_of_words
from features.naive_bayes import NaiveBayes
from textkit.tokens import words


def main(out: Path) -> None:
    lines = Path(__file__).with_name("messages.tsv").read_text(encoding="utf-8").splitlines()
    messages = (line.split("\t", 1) for line in lines)
    model = NaiveBayes.train((label, bag_of_words(words(text))) for label, text in messages)
    text = json.dumps(model.counts, indent=2, sort_keys=True)
    (out / "counts.json").write_text(f"{text}\n", encoding="utf-8")
    print(f"{len(lines)} messages counted in {out / 'counts.json'}")
