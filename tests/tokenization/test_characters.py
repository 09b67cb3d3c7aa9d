from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kpipe.tokenization.characters import Characters
from kpipe.tokenization.special import SPECIAL, UNKNOWN
from kpipe.tokenization.vocabulary import Vocabulary


@given(st.text())
def test_every_known_text_comes_back(text: str) -> None:
    vocabulary = Vocabulary.learn(Characters(), [text])
    assert vocabulary.decode(vocabulary.encode(text)) == text


@given(st.text())
def test_capitals_are_folded(text: str) -> None:
    vocabulary = Vocabulary.learn(Characters(lowercase=True), [text])
    assert vocabulary.decode(vocabulary.encode(text)) == text.lower()
    assert UNKNOWN not in vocabulary.encode(text)


def test_characters_that_train_does_not_have_are_unknown() -> None:
    vocabulary = Vocabulary.learn(Characters(), ["cab"])
    assert vocabulary.tokens == (*SPECIAL, "a", "b", "c")
    assert vocabulary.encode("abz").tolist() == [4, 5, UNKNOWN]
    assert vocabulary.decode([4, UNKNOWN, 5]) == "a<unknown>b"
