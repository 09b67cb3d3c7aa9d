from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from kpipe.data.conll import Conll
from kpipe.data.preparation.sentences import read_sentences
from kpipe.data.splits import Splits
from kpipe.errors import DataError
from kpipe.tokenization.special import IGNORED, UNKNOWN

UD = """# sent_id = 1
# text = Don't bark # loud
1-2	Don't	_	_	_	_	_	_	_	_
1	Do	do	AUX	VB	_	3	aux	_	_
2	n't	not	PART	RB	_	3	advmod	_	_
3	bark	bark	VERB	VB	_	0	root	_	_
3.1	bark	bark	VERB	VB	_	_	_	_	_

1	#	#	SYM	NFP	_	0	root	_	_
2	1 000	1000	NUM	CD	_	1	nummod	_	_
"""
NER = """-DOCSTART- -X- O O

EU NNP I-NP B-ORG
rejects VBZ I-VP O
# NN I-NP O
1-2 CD I-NP O

Peter NNP I-NP B-PER
"""


def load(**fields: Any) -> Splits:
    return Conll.model_validate(fields).load(0)


def write(path: Path, sentences: int, tags: str = "ABC", words: str = "uvwxyz") -> str:
    lines = []
    for index in range(sentences):
        for place in range(1 + index % 5):
            lines.append(f"{place + 1}\t{words[(index + place) % len(words)]}\t_\t{tags[(index + place) % len(tags)]}")
        lines.append("")
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


def test_universal_dependencies(shared_data: Path) -> None:
    folder = shared_data / "ud_english_ewt"
    names = {"train": "train", "validation": "dev", "test": "test"}
    splits = load(files={split: str(folder / f"en_ewt-ud-{name}.conllu") for split, name in names.items()})
    assert [len(split) for _, split in splits] == [12_543, 2_001, 2_077]
    assert sum(int(split.columns["target"].lengths.sum()) for _, split in splits) == 254_821  # type: ignore[attr-defined]
    target = splits.signature.target
    assert target.task == "tags"
    assert len(target.names) == 17
    first = splits.validation.take(np.array([0]))
    vocabulary = splits.signature.input.vocabulary
    assert vocabulary is not None
    assert vocabulary.words(first["tokens"][0]) == ["from", "the", "<unknown>", "comes", "this", "story", ":"]
    tags = [target.names[tag] for tag in first["target"][0] if tag != IGNORED]
    assert tags == ["ADP", "DET", "PROPN", "VERB", "DET", "NOUN", "PUNCT"]
    train = splits.train.columns["tokens"].values  # type: ignore[attr-defined]
    assert 0.03 < (train == UNKNOWN).mean() < 0.08, "seldom words teach what unknown ones are like"


def test_ranges_empty_nodes_and_comments_are_no_words(tmp_path: Path) -> None:
    (tmp_path / "a.conllu").write_text(UD, encoding="utf-8")
    one, other = read_sentences(tmp_path / "a.conllu", 2, 4)
    assert one.words == ["Do", "n't", "bark"]
    assert one.tags == ["AUX", "PART", "VERB"]
    assert other.words == ["#", "1 000"], "the file cuts words, not the blanks in them"
    assert (one.line, other.line) == (1, 9)


def test_columns_apart_by_blanks(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text(NER, encoding="utf-8")
    one, other = read_sentences(tmp_path / "a.conll", 1, 4)
    assert one.words == ["EU", "rejects", "#", "1-2"], "in the first column stand words"
    assert one.tags == ["B-ORG", "O", "O", "O"]
    assert other.words == ["Peter"]


def test_gzip_and_files_that_are_not_given(tmp_path: Path) -> None:
    write(tmp_path / "train.conllu", 50)
    with gzip.open(tmp_path / "train.conllu.gz", "wb") as file:
        file.write((tmp_path / "train.conllu").read_bytes())
    write(tmp_path / "dev.conllu", 6)
    files = {"train": str(tmp_path / "train.conllu.gz"), "validation": str(tmp_path / "dev.conllu")}
    assert [len(split) for _, split in load(files=files)] == [45, 6, 5]


def test_words_are_folded_and_seldom_ones_unknown(tmp_path: Path) -> None:
    text = "1\tThe\t_\tA\n2\tDOG\t_\tB\n\n" * 10
    (tmp_path / "train.conllu").write_text(text)
    (tmp_path / "test.conllu").write_text("1\tthe\t_\tA\n2\tcat\t_\tB\n")
    files = {"train": str(tmp_path / "train.conllu"), "test": str(tmp_path / "test.conllu")}
    splits = load(files=files)
    assert splits.test.take(np.array([0]))["tokens"][0, :2].tolist() == [5, UNKNOWN]
    written = load(files=files, lowercase=False)
    assert written.test.take(np.array([0]))["tokens"][0, :2].tolist() == [UNKNOWN, UNKNOWN]
    seldom = load(files=files, min_count=100)
    assert set(seldom.train.take(np.array([0]))["tokens"][0].tolist()) <= {UNKNOWN, 0}


def test_longer_sentences_are_cut_with_their_tags(tmp_path: Path) -> None:
    splits = load(path=write(tmp_path / "a.conllu", 40), max_length=2)
    for _, split in splits:
        batch = split.take(np.arange(len(split)))
        np.testing.assert_array_equal(batch["tokens"] == 0, batch["target"] == IGNORED)
        assert (batch["tokens"] != 0).sum(axis=1).max() == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1\tdog\t_\n", "line 1 has 3 columns, expected at least 4"),
        ("# nothing\n\n", "holds no sentence"),
        ("1\tdog\t_\tA\n\n" * 20, "only one tag, `A`"),
    ],
)
def test_mistakes_of_the_data(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.conllu").write_text(content)
    with pytest.raises(DataError) as error:
        load(path=str(tmp_path / "a.conllu"))
    assert message in error.value.message


def test_a_tag_that_train_does_not_have(tmp_path: Path) -> None:
    files = {
        "train": write(tmp_path / "train.conllu", 40, tags=["NOUN", "VERB"]),  # type: ignore[arg-type]
        "test": write(tmp_path / "test.conllu", 3, tags=["NOUN", "NOUM"]),  # type: ignore[arg-type]
    }
    with pytest.raises(DataError, match=r"line 3 has the tag `NOUM`, which train does not have") as error:
        load(files=files)
    assert error.value.hint == "did you mean `NOUN`?"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({}, ("path",)),
        ({"path": "a", "files": {"train": "a"}}, ("path",)),
        ({"files": {"test": "a"}}, ("files",)),
        ({"path": "a", "token_column": 4}, ("tag_column",)),
    ],
)
def test_mistakes_of_the_fields(
    fields: dict[str, Any], path: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").touch()
    with pytest.raises(ValidationError) as error:
        Conll.model_validate(fields)
    assert [problem.path for each in error.value.errors() for problem in each["ctx"]["problems"]] == [path]
