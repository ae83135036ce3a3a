import pytest

from features.bag import bag_of_words
from features.naive_bayes import NaiveBayes


def test_bag_drops_stopwords_and_joins_negations() -> None:
    bag = bag_of_words(["this", "was", "not", "good", "good"])
    assert bag == {"not_good": 1, "good": 1}


def test_naive_bayes_learns_and_round_trips() -> None:
    examples = [("ham", {"meeting": 2, "notes": 1}), ("spam", {"prize": 2, "win": 1})]
    model = NaiveBayes.train(examples)
    again = NaiveBayes(model.counts)
    probabilities = again.probabilities({"prize": 1})
    assert probabilities["spam"] > 0.6
    assert sum(probabilities.values()) == pytest.approx(1.0)


def test_unknown_words_do_not_decide() -> None:
    model = NaiveBayes({"a": {"x": 1}, "b": {"y": 1}})
    assert model.probabilities({"zzz": 5}) == {"a": 0.5, "b": 0.5}
