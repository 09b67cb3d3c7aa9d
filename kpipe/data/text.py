"""Text: plain files for language models, which learn to say what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from kpipe.data.path import ExistingPath
from kpipe.data.source import Source
from kpipe.data.split_rule import OrderedSplitRule, SplitName
from kpipe.signature import Kind, Task
from kpipe.spec.mistake import Problem
from kpipe.spec.one_of import OneOf
from kpipe.spec.spec import OrOne, Tuple, refuse
from kpipe.tokenization.characters import Characters
from kpipe.tokenization.tokenizer import Tokenizer

if TYPE_CHECKING:
    from kpipe.data.splits import Splits


class Text(Source):
    """Running text, cut into windows; the model learns the next token of each.

    The files' texts are put one after the other, and split by position: train comes first, then validation, test
    last; no window crosses a border. `context` tokens are a window, the next begins `stride` tokens later. Windows of
    validation and test do not overlap, so that each token counts once. The last window of a split may be shorter.

    Shapes:
        text -> tokens (time,) int32, and next_token (time,): the same, moved by one

    Raises:
        DataError: a file is no UTF-8 text, the folder holds no .txt, a split is left with fewer than two tokens.

    Example:
        data:
          type: text
          path: data/shakespeare.txt
          context: 128
          tokenizer: characters
          split: {validation: 0.05, test: 0.05}

    Reference:
        Y. Bengio, R. Ducharme, P. Vincent, C. Jauvin, 2003, A neural probabilistic language model.
    """

    type: Literal["text"] = "text"

    path: Annotated[Tuple[ExistingPath], OrOne()] = Field(
        min_length=1, description="a file, a list of files, or a folder of .txt files, read in alphabetical order"
    )
    tokenizer: Annotated[Tokenizer, OneOf("kpipe.tokenization")] = Field(
        Characters(), description="how the text is cut into tokens"
    )
    context: int = Field(128, ge=1, le=1_000_000, description="tokens of a window")
    stride: int | None = Field(
        None, ge=1, le=1_000_000, description="of train: tokens from one window's begin to the next; by default context"
    )
    split: OrderedSplitRule = Field(OrderedSplitRule(), description="fractions of the characters cut off the end")

    @property
    def kind(self) -> Kind:
        return "tokens"

    @property
    def task(self) -> Task:
        return "next_token"

    @model_validator(mode="after")
    def _windows_leave_nothing_out(self) -> Text:
        if self.stride is not None and self.stride > self.context:
            message = f"stride {self.stride} leaves out text between windows of {self.context} tokens"
            raise refuse(Problem(("stride",), message, f"at most {self.context}"))
        return self

    def load(self, seed: int) -> Splits:  # noqa: ARG002  # nothing is drawn: the order of the text is kept
        from kpipe.data.preparation import encoded, running_text
        from kpipe.data.preparation.sequences import splits_of
        from kpipe.data.preparation.text import Text as Preparation
        from kpipe.signature import Signature, Target
        from kpipe.tokenization.vocabulary import Vocabulary

        files = running_text.files_of(self.path)
        texts = running_text.divide(running_text.read(files), self.split)
        vocabulary = Vocabulary.learn(self.tokenizer, running_text.lines(texts["train"]))
        strides: Mapping[SplitName, int | None] = {"train": self.stride}
        columns = {
            name: running_text.windows(text, vocabulary, self.context, strides.get(name) or self.context, name)
            for name, text in texts.items()
        }
        target = Target(task="next_token", vocabulary=vocabulary)
        signature = Signature(inputs=(encoded.feature_of("tokens", vocabulary),), target=target)
        preparation = Preparation(vocabulary=vocabulary, target=target)
        return splits_of(columns, signature, preparation, f"text {Path(self.path[0]).name[:40]}")
