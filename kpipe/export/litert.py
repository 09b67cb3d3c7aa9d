"""LiteRT: the format of phones and small devices, before called TensorFlow Lite."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from kpipe.backend import Backend, silenced
from kpipe.export.format import Compute, Format, Inputs
from kpipe.export.graph import traced

if TYPE_CHECKING:
    import keras


class LiteRT(Format):
    """The format of phones and small devices (``.tflite``), one example at a time, of one length."""

    type: Literal["litert"] = "litert"
    engines: ClassVar[tuple[Backend, ...]] = ("tensorflow",)
    file: ClassVar[str] = "model.tflite"
    quantizes: ClassVar[bool] = True
    one_by_one: ClassVar[bool] = True
    one_length: ClassVar[bool] = True

    def write(self, model: keras.Model, example: Inputs, path: Path, int8: bool) -> None:
        import tensorflow as tf

        module = tf.Module()
        module.weights = [variable.value for variable in model.variables]
        converter = tf.lite.TFLiteConverter.from_concrete_functions([traced(model, example)], module)
        if int8:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        with silenced():
            path.write_bytes(converter.convert())

    def load(self, path: Path) -> Compute:
        import tensorflow as tf

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*tf.lite.Interpreter is deprecated")
            interpreter = tf.lite.Interpreter(model_path=str(path))
        run = interpreter.get_signature_runner()

        def compute(inputs: Inputs) -> Any:
            (output,) = run(**inputs).values()
            return output

        return compute
