from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kpipe.data.preparation.running_text import windows
from kpipe.data.splits import Split, Splits
from kpipe.data.text import Text
from kpipe.errors import DataError
from kpipe.tokenization.characters import Characters
from kpipe.tokenization.special import IGNORED
from kpipe.tokenization.vocabulary import Vocabulary

ALPHABET = "abcdefghijklmnopqrstuvwxyz"
VOCABULARY = Vocabulary.learn(Characters(), [ALPHABET])


def load(**fields: Any) -> Splits:
    return Text.model_validate(fields).load(0)


def texts(splits: Splits, split: Split) -> list[str]:
    vocabulary = splits.signature.input.vocabulary
    assert vocabulary is not None
    return [vocabulary.decode(row) for row in split.take(np.arange(len(split)))["tokens"]]


def test_tiny_shakespeare(shared_data: Path) -> None:
    path = shared_data / "tiny_shakespeare" / "input.txt"
    splits = load(path=str(path), context=256, split={"validation": 0.05, "test": 0.05})
    whole = path.read_text()
    parts = ["".join(texts(splits, split)) for _, split in splits]
    assert len(whole) == 1_115_394
    assert "".join(parts)[:1000] == whole[:1000]
    assert whole.startswith(parts[0])
    assert whole[:-1].endswith(parts[2])
    assert [len(part) + 1 for part in parts] == [1_003_854, 55_770, 55_770], "its last character has none after it"
    assert splits.signature.target.size == len(set(whole)) + 4


def test_windows_follow_each_other_and_the_last_is_shorter(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(ALPHABET * 4)
    splits = load(path=str(tmp_path / "a.txt"), context=10)
    train = texts(splits, splits.train)
    assert "".join(train) == (ALPHABET * 4)[:83], "84 characters of which 83 are followed by one"
    assert [len(window) for window in train] == [10] * 8 + [3]
    assert splits.signature.input.max_length == 12


@given(st.integers(2, 60), st.integers(1, 20), st.integers(1, 20))
def test_each_token_is_foretold_from_the_one_before_it(length: int, context: int, stride: int) -> None:
    text = (ALPHABET * 3)[:length]
    numbers = VOCABULARY.encode(text)
    stride = min(stride, context)
    columns = windows(text, VOCABULARY, context, stride, "train")
    tokens, targets = columns["tokens"], columns["target"]
    covered: set[int] = set()
    for index in range(len(tokens)):
        begin = index * stride
        window = tokens.at(index)  # type: ignore[union-attr]
        np.testing.assert_array_equal(window, numbers[begin : begin + len(window)])
        np.testing.assert_array_equal(targets.at(index), numbers[begin + 1 : begin + 1 + len(window)])  # type: ignore[union-attr]
        assert len(window) == context or begin + len(window) == length - 1
        covered |= set(range(begin, begin + len(window)))
    assert covered == set(range(length - 1))
    assert begin + len(window) == length - 1
    assert index == 0 or begin - stride + context < length - 1, "the one before did not reach the end"


def test_no_window_crosses_a_border_and_only_those_of_train_overlap(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("t" * 800 + "v" * 100 + "e" * 100)
    splits = load(path=str(tmp_path / "a.txt"), context=10, stride=5)
    vocabulary = splits.signature.input.vocabulary
    assert vocabulary is not None
    assert vocabulary.tokens[4:] == ("t",), "learned on train alone"
    assert [len(split) for _, split in splits] == [159, 10, 10]
    counts = [int((split.take(np.arange(len(split)))["target"] != IGNORED).sum()) for _, split in splits]
    assert counts[1:] == [99, 99], "each token counts once"


def test_a_folder_and_a_list_of_files(tmp_path: Path) -> None:
    folder = tmp_path / "books"
    folder.mkdir()
    for name, text in {"b.txt": "second " * 20, "a.txt": "first " * 20, "notes.md": "none "}.items():
        (folder / name).write_text(text)
    of_folder = load(path=str(folder), context=8)
    both = ["a.txt", "b.txt"]
    of_list = load(path=[str(folder / name) for name in both], context=8)
    assert of_folder.fingerprint == of_list.fingerprint
    assert texts(of_folder, of_folder.train)[0] == "first fi"
    other = load(path=[str(folder / name) for name in reversed(both)], context=8)
    assert other.fingerprint != of_folder.fingerprint


def test_words_and_their_prompts(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("to be or not to be, that is the question. " * 40)
    splits = load(path=str(tmp_path / "a.txt"), tokenizer="words", context=8)
    prepared = splits.preparation.prepare(["To be or not"])
    vocabulary = splits.signature.input.vocabulary
    assert vocabulary is not None
    assert vocabulary.decode(prepared["tokens"].at(0)) == "to be or not"  # type: ignore[union-attr]


def test_mistakes_of_the_data(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("abcdefgh")
    with pytest.raises(DataError, match="validation is left with 1 tokens"):
        load(path=str(tmp_path / "a.txt"))
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match=r"none: holds no \.txt file"):
        load(path=str(tmp_path / "none"))
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="is no UTF-8 text"):
        load(path=str(tmp_path / "b.txt"))


@pytest.mark.parametrize("fields", [{"stride": 200}, {"path": "nowhere.txt"}, {"context": 0}])
def test_mistakes_of_the_fields(tmp_path: Path, fields: dict[str, Any]) -> None:
    (tmp_path / "a.txt").touch()
    with pytest.raises(ValidationError):
        Text.model_validate({"path": str(tmp_path / "a.txt"), **fields})
