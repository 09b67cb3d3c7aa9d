from __future__ import annotations

import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpipe.tokenization.special import SPECIAL, UNKNOWN
from kpipe.tokenization.vocabulary import Vocabulary
from kpipe.tokenization.words import Words


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Don't stop, well-known Köln!", ["don't", "stop", ",", "well-known", "köln", "!"]),
        ("Ελλάδα 日本語 привет", ["ελλάδα", "日本語", "привет"]),
        ("3.5 (50%)", ["3", ".", "5", "(", "50", "%", ")"]),
        (" \t\n", []),
    ],
)
def test_words_and_marks_of_any_script(text: str, tokens: list[str]) -> None:
    assert Words().split(text) == tokens


@pytest.mark.parametrize("text", ["a man, who (says he) runs.", "“well”, she said; no!", "3 of 4 dogs…"])
def test_what_is_written_is_put_together_as_it_was(text: str) -> None:
    tokenizer = Words()
    assert tokenizer.join(tokenizer.split(text)) == text


@given(st.lists(st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1), min_size=1))
def test_split_on_blanks_gives_back_every_known_text(words: list[str]) -> None:
    words = [unicodedata.normalize("NFC", word) for word in words]
    text = unicodedata.normalize("NFC", " ".join(words))
    vocabulary = Vocabulary.learn(Words(split_on="blanks", lowercase=False), [text])
    known = [word for word in words if word not in SPECIAL]
    assert vocabulary.decode(vocabulary.encode(" ".join(known))) == " ".join(known)


def test_capitals_are_kept_when_asked() -> None:
    assert Words(lowercase=False).split("The Dog") == ["The", "Dog"]


def test_seldom_words_are_unknown_and_the_commonest_come_first() -> None:
    vocabulary = Vocabulary.learn(Words(min_count=2), ["b b b a a c", "a"])
    assert vocabulary.tokens == (*SPECIAL, "a", "b")
    assert vocabulary.encode("a b c d").tolist() == [4, 5, UNKNOWN, UNKNOWN]
    assert Vocabulary.learn(Words(max_size=1), ["b b a a c"]).tokens == (*SPECIAL, "a")


def test_marks_of_vowels_belong_to_their_words() -> None:
    assert Words().split("हिन्दी भाषा") == ["हिन्दी", "भाषा"]
    assert Words().split("שָׁלוֹם!") == ["שָׁלוֹם", "!"]
    assert Words().split("ภาษาไทย ที่นี่") == ["ภาษาไทย", "ที่นี่"]  # between blanks one run
    assert Words().split("\u2764\ufe0f x") == ["\u2764\ufe0f", "x"]


@pytest.mark.parametrize("split_on", ["words", "blanks"])
def test_an_accent_apart_is_the_same_letter(split_on: Literal["words", "blanks"]) -> None:
    tokenizer = Words(split_on=split_on)
    assert tokenizer.split("cafe\u0301") == tokenizer.split("caf\u00e9") == ["caf\u00e9"]
