"""What every tokenizer keeps to, found by looking into the folder."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from kpipe.spec.one_of import components
from kpipe.tokenization.special import END, PADDING, SPECIAL, START
from kpipe.tokenization.tokenizer import Tokenizer
from kpipe.tokenization.vocabulary import Vocabulary

TRAIN = ["the dog barks .", "a dog and a cat , said the cat", "<padding> <unknown> <start> <end>", "Zoë läuft 12 km 😀"]
MADE: Mapping[str, tuple[dict[str, object], ...]] = {
    "subwords": ({"vocabulary_size": 280}, {"vocabulary_size": 280, "algorithm": "unigram"}),
    "words": ({}, {"split_on": "blanks", "lowercase": False}),
}


def vocabularies() -> list[Vocabulary]:
    found = []
    for name, component in components("kpipe.tokenization").items():
        for fields in MADE.get(name, ({},)):
            tokenizer = TypeAdapter(component).validate_python(fields)
            assert isinstance(tokenizer, Tokenizer)
            found.append(Vocabulary.learn(tokenizer, TRAIN))
    return found


VOCABULARIES = vocabularies()


def test_all_the_tokenizers_are_found() -> None:
    assert {vocabulary.tokenizer.type for vocabulary in VOCABULARIES} >= {"characters", "words", "subwords"}


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda vocabulary: vocabulary.tokenizer.type)
class TestEveryTokenizer:
    def test_numbers_begin_with_the_special_ones(self, vocabulary: Vocabulary) -> None:
        assert vocabulary.tokens[: len(SPECIAL)] == SPECIAL
        assert len(set(vocabulary.tokens)) == vocabulary.size

    @settings(deadline=None)
    @given(text=st.one_of(st.text(), st.sampled_from([*SPECIAL, *TRAIN, "".join(SPECIAL)])))
    def test_no_text_gives_padding_start_or_end(self, vocabulary: Vocabulary, text: str) -> None:
        numbers = vocabulary.encode(text)
        assert numbers.dtype == np.int32
        assert not set(numbers.tolist()) & {PADDING, START, END}
        assert all(0 < number < vocabulary.size for number in numbers)

    def test_special_numbers_are_left_out_of_a_text(self, vocabulary: Vocabulary) -> None:
        numbers = vocabulary.encode("the dog").tolist()
        assert vocabulary.decode([START, *numbers, END, PADDING, PADDING]) == vocabulary.decode(numbers) == "the dog"

    def test_train_teaches_the_same_again(self, vocabulary: Vocabulary) -> None:
        assert Vocabulary.learn(vocabulary.tokenizer, TRAIN) == vocabulary

    def test_it_survives_its_json(self, vocabulary: Vocabulary) -> None:
        again = Vocabulary.model_validate_json(vocabulary.model_dump_json())
        assert again == vocabulary
        assert again.encode(TRAIN[1]).tolist() == vocabulary.encode(TRAIN[1]).tolist()

    def test_docstring_has_its_sections(self, vocabulary: Vocabulary) -> None:
        component = type(vocabulary.tokenizer)
        assert len(component.summary()) < 110
        for section in ("Shapes:", "Raises:", "Example:", "Reference:"):
            assert section in (component.__doc__ or ""), section
        for name, field in component.model_fields.items():
            assert name == "type" or (field.description or "").strip(), name
