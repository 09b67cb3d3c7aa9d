"""Signature: what goes into a model and what comes out. Data and models know each other only through it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kpipe.spec.spec import Spec, Tuple
from kpipe.tokenization.vocabulary import Vocabulary

Kind = Literal["image", "vector", "sequence", "tokens"]
Task = Literal["classes", "labels", "values", "tags", "forecast", "text", "next_token", "reconstruction"]


class Feature(Spec):
    """One input, as the model receives it.

    image: (height, width, channels); vector: (features,); sequence: (time, features), all of one length;
    tokens: (time,) int32 numbers of a vocabulary, of any length, padded with 0 at the end.
    """

    name: str = Field(description="the name of the model's input")
    kind: Kind = Field(description="image, vector, sequence or tokens")
    shape: Tuple[int | None] = Field(description="the shape of one example, without the batch; None is any length")
    dtype: Literal["uint8", "float32", "int32"] = Field(description="the dtype in memory; the model casts to its own")
    mean: Tuple[float] = Field((), description="per channel (image) or feature, learned on train alone")
    variance: Tuple[float] = Field((), description="per channel or feature, learned on train alone")
    columns: Tuple[str] = Field((), description="the names of the features, where they have names")
    vocabulary: Vocabulary | None = Field(None, description="of tokens")
    max_length: int | None = Field(None, description="of tokens: no example is longer")

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the numbers along the last axis."""
        if self.columns:
            return self.columns
        count = self.shape[-1] or 0
        if self.kind == "image" and count in (1, 3):
            return ("gray",) if count == 1 else ("red", "green", "blue")
        return tuple(f"{'channel' if self.kind == 'image' else 'x'}{number}" for number in range(1, count + 1))

    @property
    def sides(self) -> tuple[int, ...]:
        """The shape of one example, of a kind whose examples are all of one shape."""
        return tuple(side for side in self.shape if side is not None)


class Target(Spec):
    """The output.

    classes: one of several, an int32 index, the model gives logits (batch, num_classes);
    labels: any of several, float32 0/1 (num_labels,), the model gives logits (batch, num_labels);
    values: float32 (num_values,), the model gives values (batch, num_values) in the target's own unit;
    tags: a class for each step, int32 (time,), the model gives logits (batch, time, num_tags);
    forecast: float32 (horizon, num_values), the steps that follow, the model gives values of that shape in their unit;
    text: int32 (time,), the numbers of a text's tokens and the end, the model gives logits (batch, time, num_tokens);
    next_token: the same, for each token the one that follows it;
    reconstruction: the input itself, the model gives it again in its own unit.

    Where tags, text and next_token are padded, and where a batch is filled up, the target is -1 (floats: NaN).
    """

    name: str = Field("target", description="the name of the target")
    task: Task = Field(description="classes, labels, values, tags, forecast, text, next_token or reconstruction")
    names: Tuple[str] = Field((), description="of the classes, labels, values or tags")
    mean: Tuple[float] = Field((), description="of each value on train: the model's output layer starts from it")
    variance: Tuple[float] = Field((), description="of each value on train")
    vocabulary: Vocabulary | None = Field(None, description="of text and next_token")
    max_length: int | None = Field(None, description="of text: tokens of the longest, with its end")
    horizon: int | None = Field(None, description="of a forecast: how many steps")

    @property
    def size(self) -> int:
        """The size of the model's output: the number of classes, labels, values, tags or tokens."""
        return self.vocabulary.size if self.vocabulary else len(self.names)

    @property
    def is_discrete(self) -> bool:
        """Whether each answer is one of several, so that the model gives logits over them."""
        return self.task in ("classes", "tags", "text", "next_token")

    @property
    def is_per_step(self) -> bool:
        """Whether there is an answer for each step of a sequence of any length."""
        return self.task in ("tags", "text", "next_token")


class Signature(Spec):
    """The features that go in, the target that comes out.

    For `text` the inputs are the source and `previous`: the target one step later, from the start token on.
    """

    inputs: Tuple[Feature] = Field(min_length=1)
    target: Target
    given: Target | None = Field(None, description="what the data gives, where the model learns another target")

    @property
    def input(self) -> Feature:
        """The first input, in most tasks the only one."""
        return self.inputs[0]

    @property
    def is_padded(self) -> bool:
        """Whether examples are of different lengths, so that batches are padded, and filled up to equal size."""
        return any(feature.kind == "tokens" for feature in self.inputs)

    def reconstructed(self) -> Signature:
        """The same inputs, with the first as the target."""
        if self.target.task == "reconstruction":
            return self
        one = self.input
        target = Target(name=one.name, task="reconstruction", names=one.channels, mean=one.mean, variance=one.variance)
        return Signature(inputs=self.inputs, target=target, given=self.target)
