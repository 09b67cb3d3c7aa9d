"""Text preparation: texts as the numbers of their tokens, by the vocabulary that train taught."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from kpipe.data.preparation import encoded, text_files
from kpipe.data.preparation.preparation import Examples, Preparation, numbered
from kpipe.data.preparation.ragged import Ragged
from kpipe.data.preparation.targets import encode
from kpipe.data.text_form import TextForm
from kpipe.errors import DataError, KpipeWarning
from kpipe.signature import Signature
from kpipe.spec.spec import Tuple
from kpipe.tokenization.vocabulary import Vocabulary

if TYPE_CHECKING:
    import pandas as pd

    from kpipe.data.splits import Columns


class Text(Preparation):
    """Texts: one a line of a plain file, or the text column of a table.

    In a .txt file blank lines are left out. Tables (.csv, .tsv, .parquet, .jsonl) name their columns, or have those of
    the table trained on; where all target columns are there, they give targets. Texts longer than any that the model
    was trained on are cut there with a warning: at their end, those to be continued at their beginning.

    Shapes:
        texts -> {tokens: (time,)}, of a model that writes text {source: (time,)}, int32, each of its own length

    Raises:
        DataError: a file is no UTF-8 text or table, a column is not there, a text holds no token.

    Example:
        type: text
        vocabulary: {tokenizer: words, tokens: [<padding>, <unknown>, <start>, <end>, a, good, film]}
        text: sentence
        targets: [label]
        max_length: 64
        target: {task: classes, names: [bad, good]}
    """

    type: Literal["text"] = "text"
    example: ClassVar[dict[str, Any]] = {
        "vocabulary": {"tokenizer": {"type": "words"}, "tokens": ["<padding>", "<unknown>", "<start>", "<end>", "a"]},
        "target": {"task": "classes", "names": ["a", "b"]},
    }

    vocabulary: Vocabulary = Field(description="the tokenizer and the tokens it learned on train")
    text: str = Field("text", description="the text's column in a table")
    targets: Tuple[str] = Field((), description="the target's columns in a table")
    max_length: int | None = Field(None, ge=1, description="tokens of the longest text that the model was trained on")
    form: TextForm = Field(TextForm(), description="how the table trained on was to be read")

    @property
    def feature(self) -> str:
        """The name of the model's input."""
        return "source" if self.target.task == "text" else "tokens"

    def fitted(self, signature: Signature) -> Self:
        return self.model_copy(update={"target": signature.target, "max_length": signature.input.max_length})

    def read_one(self, path: Path) -> Examples:
        if not (text_files.is_table(path) or (self.form.separator and path.suffix != ".txt")):
            return self._read_lines(path)
        frame = text_files.read_like(path, self.form, self.text)
        inputs = self._encode(text_files.texts_in(frame, self.text, str(path)), str(path))
        names = numbered(path, len(frame))
        if not self.targets or any(column not in frame.columns for column in self.targets):
            return Examples(names, inputs)
        if self.target.task != "text":
            raw = text_files.targets_in(frame, self.targets, str(path))
            return Examples(names, inputs, encode(raw, self.target, f"{path}: {', '.join(self.targets)}"))
        assert self.target.vocabulary is not None
        written = text_files.texts_in(frame, self.targets[0], str(path))
        columns = encoded.written(encoded.encode(written, self.target.vocabulary))
        return Examples(names, {**inputs, "previous": columns["previous"]}, columns["target"])

    def prepare(self, raw: np.ndarray | pd.DataFrame | Sequence[Any]) -> Columns:
        return self._encode(texts_of(raw, self.text), "input")

    def _read_lines(self, path: Path) -> Examples:
        lines = [(number, line) for number, line in enumerate(text_files.read_lines(path)) if line.strip()]
        if not lines:
            raise DataError(f"{path}: holds no text")
        inputs = self._encode([line for _, line in lines], str(path))
        tokens = inputs[self.feature]
        names = tuple(f"{path}:{number}" for number, _ in lines)
        if self.target.task == "next_token" and isinstance(tokens, Ragged):
            return Examples(names, inputs, encoded.following(tokens))
        return Examples(names, inputs)

    def _encode(self, texts: Sequence[str], where: str) -> Columns:
        """Raises: DataError: a text without a token."""
        found = encoded.encode(texts, self.vocabulary)
        encoded.check_not_empty(found, where)
        too_long = [len(numbers) for numbers in found if self.max_length and len(numbers) > self.max_length]
        if too_long:
            warnings.warn(
                f"{where}: {len(too_long)} of {len(found)} texts are cut to {self.max_length} tokens, the most that "
                f"the model was trained on; the longest has {max(too_long)}",
                KpipeWarning,
                stacklevel=2,
            )
        if self.target.task == "next_token" and self.max_length:
            found = [numbers[-self.max_length :] for numbers in found]
        return {self.feature: encoded.given(found, self.max_length)}


def texts_of(raw: np.ndarray | pd.DataFrame | Sequence[Any], column: str) -> list[str]:
    """Texts in memory: a list or an array of them, or a table with the column, or with a single one.

    Raises: DataError: naming what is no text.
    """
    import pandas as pd

    if isinstance(raw, pd.DataFrame):
        return text_files.texts_in(raw, column if raw.shape[1] != 1 else str(raw.columns[0]), "input")
    texts = np.asarray(raw, dtype=object).reshape(-1).tolist() if isinstance(raw, np.ndarray) else list(raw)
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise DataError(f"input {index}: is {text!r:.40}, expected a text")
    return texts
