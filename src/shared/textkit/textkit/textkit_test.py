import pytest

from textkit.clean import normalise
from textkit.tokens import ngrams, sentences, words


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("  Hello\tWorld ", "hello world"),
        ("<p>Fish &amp; chips</p>", "fish & chips"),
        ("see https://example.com/x?y now", "see now"),
        ("Don\u2019t", "don't"),
        ("\uff26\uff35\uff2c\uff2c", "full"),
    ],
)
def test_normalise(raw: str, clean: str) -> None:
    assert normalise(raw) == clean


def test_words_keep_apostrophes_and_drop_digits() -> None:
    assert words("Don't panic, 42 times!") == ["don't", "panic", "times"]


def test_sentences() -> None:
    assert sentences("One. Two? Three") == ["One.", "Two?", "Three"]
    assert sentences("  ") == []


def test_ngrams_mark_word_edges() -> None:
    assert list(ngrams("ab", 2)) == ["_a", "ab", "b_"]
