"""Signature: what goes into a model and what comes out. Data and models know each other only through it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kpipe.spec.spec import Spec, Tuple

Kind = Literal["image", "vector"]
Task = Literal["classes", "labels", "values"]


class Feature(Spec):
    """One input, as the model receives it."""

    name: str = Field(description="the name of the model's input")
    kind: Kind = Field(description="image: (height, width, channels); vector: (features,)")
    shape: Tuple[int] = Field(description="the shape of one example, without the batch")
    dtype: Literal["uint8", "float32"] = Field(description="the dtype in memory; the model casts to its own")
    mean: Tuple[float] = Field((), description="per channel (image) or feature (vector), learned on train alone")
    variance: Tuple[float] = Field((), description="per channel or feature, learned on train alone")
    columns: Tuple[str] = Field((), description="the names of a vector's features, where they have names")


class Target(Spec):
    """The output.

    classes: one of several, an int32 index, the model gives logits (batch, num_classes);
    labels: any of several, float32 0/1 (num_labels,), the model gives logits (batch, num_labels);
    values: float32 (num_values,), the model gives values (batch, num_values) in the target's own unit.
    """

    name: str = Field("target", description="the name of the target")
    task: Task = Field(description="classes: one of several; labels: any of several; values: numbers")
    names: Tuple[str] = Field(description="of the classes, labels or values; their number is the output's size")
    mean: Tuple[float] = Field((), description="of each value on train: the model's output layer starts from it")
    variance: Tuple[float] = Field((), description="of each value on train")

    @property
    def size(self) -> int:
        """The size of the model's output: the number of classes, labels or values."""
        return len(self.names)


class Signature(Spec):
    """The features that go in, the target that comes out."""

    inputs: Tuple[Feature] = Field(min_length=1)
    target: Target

    @property
    def input(self) -> Feature:
        """The only input of a model that takes one."""
        (feature,) = self.inputs
        return feature
