from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from kpipe.data.preparation.ragged import Ragged
from kpipe.data.splits import Split, Splits
from kpipe.data.text_table import TextTable
from kpipe.errors import DataError
from kpipe.spec.mistake import Problem
from kpipe.tokenization.special import END, IGNORED, START, UNKNOWN

from .conftest import write_reviews


def source(**fields: Any) -> TextTable:
    return TextTable.model_validate(fields)


def load(**fields: Any) -> Splits:
    return source(**fields).load(0)


def problems(**fields: Any) -> list[Problem]:
    with pytest.raises(ValidationError) as error:
        source(**fields)
    return [problem for each in error.value.errors() for problem in each.get("ctx", {}).get("problems", ())]


def texts(splits: Splits, split: Split, name: str = "tokens") -> list[str]:
    features = {feature.name: feature for feature in splits.signature.inputs}
    vocabulary = features[name].vocabulary if name in features else splits.signature.target.vocabulary
    assert vocabulary is not None
    return [vocabulary.decode(row) for row in split.take(np.arange(len(split)))[name]]


def table(rows: int = 40) -> pd.DataFrame:
    index = np.arange(rows)
    return pd.DataFrame(
        {
            "text": [f"good film {number % 4}" if number % 2 else f"bad film {number % 4}" for number in index],
            "kind": np.where(index % 2, "good", "bad"),
            "stars": index / 8,
            "count": index % 3,
            "funny": index % 2,
            "long": (index % 3 == 0).astype(int),
            "word": [f"w{number // 3}" for number in index],
        }
    )


@pytest.fixture
def csv(tmp_path: Path) -> str:
    path = tmp_path / "data.csv"
    table().to_csv(path, index=False)
    return str(path)


def test_sst2(shared_data: Path) -> None:
    folder = shared_data / "sst2"
    files = {"train": folder / "train.tsv", "validation": folder / "dev.tsv", "test": folder / "test.tsv"}
    splits = load(
        files={name: str(path) for name, path in files.items()},
        columns=["sentence", "label"],
        text="sentence",
        target="label",
    )
    assert [len(split) for _, split in splits] == [6920, 872, 1821]
    target = splits.signature.target
    assert (target.task, target.names) == ("classes", ("0", "1"))
    assert splits.train.take(np.array([0]))["target"].tolist() == [1]
    assert texts(splits, splits.test)[0].startswith("no movement, no <unknown>, not much")
    lengths = splits.train.columns["tokens"].lengths  # type: ignore[attr-defined]
    assert (lengths > 0).all()
    assert "% of test unknown" in splits.facts[0]


def test_multi30k(shared_data: Path) -> None:
    folder = shared_data / "multi30k"
    names = {"train": "train", "validation": "val", "test": "test_2016_flickr"}
    splits = load(
        files={split: [str(folder / f"{name}.{word}.gz") for word in ("en", "de")] for split, name in names.items()},
        columns=["english", "german"],
        text="english",
        target_text="german",
        max_length=40,
        tokenizer={"type": "words", "min_count": 2},
    )
    assert [len(split) for _, split in splits] == [29_000 - len(splits.skipped), 1014, 1000]
    assert 0 < len(splits.skipped) < 100
    assert [feature.name for feature in splits.signature.inputs] == ["source", "previous"]
    first = splits.test.take(np.array([0]))
    target = splits.signature.target.vocabulary
    assert target is not None
    assert target.decode(first["target"][0]) == target.decode(first["previous"][0])
    assert target.decode(first["target"][0]).startswith("ein mann mit einem")
    assert splits.train.columns["source"].lengths.max() <= 40  # type: ignore[attr-defined]


def test_cmudict(shared_data: Path) -> None:
    splits = load(
        path=str(shared_data / "cmudict" / "cmudict.dict"),
        separator=" ",
        columns=["word", "sounds"],
        remove={"word": r"\(\d+\)$", "sounds": r" *#.*$|\d"},
        text="word",
        target_text="sounds",
        tokenizer="characters",
        target_tokenizer={"type": "words", "split_on": "blanks", "lowercase": False},
        split={"group": "word"},
    )
    assert sum(len(split) for _, split in splits) == 135_166
    written = splits.signature.target.vocabulary
    assert written is not None
    assert written.size == 4 + 39, "39 sounds without stress"
    words = {name: set(texts(splits, split, "source")) for name, split in splits}
    assert not words["train"] & words["test"]
    assert not words["train"] & words["validation"]
    assert {"null", "nan", "na"} <= words["train"] | words["validation"] | words["test"], "words, not missing cells"
    assert not any(mark in word for name in words for word in words[name] for mark in "(#)")


@pytest.mark.parametrize(
    ("target", "task", "names"),
    [
        ("kind", "classes", ("bad", "good")),
        ("count", "classes", ("0", "1", "2")),
        ("stars", "values", ("stars",)),
        (["funny", "long"], "labels", ("funny", "long")),
    ],
)
def test_the_task_follows_from_the_column(csv: str, target: Any, task: str, names: tuple[str, ...]) -> None:
    splits = load(path=csv, target=target)
    found = splits.signature.target
    assert (found.task, found.names) == (task, names)
    if task == "values":
        stars = splits.train.take(np.arange(len(splits.train)))["target"].astype(np.float64)
        np.testing.assert_allclose(found.mean, stars.mean(axis=0))
        np.testing.assert_allclose(found.variance, stars.var(axis=0))
    if task == "classes" and target == "kind":
        for text, code in zip(texts(splits, splits.test), splits.test.take(np.arange(8))["target"], strict=True):
            assert text.startswith(names[code])


def test_every_sort_of_file_gives_the_same(csv: str, tmp_path: Path) -> None:
    data = table()
    data.to_parquet(tmp_path / "data.parquet")
    data.to_csv(tmp_path / "data.tsv", index=False, sep="\t")
    data.to_csv(tmp_path / "data.csv.gz", index=False)
    data.to_json(tmp_path / "data.jsonl", orient="records", lines=True)
    names = ["data.csv", "data.parquet", "data.tsv", "data.csv.gz", "data.jsonl"]
    assert len({load(path=str(tmp_path / name), target="kind").fingerprint for name in names}) == 1


def test_the_vocabulary_is_of_train_alone(csv: str) -> None:
    data = table()
    data.loc[30:, "text"] = "zebra crossing"
    data["fold"] = np.where(data.index < 20, "train", np.where(data.index < 30, "dev", "test"))
    data.to_csv(csv, index=False)
    splits = load(path=csv, target="kind", split={"column": "fold"})
    assert [len(split) for _, split in splits] == [20, 10, 10]
    vocabulary = splits.signature.input.vocabulary
    assert vocabulary is not None
    assert "zebra" not in vocabulary.tokens
    assert set(splits.test.take(np.arange(10))["tokens"].ravel().tolist()) == {UNKNOWN, 0}
    assert "100.00% of test unknown" in splits.facts[0]


def test_classes_are_in_proportion_and_groups_stay_together(csv: str) -> None:
    stratified = load(path=csv, target="kind")
    for _, split in stratified:
        codes = split.take(np.arange(len(split)))["target"]
        assert abs(codes.mean() - 0.5) < 0.13
    grouped = load(path=csv, text="word", target="kind", tokenizer="characters", split={"group": "word"})
    words = [set(texts(grouped, split)) for _, split in grouped]
    assert not words[0] & words[1]
    assert not words[0] & words[2]
    assert not words[1] & words[2]
    assert sum(len(split) for _, split in grouped) == 40


def test_files_that_are_not_given_are_cut_off_train(csv: str, tmp_path: Path) -> None:
    table(7).to_csv(tmp_path / "test.csv", index=False)
    splits = load(files={"train": csv, "test": str(tmp_path / "test.csv")}, target="kind")
    assert [len(split) for _, split in splits] == [36, 4, 7]


def pairs(folder: Path) -> str:
    path = folder / "pairs.tsv"
    path.write_text("".join(f"{'a b c'[: 1 + 2 * (row % 3)]}\t{'x y'[: 1 + 2 * (row % 2)]}\n" for row in range(30)))
    return str(path)


def test_pairs_of_texts(tmp_path: Path) -> None:
    splits = load(path=pairs(tmp_path), columns=["from", "to"], text="from", target_text="to")
    assert splits.signature.target.task == "text"
    batch = splits.train.take(np.arange(len(splits.train)))
    assert (batch["previous"][:, 0] == START).all()
    for before, after in zip(batch["previous"], batch["target"], strict=True):
        there = after[after != IGNORED]
        assert there[-1] == END
        assert before[1 : len(there)].tolist() == there[:-1].tolist()
        assert (before[len(there) :] == 0).all()
    assert splits.signature.target.max_length == batch["target"].shape[1]


def test_long_pairs_of_train_are_left_out_and_counted_the_others_stay(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"columns": ["from", "to"], "text": "from", "target_text": "to", "max_length": 2}
    path = pairs(tmp_path)
    splits = load(path=path, **fields)
    whole = load(path=path, **{**fields, "max_length": None})
    assert len(splits.train) + len(splits.skipped) == len(whole.train)
    assert splits.skipped[0].startswith(f"{path}:")
    row = int(splits.skipped[0].rpartition(":")[2])
    assert row % 3 == 2, "of three words"
    assert len(splits.test) == len(whole.test)
    assert texts(splits, splits.test, "target") == texts(whole, whole.test, "target"), "references stay whole"
    assert max(len(text.split()) for text in texts(splits, splits.test, "source")) == 2


def test_longer_texts_are_cut(csv: str) -> None:
    splits = load(path=csv, target="kind", max_length=2)
    assert set(texts(splits, splits.train)) == {"good film", "bad film"}


def test_one_vocabulary_for_both_texts(tmp_path: Path) -> None:
    path = pairs(tmp_path)
    splits = load(path=path, columns=["from", "to"], text="from", target_text="to", shared_vocabulary=True)
    vocabularies = {feature.vocabulary for feature in splits.signature.inputs} | {splits.signature.target.vocabulary}
    assert len(vocabularies) == 1
    assert {"a", "x"} <= set(vocabularies.pop().tokens)  # type: ignore[union-attr]


def test_quotation_marks(tmp_path: Path) -> None:
    lines = ['he said "no\tbad', '"a" or "b"\tgood'] * 10
    (tmp_path / "data.tsv").write_text("text\tkind\n" + "\n".join(lines) + "\n", encoding="utf-8")
    as_written = load(path=str(tmp_path / "data.tsv"), target="kind", tokenizer="characters")
    assert set(texts(as_written, as_written.train)) == {'he said "no', '"a" or "b"'}
    (tmp_path / "data.csv").write_text("text,kind\n" + '"no, ""never""",bad\nyes,good\n' * 10, encoding="utf-8")
    quoted = load(path=str(tmp_path / "data.csv"), target="kind", tokenizer="characters")
    assert set(texts(quoted, quoted.train)) == {'no, "never"', "yes"}


def test_words_that_look_like_missing_cells_are_words(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("text,kind\n" + "null,None\nNA,NaN\n" * 10, encoding="utf-8")
    splits = load(path=str(tmp_path / "data.csv"), target="kind")
    assert splits.signature.target.names == ("NaN", "None")
    assert set(texts(splits, splits.train)) == {"null", "na"}


def test_origin_marks_at_the_begin_of_a_file_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(b"\xef\xbb\xbftext,kind\r\n" + b"yes,good\r\nno,bad\r\n" * 10)
    assert set(load(path=str(tmp_path / "data.csv"), target="kind").signature.target.names) == {"good", "bad"}


@pytest.mark.parametrize(
    ("change", "fields", "message", "hint"),
    [
        ({}, {"target": "kindd"}, "no column `kindd`", "did you mean `kind`?"),
        ({}, {"text": "txt", "target": "kind"}, "no column `txt`", "did you mean `text`?"),
        ({"text": ""}, {"target": "kind"}, "column `text`: 1 of 40 texts are missing, the first at row 3", "leave"),
        ({"text": "  "}, {"target": "kind"}, "column `text`: 1 of 40 texts are missing, the first at row 3", "leave"),
        ({"kind": None}, {"target": "kind"}, "column `kind`: 1 of 40 targets are missing, the first at row 3", "leave"),
        ({"word": None}, {"target": "kind", "split": {"group": "word"}}, "column `word`: row 3 is of no group", "fill"),
        ({}, {"target": "kind", "split": {"group": "words"}}, "no column `words`", "did you mean `word`?"),
        ({}, {"target": "kind", "remove": {"texts": "a"}}, "no column `texts`", "did you mean `text`?"),
    ],
)
def test_mistakes_of_the_data(
    csv: str, change: dict[str, Any], fields: dict[str, Any], message: str, hint: str
) -> None:
    data = table()
    for column, value in change.items():
        data.loc[3, column] = value
    data.to_csv(csv, index=False)
    with pytest.raises(DataError) as error:
        load(path=csv, **fields)
    assert message in error.value.message
    assert hint in error.value.hint


def test_one_class_alone(csv: str) -> None:
    table().assign(kind="good").to_csv(csv, index=False)
    with pytest.raises(DataError, match="only one class, `good`"):
        load(path=csv, target="kind", split={"stratified": False})


def test_a_class_that_train_does_not_have(csv: str, tmp_path: Path) -> None:
    table(8).assign(kind="god").to_csv(tmp_path / "test.csv", index=False)
    with pytest.raises(DataError, match="a class that train does not have: `god` first") as error:
        load(files={"train": csv, "test": str(tmp_path / "test.csv")}, target="kind")
    assert error.value.hint == "did you mean `good`?"


def test_a_text_without_a_token_is_named(csv: str) -> None:
    data = table()
    data.loc[5, "text"] = "(1)"
    data.to_csv(csv, index=False)
    with pytest.raises(DataError, match="column `text`: 1 of 40 texts are missing, the first at row 5"):
        load(path=csv, target="kind", remove={"text": r"\(\d\)"})


def test_files_of_different_length(tmp_path: Path) -> None:
    (tmp_path / "train.en").write_text("a\nb\nc\n")
    with gzip.open(tmp_path / "train.de.gz", "wt", encoding="utf-8") as file:
        file.write("x\ny\n")
    paths = [str(tmp_path / "train.en"), str(tmp_path / "train.de.gz")]
    with pytest.raises(DataError, match=r"train\.en has 3 lines, .*train\.de\.gz has 2"):
        load(path=paths, columns=["en", "de"], text="en", target_text="de")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"text\tkind\nyes\tgood\nno\n", "row 2 has 1 columns, the first row has 2"),
        (b"text\tkind\ncaf\xe9\tgood\n", "is no UTF-8 text: byte 0xe9 in line 2"),
        (b"", "is empty"),
        (b"text\tkind\n", "has no rows"),
        (b"text\ttext\na\tb\n", "has two columns `text`"),
    ],
)
def test_broken_files(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "data.tsv").write_bytes(content)
    with pytest.raises(DataError) as error:
        load(path=str(tmp_path / "data.tsv"), target="kind")
    assert message in error.value.message


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"target": "kind"}, ("path",)),
        ({"path": "a", "files": {"train": "a"}, "target": "kind"}, ("path",)),
        ({"files": {"test": "a"}, "target": "kind"}, ("files",)),
        ({"path": "a"}, ("target",)),
        ({"path": "a", "target": "kind", "target_text": "german"}, ("target",)),
        ({"path": "a", "target": "text"}, ("text",)),
        ({"path": "a", "target": "kind", "shared_vocabulary": True}, ("shared_vocabulary",)),
        ({"path": "a", "target": "kind", "target_tokenizer": "words"}, ("target_tokenizer",)),
        ({"path": "a", "target_text": "de", "target_task": "classes"}, ("target_task",)),
        ({"path": ["a", "a"], "target": "kind", "columns": ["x"]}, ("path",)),
        ({"path": "a", "target": "kind", "remove": {"text": "("}}, ("remove", "text")),
        ({"path": "a", "target": "kind", "columns": ["x", "x"]}, ("columns",)),
        ({"files": {"train": "a"}, "target": "kind", "split": {"column": "fold"}}, ("split", "column")),
    ],
)
def test_mistakes_of_the_fields(
    fields: dict[str, Any], path: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").touch()
    assert path in [problem.path for problem in problems(**fields)]


def test_predicting_reads_as_in_training(tmp_path: Path) -> None:
    """Form, columns and targets are stored: a file like the one trained on is read like it."""
    path = tmp_path / "train.dict"
    path.write_text("".join(f"w{row}({row % 3}) K{row % 4} S # note\n" for row in range(20)))
    splits = load(
        path=str(path),
        separator=" ",
        columns=["word", "sounds"],
        remove={"word": r"\(\d\)", "sounds": " *#.*"},
        text="word",
        target_text="sounds",
        tokenizer="characters",
        target_tokenizer={"type": "words", "split_on": "blanks", "lowercase": False},
    )
    examples = splits.preparation.read([path])
    assert isinstance(examples.targets, Ragged)
    vocabulary = splits.signature.target.vocabulary
    assert vocabulary is not None
    assert vocabulary.decode(examples.targets.at(2)) == "K2 S"
    source_vocabulary = splits.signature.input.vocabulary
    assert source_vocabulary is not None
    assert source_vocabulary.decode(examples.inputs["source"].at(2)) == "w2"  # type: ignore[union-attr]
    (tmp_path / "words.txt").write_text("w1\n\nw2\n")
    alone = splits.preparation.read([tmp_path / "words.txt"])
    assert alone.names == (f"{tmp_path / 'words.txt'}:0", f"{tmp_path / 'words.txt'}:2")
    assert set(alone.inputs) == {"source"}
    assert alone.targets is None
    both = splits.preparation.read([path, tmp_path / "words.txt"])
    assert set(both.inputs) == {"source"}
    assert len(both.names) == 22


def test_reviews_of_the_contract_are_read(tmp_path: Path) -> None:
    splits = load(path=str(write_reviews(tmp_path / "r.csv")), text="sentence", target="kind")
    examples = splits.preparation.read([tmp_path / "r.csv"])
    assert isinstance(examples.targets, np.ndarray)
    assert examples.targets.tolist() == [0, 1] * 20


def test_remove_takes_numbers_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "numbers.jsonl"
    frame = pd.DataFrame({"text": range(100, 140), "kind": ["a", "b"] * 20})
    frame.to_json(path, orient="records", lines=True)
    splits = load(path=str(path), target="kind", target_task="classes", remove={"text": "^1"})
    assert all(len(text) == 2 for text in texts(splits, splits.train))
