from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kpipe.data.preparation.ragged import Ragged
from kpipe.data.preparation.sentences import Sentence, vocabulary_of
from kpipe.data.preparation.tags import Tags
from kpipe.errors import DataError, KpipeWarning
from kpipe.signature import Target
from kpipe.tokenization.special import IGNORED
from kpipe.tokenization.vocabulary import Vocabulary
from kpipe.tokenization.words import Words

VOCABULARY = Vocabulary.learn(Words(), ["the dog barks ."])
TAGS = Tags(vocabulary=VOCABULARY, target=Target(task="tags", names=("DET", "NOUN", "PUNCT", "VERB")), max_length=5)
TAGGED = "1\tThe\tthe\tDET\n2\tdog\tdog\tNOUN\n\n1\tDog\tdog\tNOUN\n2\t.\t.\tPUNCT\n\n"


def rows(columns: Any) -> list[list[str]]:
    tokens = columns["tokens"]
    assert isinstance(tokens, Ragged)
    return [VOCABULARY.words(tokens.at(index).tolist()) for index in range(len(tokens))]


def test_marks_are_cut_off_the_words_of_plain_text() -> None:
    assert rows(TAGS.prepare(["The dog barks.", "Dog"])) == [["the", "dog", "barks", "."], ["dog"]]
    assert rows(TAGS.prepare(np.array(["Dog"]))) == [["dog"]]


def test_lists_of_words_stay_as_they_are() -> None:
    prepared = TAGS.prepare([["The", "dog", "barks."], ["the"]])
    assert rows(prepared) == [["the", "dog", "<unknown>"], ["the"]]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ([["the"], []], "input 1: holds no word"),
        (["the", ""], "input 1: holds no word"),
        ([["the", 3]], "input 0: holds 3, expected words"),
        (["the", 3], "input 1: is 3, expected a text"),
    ],
)
def test_what_is_no_sentence_is_named(raw: Any, message: str) -> None:
    with pytest.raises(DataError) as error:
        TAGS.prepare(raw)
    assert message in error.value.message


def test_conll_files_with_tags_and_without(tmp_path: Path) -> None:
    path = tmp_path / "a.conllu"
    path.write_text(TAGGED)
    examples = TAGS.read([path])
    assert rows(examples.inputs) == [["the", "dog"], ["dog", "."]]
    assert examples.names == (f"{path}:1", f"{path}:4")
    assert isinstance(examples.targets, Ragged)
    assert [examples.targets.at(index).tolist() for index in (0, 1)] == [[0, 1], [1, 2]]
    assert examples.targets.padding == IGNORED
    (tmp_path / "b.conllu").write_text("1\tThe\n2\tdog\n")
    bare = TAGS.read([tmp_path / "b.conllu"])
    assert rows(bare.inputs) == [["the", "dog"]]
    assert bare.targets is None


def test_a_tag_that_train_does_not_have(tmp_path: Path) -> None:
    (tmp_path / "a.conllu").write_text(TAGGED.replace("PUNCT", "NUON"))
    with pytest.raises(DataError, match="line 4 has the tag `NUON`") as error:
        TAGS.read([tmp_path / "a.conllu"])
    assert error.value.hint == "did you mean `NOUN`?"


def test_an_accent_apart_is_the_same_word() -> None:
    train = vocabulary_of([Sentence(["cafe\u0301"], ["NOUN"], 1)], Words())
    assert train.tokens[-1] == "caf\u00e9"


def test_lines_of_a_plain_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The dog barks.\n\nDog\n")
    examples = TAGS.read([tmp_path / "a.txt"])
    assert rows(examples.inputs) == [["the", "dog", "barks", "."], ["dog"]]
    assert examples.names[1] == f"{tmp_path / 'a.txt'}:2"


def test_longer_sentences_are_cut_with_a_warning_and_their_tags_too(tmp_path: Path) -> None:
    with pytest.warns(KpipeWarning, match="cut to 5 words.* the longest has 7"):
        assert rows(TAGS.prepare([["dog"] * 7, ["the"]])) == [["dog"] * 5, ["the"]]
    (tmp_path / "a.conllu").write_text("".join(f"{place + 1}\tdog\t_\tNOUN\n" for place in range(9)))
    with pytest.warns(KpipeWarning, match="the longest has 9"):
        examples = TAGS.read([tmp_path / "a.conllu"])
    assert isinstance(examples.targets, Ragged)
    assert examples.targets.lengths.tolist() == [5]
