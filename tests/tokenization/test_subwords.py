from __future__ import annotations

import sys
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from kpipe.errors import MissingExtra
from kpipe.tokenization.special import SPECIAL, UNKNOWN
from kpipe.tokenization.subwords import Subwords, made
from kpipe.tokenization.vocabulary import Vocabulary

SENTENCES = ["Ein Mann läuft.", "Zwei Männer laufen und ein Hund läuft mit.", "Ein Hund!"] * 5
BPE = Vocabulary.learn(Subwords(vocabulary_size=300), SENTENCES)
UNIGRAM = Vocabulary.learn(Subwords(vocabulary_size=300, algorithm="unigram"), SENTENCES)
BOTH = pytest.mark.parametrize("vocabulary", [BPE, UNIGRAM], ids=["bpe", "unigram"])


@BOTH
@settings(deadline=None)
@given(text=st.text())
def test_every_text_comes_back_and_none_is_unknown(vocabulary: Vocabulary, text: str) -> None:
    numbers = vocabulary.encode(text)
    assert vocabulary.decode(numbers) == text
    assert UNKNOWN not in numbers


@BOTH
@pytest.mark.parametrize("text", ["  two  blanks ", "<padding>", "<unknown>", "</s>", "a\n\n\tb\x00", "😁👍🏽"])
def test_blanks_marks_and_what_looks_special_come_back(vocabulary: Vocabulary, text: str) -> None:
    assert vocabulary.decode(vocabulary.encode(text)) == text


@BOTH
def test_train_is_cut_into_few_tokens_and_what_is_new_into_many(vocabulary: Vocabulary) -> None:
    assert vocabulary.size <= 300
    assert len(vocabulary.encode(SENTENCES[1])) < len(SENTENCES[1]) * 0.9
    assert len(vocabulary.encode("Zyklop")) > 3


def test_frequent_words_are_one_token() -> None:
    assert BPE.words(BPE.encode(" läuft").tolist()) == ["ĠlÃ¤uft"]


def test_capitals_are_folded() -> None:
    vocabulary = Vocabulary.learn(Subwords(vocabulary_size=300, lowercase=True), SENTENCES)
    assert vocabulary.decode(vocabulary.encode("EIN HUND Ä")) == "ein hund ä"


@given(st.text())
def test_the_words_that_are_cut_make_up_the_text(text: str) -> None:
    assert "".join(Subwords().split(text)) == text


def test_the_librarys_tokenizer_is_made_once() -> None:
    assert made(BPE.state) is made(BPE.state)


@pytest.mark.parametrize("algorithm", ["bpe", "unigram"])
def test_chance_changes_nothing(algorithm: Literal["bpe", "unigram"]) -> None:
    tokenizer = Subwords(vocabulary_size=290, algorithm=algorithm)
    states = {Vocabulary.learn(tokenizer, SENTENCES).state for _ in range(4)}
    assert len(states) == 1


def test_every_byte_has_room() -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 260"):
        Subwords(vocabulary_size=259)
    assert Vocabulary.learn(Subwords(vocabulary_size=260), SENTENCES).size == len(SPECIAL) + 256


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingExtra) as error:
        Vocabulary.learn(Subwords(), SENTENCES)
    assert error.value.hint == "pip install 'kpipe[text]'"
