"""Text tables: a column of texts and what is to be said of them, or to be written for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from kpipe.data.path import ExistingFile
from kpipe.data.source import Source
from kpipe.data.split_rule import GroupedSplitRule, SplitName
from kpipe.data.text_form import TextForm
from kpipe.signature import Kind, Task
from kpipe.spec.mistake import Problem
from kpipe.spec.one_of import OneOf
from kpipe.spec.spec import OrOne, Tuple, refuse
from kpipe.tokenization.tokenizer import Tokenizer
from kpipe.tokenization.words import Words

if TYPE_CHECKING:
    from kpipe.data.splits import Splits

Names = Annotated[Tuple[str], OrOne()]
Files = Annotated[Tuple[ExistingFile], OrOne()]


class TextTable(Source, TextForm):
    """Texts in a table, with a class, a number, or a text to be written for each (a translation, a pronunciation).

    One file (`path`) is split by fraction, or by a column; or each split has its own (`files`), and one that is not
    there is cut off train. Files are .csv, .tsv, .parquet or .jsonl, those with .gz too; a list of plain files holds a
    column each, a text a line. Cells are taken as written: `null` is a word. `columns` names those of a file whose
    first row is no header; then the last of them holds the rest of the line.

    Vocabularies are learned on train alone. Texts longer than `max_length` are cut; with `target_text`, pairs of train
    of which either is longer are left out and counted as skipped, for half a sentence is no translation of a whole one.
    All pairs of validation and test stay: their sources are cut, their references are whole.

    Shapes:
        texts -> tokens (time,) int32, target as in `table`
        with target_text: source (time,) and previous (time,) -> text (time,): previous is the target one step later

    Raises:
        DataError: a column is not there, a text or target is missing or holds no token, the files of a list differ in
        length, a class that train does not have.

    Example:
        data:
          type: text_table
          path: data/reviews.tsv
          text: sentence
          target: label
          tokenizer: {type: words, min_count: 2}
          max_length: 100

    Reference:
        I. Sutskever, O. Vinyals, Q. Le, 2014, Sequence to sequence learning with neural networks (source and target).
    """

    type: Literal["text_table"] = "text_table"

    path: Files | None = Field(None, min_length=1, description="one file, or a list of plain ones with a column each")
    files: dict[SplitName, Files] = Field({}, description="instead of path: for train, validation and test the file")
    text: str = Field("text", description="the column of texts that go in")
    target: Names = Field((), description="the column to predict, classes or numbers, or several columns of 0 and 1")
    target_text: str | None = Field(None, description="instead of target: the column of texts to be written")
    target_task: Literal["classes", "labels", "values"] | None = Field(
        None, description="what the target is; by default as its column tells"
    )
    tokenizer: Annotated[Tokenizer, OneOf("kpipe.tokenization")] = Field(
        Words(), description="how texts are cut into tokens"
    )
    target_tokenizer: Annotated[Tokenizer, OneOf("kpipe.tokenization")] | None = Field(
        None, description="the same of the texts to be written; by default as `tokenizer`"
    )
    shared_vocabulary: bool = Field(False, description="one vocabulary, learned from both texts")
    max_length: int | None = Field(None, ge=1, le=1_000_000, description="tokens of a text at most")
    split: GroupedSplitRule = Field(GroupedSplitRule(), description="a column that names the split, or fractions")

    @property
    def kind(self) -> Kind:
        return "tokens"

    @property
    def task(self) -> Task | None:
        return "text" if self.target_text is not None else self.target_task

    @property
    def given(self) -> Mapping[SplitName, tuple[Path, ...]]:
        """The files of each split; of one path, that of train."""
        found: dict[SplitName, tuple[str, ...]] = {"train": self.path} if self.path else dict(self.files)
        return {split: tuple(Path(file) for file in files) for split, files in found.items()}

    @model_validator(mode="after")
    def _fields_fit(self) -> TextTable:
        problems = [*self._file_problems(), *self._target_problems()]
        if problems:
            raise refuse(*problems)
        return self

    def _file_problems(self) -> list[Problem]:
        if (self.path is None) == (not self.files):
            return [Problem(("path",), "give either `path` or `files`", "`path: data.csv` or `files: {train: ...}`")]
        problems = []
        if self.files and "train" not in self.files:
            problems.append(Problem(("files",), "no file for train", "add `train: ...`"))
        if self.files and self.split.column is not None:
            problems.append(Problem(("split", "column"), "`files` says the split already", "remove one of them"))
        for split, files in self.given.items():
            if len(files) > 1 and len(files) != len(self.columns):
                place = ("files", split) if self.files else ("path",)
                stems = ", ".join(file.name.split(".", 1)[-1].split(".")[0] for file in files)
                message = f"{len(files)} files of a column each, but `columns` names {len(self.columns)}"
                problems.append(Problem(place, message, f"name them in that order, as `columns: [{stems}]`"))
        return problems

    def _target_problems(self) -> list[Problem]:
        if (self.target_text is None) == (not self.target):
            return [Problem(("target",), "give either `target` or `target_text`", "the column to predict, or to write")]
        used = [self.text, *self.target, *([self.target_text] if self.target_text else [])]
        problems = [
            Problem(("text",), f"`{name}` goes in and comes out", "choose another column")
            for name in used[1:]
            if name == self.text
        ]
        if self.target_text is None:
            given = {"target_tokenizer": self.target_tokenizer, "shared_vocabulary": self.shared_vocabulary}
            problems += [
                Problem((name,), "there is no text to be written", "add `target_text:`")
                for name, value in given.items()
                if value
            ]
        elif self.target_task is not None:
            problems.append(Problem(("target_task",), "with `target_text` the target is a text", "remove it"))
        if self.shared_vocabulary and self.target_tokenizer not in (None, self.tokenizer):
            problems.append(Problem(("target_tokenizer",), "one vocabulary has one tokenizer", "remove it"))
        return problems

    def load(self, seed: int) -> Splits:
        from kpipe.data.preparation import text_rows

        rows = text_rows.read(self, seed)
        return text_rows.load_pairs(self, rows) if self.target_text else text_rows.load_targets(self, rows)
