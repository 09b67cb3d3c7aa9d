"""ONNX: the exchange format that ONNX Runtime and many others compute with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from kpipe.backend import Backend, silenced
from kpipe.export.format import Compute, Format, Inputs
from kpipe.export.graph import OUTPUT, frozen_graph, specs_of

if TYPE_CHECKING:
    import keras

OPSET = 18


@contextmanager
def without_merging_of_reshapes() -> Iterator[None]:
    """tf2onnx 1.17 merges two reshapes that follow each other, though a 0 in the second means a side of the first.

    (Attention of sequences of any length has such.) ONNX Runtime takes out what is superfluous when it loads a file.
    """
    from tf2onnx.optimizer import _get_optimizers

    optimizers = _get_optimizers()
    taken = optimizers.pop("remove_back_to_back")
    try:
        yield
    finally:
        optimizers["remove_back_to_back"] = taken


def convert_erfc(graph: Any, node: Any, name: str, _arguments: Any) -> None:
    """``1 - erf(x)``: of TensorFlow's GELU; neither ONNX nor tf2onnx knows the operation."""
    import numpy as np

    inputs, outputs, shapes, dtypes = node.input, node.output, node.output_shapes, node.output_dtypes
    graph.remove_node(name)
    one = graph.make_const(f"{name}_one", np.ones((), "float32")).output[0]
    erf = graph.make_node("Erf", inputs).output[0]
    graph.make_node("Sub", [one, erf], outputs=outputs, name=name, shapes=shapes, dtypes=dtypes)


def quantize(path: Path) -> None:
    """Weights of eight bits, in the place of the file; what is multiplied with them is brought to eight at run time."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(path, path, weight_type=QuantType.QUInt8)


class ONNX(Format):
    """The exchange format that ONNX Runtime and many others compute with, for any batch and length."""

    type: Literal["onnx"] = "onnx"
    engines: ClassVar[tuple[Backend, ...]] = ("tensorflow",)
    file: ClassVar[str] = "model.onnx"
    packages: ClassVar[tuple[str, ...]] = ("onnx", "onnxruntime", "tf2onnx")
    quantizes: ClassVar[bool] = True

    def write(self, model: keras.Model, example: Inputs, path: Path, int8: bool) -> None:  # noqa: ARG002
        import tensorflow as tf
        import tf2onnx

        frozen = frozen_graph(model)

        def compute(*inputs: Any) -> Any:
            return {OUTPUT: frozen(*inputs)[0]}

        with silenced(), without_merging_of_reshapes():
            tf2onnx.convert.from_function(
                tf.function(compute),
                input_signature=specs_of(model),
                opset=OPSET,
                custom_op_handlers={"Erfc": (convert_erfc, [])},
                output_path=str(path),
            )
        if int8:
            quantize(path)

    def load(self, path: Path) -> Compute:
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

        def compute(inputs: Inputs) -> Any:
            return session.run([OUTPUT], dict(inputs))[0]

        return compute
