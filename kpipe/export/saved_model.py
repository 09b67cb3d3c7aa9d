"""SavedModel: TensorFlow's folder of a graph and its weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from kpipe.backend import Backend, silenced
from kpipe.export.format import Compute, Format, Inputs
from kpipe.export.graph import OUTPUT, traced

if TYPE_CHECKING:
    import keras


class SavedModel(Format):
    """TensorFlow's folder of a graph and its weights, for any batch and length.

    ``tf.saved_model.load("saved_model").signatures["serving_default"]`` computes, and takes the inputs by name.
    """

    type: Literal["saved_model"] = "saved_model"
    engines: ClassVar[tuple[Backend, ...]] = ("tensorflow",)
    file: ClassVar[str] = "saved_model"

    def write(self, model: keras.Model, example: Inputs, path: Path, int8: bool) -> None:  # noqa: ARG002
        import tensorflow as tf

        module = tf.Module()
        module.weights = [variable.value for variable in model.variables]  # what the graph reads is written with it
        with silenced():
            tf.saved_model.save(module, str(path), signatures=traced(model))

    def load(self, path: Path) -> Compute:
        import tensorflow as tf

        loaded = tf.saved_model.load(str(path))
        serve = loaded.signatures["serving_default"]

        def compute(inputs: Inputs) -> Any:
            assert loaded  # its variables live as long as it does
            return serve(**{name: tf.constant(array) for name, array in inputs.items()})[OUTPUT].numpy()

        return compute
