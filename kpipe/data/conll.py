"""CoNLL files: a word a line with its tag, sentences apart by blank lines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from kpipe.data.path import ExistingFile
from kpipe.data.source import Source
from kpipe.data.split_rule import SplitName, SplitRule
from kpipe.signature import Kind, Task
from kpipe.spec.mistake import Problem
from kpipe.spec.spec import refuse
from kpipe.tokenization.words import Words

if TYPE_CHECKING:
    from kpipe.data.preparation.sentences import Sentence
    from kpipe.data.splits import Splits


class Conll(Source):
    """Sentences whose words have tags, from CoNLL-U files, or from columns apart by blanks as in CoNLL-2003.

    Each line is a word, its columns apart by tabs, or by blanks where a line has no tab. Blank lines end a sentence;
    lines of CoNLL-U that begin with # are comments, -DOCSTART- lines are left out, and so are the ranges (1-2) and
    empty nodes (1.1) of CoNLL-U. Words stay as the file cuts them. One file (`path`) is split by whole sentences; or
    each split has its own (`files`), and one that is not there is cut off train.

    Words that train has less often than `min_count` are the unknown one, so that the model learns what to make of
    such; words that only test has are too. Sentences longer than `max_length` are cut.

    Shapes:
        sentences -> tokens (time,) int32, tags (time,) int32

    Raises:
        DataError: a line has too few columns, a file holds no sentence, a tag that train does not have, only one tag.

    Example:
        data:
          type: conll
          path: data/en_ewt-ud-train.conllu
          token_column: 2
          tag_column: 4

    Reference:
        M.-C. de Marneffe, C. Manning, J. Nivre, D. Zeman, 2021, Universal Dependencies.
        E. Tjong Kim Sang, F. De Meulder, 2003, Introduction to the CoNLL-2003 shared task.
    """

    type: Literal["conll"] = "conll"

    path: ExistingFile | None = Field(None, description="one file, split by fraction; .gz too")
    files: dict[SplitName, ExistingFile] = Field(
        {}, description="instead of path: for train, validation and test the file"
    )
    token_column: int = Field(2, ge=1, le=100, description="which column holds the words, counted from 1")
    tag_column: int = Field(4, ge=1, le=100, description="which column holds the tags, counted from 1")
    lowercase: bool = Field(True, description="fold capitals to small letters")
    min_count: int = Field(2, ge=1, description="words that train has less often than this are unknown")
    max_size: int | None = Field(None, ge=1, le=1_000_000, description="words kept at most, the commonest")
    max_length: int | None = Field(None, ge=1, le=1_000_000, description="words of a sentence at most")
    split: SplitRule = Field(SplitRule(validation=0.1, test=0.1), description="fractions of the sentences")

    @property
    def kind(self) -> Kind:
        return "tokens"

    @property
    def task(self) -> Task:
        return "tags"

    @property
    def given(self) -> Mapping[SplitName, Path]:
        """The file of each split; of one path, that of train."""
        found: dict[SplitName, str] = {"train": self.path} if self.path else dict(self.files)
        return {split: Path(file) for split, file in found.items()}

    @property
    def words(self) -> Words:
        """What cuts raw text when the trained model is asked; the file's own words are cut already."""
        return Words(lowercase=self.lowercase, min_count=self.min_count, max_size=self.max_size)

    @model_validator(mode="after")
    def _fields_fit(self) -> Conll:
        problems = []
        if (self.path is None) == (not self.files):
            hint = "`path: data.conllu` or `files: {train: ...}`"
            problems.append(Problem(("path",), "give either `path` or `files`", hint))
        elif self.files and "train" not in self.files:
            problems.append(Problem(("files",), "no file for train", "add `train: ...`"))
        if self.token_column == self.tag_column:
            message = f"column {self.tag_column} holds the words already"
            problems.append(Problem(("tag_column",), message, "of CoNLL-U: 4 parts of speech (UPOS), 5 (XPOS)"))
        if problems:
            raise refuse(*problems)
        return self

    def load(self, seed: int) -> Splits:
        from kpipe.data.preparation import encoded
        from kpipe.data.preparation.sentences import read_tags, vocabulary_of
        from kpipe.data.preparation.sequences import splits_of
        from kpipe.data.preparation.tags import Tags
        from kpipe.signature import Signature, Target

        parts = self._parts(seed)
        names = read_tags(parts["train"], str(self.given["train"]))
        vocabulary = vocabulary_of(parts["train"], self.words)
        signature = Signature(
            inputs=(encoded.feature_of("tokens", vocabulary),), target=Target(task="tags", names=names)
        )
        preparation = Tags(
            vocabulary=vocabulary,
            token_column=self.token_column,
            tag_column=self.tag_column,
            max_length=self.max_length,
            target=signature.target,
        )
        columns = {
            name: preparation.columns(sentences, str(self.given.get(name, self.given["train"])))
            for name, sentences in parts.items()
        }
        return splits_of(columns, signature, preparation, f"conll {self.given['train'].name[:40]}")

    def _parts(self, seed: int) -> Mapping[SplitName, list[Sentence]]:
        """The sentences of train, validation and test; what has no file is cut off train."""
        from kpipe.data.preparation.sentences import read_sentences
        from kpipe.data.preparation.split import cut

        parts = {name: read_sentences(path, self.token_column, self.tag_column) for name, path in self.given.items()}
        if {"validation", "test"} <= set(parts):
            return parts
        train = parts["train"]
        chosen = cut(len(train), self.split, seed, None, tuple(parts))
        return {**parts, **{name: [train[index] for index in rows] for name, rows in chosen.items()}}
