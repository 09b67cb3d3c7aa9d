"""Graph: a model's forward pass as TensorFlow's graph, from which three formats are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kpipe.export.format import Inputs

if TYPE_CHECKING:
    import keras

OUTPUT = "output"
"""What the only output is called in each of them."""


def specs_of(model: keras.Model, example: Inputs | None = None) -> list[Any]:
    """The inputs as TensorFlow describes them, by name: of any batch and length, or of the shapes of ``example``."""
    import tensorflow as tf

    shapes = [given.shape for given in model.inputs] if example is None else [array.shape for array in example.values()]
    return [
        tf.TensorSpec(shape, given.dtype, name=given.name) for shape, given in zip(shapes, model.inputs, strict=True)
    ]


def forward(model: keras.Model) -> Any:
    """The forward pass as a function that TensorFlow can trace."""

    def compute(*inputs: Any) -> Any:
        return {OUTPUT: model(list(inputs) if len(inputs) > 1 else inputs[0], training=False)}

    return compute


def traced(model: keras.Model, example: Inputs | None = None) -> Any:
    """The graph for these shapes."""
    import tensorflow as tf

    return tf.function(forward(model), input_signature=specs_of(model, example)).get_concrete_function()


def frozen_graph(model: keras.Model) -> Any:
    """The graph with its weights in it."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    return convert_variables_to_constants_v2(traced(model), lower_control_flow=False, aggressive_inlining=True)
