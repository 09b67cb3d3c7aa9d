from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kpipe.data.preparation.load import load_preparation
from kpipe.data.preparation.ragged import Ragged
from kpipe.data.preparation.text import Text
from kpipe.data.text_form import TextForm
from kpipe.errors import DataError, KpipeWarning
from kpipe.signature import Target
from kpipe.tokenization.special import END, IGNORED, START, UNKNOWN
from kpipe.tokenization.vocabulary import Vocabulary
from kpipe.tokenization.words import Words

VOCABULARY = Vocabulary.learn(Words(), ["a good film", "a bad film"])
CLASSES = Text(
    vocabulary=VOCABULARY,
    text="sentence",
    targets=("kind",),
    target=Target(task="classes", names=("bad", "good")),
    max_length=4,
)
WRITES = Text(vocabulary=VOCABULARY, text="from", targets=("to",), target=Target(task="text", vocabulary=VOCABULARY))
CONTINUES = Text(vocabulary=VOCABULARY, target=Target(task="next_token", vocabulary=VOCABULARY), max_length=3)


def rows(columns: Any, name: str = "tokens") -> list[str]:
    column = columns[name]
    assert isinstance(column, Ragged)
    assert column.values.dtype == np.int32
    return [VOCABULARY.decode(column.at(index)) for index in range(len(column))]


@pytest.mark.parametrize(
    "raw",
    [
        ["A good film", "bad"],
        ("A good film", "bad"),
        np.array(["A good film", "bad"]),
        np.array([["A good film"], ["bad"]], dtype=object),
        pd.DataFrame({"sentence": ["A good film", "bad"], "kind": ["x", "y"]}),
        pd.DataFrame({"text": ["A good film", "bad"]}),
    ],
)
def test_texts_in_memory(raw: Any) -> None:
    assert rows(CLASSES.prepare(raw)) == ["a good film", "bad"]


def test_inputs_are_named_after_the_task() -> None:
    assert set(CLASSES.prepare(["a"])) == {"tokens"}
    assert set(WRITES.prepare(["a"])) == {"source"}
    assert set(CONTINUES.prepare(["a"])) == {"tokens"}


def test_what_train_does_not_have_is_unknown() -> None:
    assert CLASSES.prepare(["a zebra"])["tokens"].at(0).tolist()[1] == UNKNOWN  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (["a", ""], "1 of 2 texts hold no token, the first at row 1"),
        (["a", " \n"], "1 of 2 texts hold no token, the first at row 1"),
        (["a", 3], "input 1: is 3, expected a text"),
        (pd.DataFrame({"sentense": ["a"], "kind": ["x"]}), "no column `sentence`"),
        (pd.DataFrame({"sentence": ["a", None], "kind": ["x", "y"]}), "1 of 2 texts are missing, the first at row 1"),
    ],
)
def test_what_is_no_text_is_named(raw: Any, message: str) -> None:
    with pytest.raises(DataError) as error:
        CLASSES.prepare(raw)
    assert message in error.value.message


def test_longer_texts_are_cut_at_their_end_with_a_warning() -> None:
    with pytest.warns(KpipeWarning, match="1 of 2 texts are cut to 4 tokens.* the longest has 6"):
        assert rows(CLASSES.prepare(["a good film a bad film", "a"])) == ["a good film a", "a"]


def test_texts_to_be_continued_are_cut_at_their_beginning() -> None:
    with pytest.warns(KpipeWarning, match="1 of 1 texts are cut to 3 tokens"):
        assert rows(CONTINUES.prepare(["a good film a bad film"])) == ["a bad film"]


def test_lines_of_a_plain_file(tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_bytes(b"\xef\xbb\xbfa good film\r\n\r\n   \r\nbad\r\n")
    examples = CLASSES.read([path])
    assert examples.names == (f"{path}:0", f"{path}:3")
    assert rows(examples.inputs) == ["a good film", "bad"]
    assert examples.targets is None


@pytest.mark.parametrize("name", ["data.csv", "data.tsv", "data.jsonl", "data.parquet"])
def test_tables_with_targets(tmp_path: Path, name: str) -> None:
    data = pd.DataFrame({"kind": ["good", "bad"], "note": [1, 2], "sentence": ["a good film", "null"]})
    path = tmp_path / name
    {
        "csv": lambda: data.to_csv(path, index=False),
        "tsv": lambda: data.to_csv(path, index=False, sep="\t"),
        "jsonl": lambda: data.to_json(path, orient="records", lines=True),
        "parquet": lambda: data.to_parquet(path),
    }[path.suffix[1:]]()
    examples = CLASSES.read([path])
    assert isinstance(examples.targets, np.ndarray)
    assert examples.targets.tolist() == [1, 0]
    assert rows(examples.inputs) == ["a good film", "<unknown>"]
    assert examples.names[1] == f"{path}:1"


def test_tables_without_targets_and_with_wrong_ones(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sentence\na good film\n")
    assert CLASSES.read([tmp_path / "a.csv"]).targets is None
    (tmp_path / "b.csv").write_text("sentence,kind\na good film,god\n")
    with pytest.raises(DataError, match="`god` first") as error:
        CLASSES.read([tmp_path / "b.csv"])
    assert error.value.hint == "did you mean `good`?"


def test_texts_to_be_written_come_with_what_stands_before_each_token(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("from,to\na film,a good film\nbad,bad\n")
    examples = WRITES.read([tmp_path / "pairs.csv"])
    assert isinstance(examples.targets, Ragged)
    numbers = VOCABULARY.encode("a good film").tolist()
    assert examples.targets.at(0).tolist() == [*numbers, END]
    assert examples.targets.padding == IGNORED
    assert examples.inputs["previous"].at(0).tolist() == [START, *numbers]  # type: ignore[union-attr]
    assert rows(examples.inputs, "source") == ["a film", "bad"]


def test_lines_to_be_continued_hold_what_follows_each_token(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a good film\nbad\n")
    examples = CONTINUES.read([tmp_path / "a.txt"])
    assert isinstance(examples.targets, Ragged)
    assert rows(examples.inputs) == ["a good film", "bad"]
    assert examples.targets.at(0).tolist() == [*VOCABULARY.encode("good film").tolist(), IGNORED]
    assert examples.targets.at(1).tolist() == [IGNORED]


def test_a_file_without_header_is_read_by_the_columns_trained_on(tmp_path: Path) -> None:
    form = TextForm(columns=("sentence", "kind"), remove={"sentence": "!"})
    preparation = CLASSES.model_copy(update={"form": form})
    (tmp_path / "a.tsv").write_text("a good film!\tgood\nbad\tbad\n")
    examples = preparation.read([tmp_path / "a.tsv"])
    assert isinstance(examples.targets, np.ndarray)
    assert examples.targets.tolist() == [1, 0]
    assert rows(examples.inputs) == ["a good film", "bad"]
    (tmp_path / "alone.tsv").write_text("a good film!\nbad\n")
    assert rows(preparation.read([tmp_path / "alone.tsv"]).inputs) == ["a good film", "bad"]
    (tmp_path / "named.tsv").write_text("kind\tsentence\ngood\ta good film\n")
    assert rows(preparation.read([tmp_path / "named.tsv"]).inputs) == ["a good film"]


@pytest.mark.parametrize("content", [b"", b" \n\n", b"\xff\xfe"])
def test_files_that_hold_no_text(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.txt: (holds no text|is no UTF-8 text)"):
        CLASSES.read([tmp_path / "a.txt"])


def test_folders_and_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder"):
        CLASSES.read([tmp_path])
    with pytest.raises(DataError, match="no file"):
        CLASSES.read([tmp_path / "none.txt"])


def test_it_is_stored_with_its_vocabulary() -> None:
    again = load_preparation(WRITES.model_dump_json())
    assert again == WRITES
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert rows(again.prepare(["a good film"]), "source") == ["a good film"]
