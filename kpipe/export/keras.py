"""Keras: Keras's own file, for any backend."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from kpipe.backend import Backend, tensorflow_hidden
from kpipe.export.format import Compute, Format, Inputs

if TYPE_CHECKING:
    import keras


class Keras(Format):
    """Keras's own file, loaded on any backend: the layers with their settings, and the weights.

    ``keras.saving.load_model("model.keras")`` reads it. Where the network has layers of kpipe's own (all but ``cnn``
    and ``mlp`` may), kpipe must be installed there, and ``kpipe.layers`` imported.
    """

    type: Literal["keras"] = "keras"
    engines: ClassVar[tuple[Backend, ...]] = ()
    file: ClassVar[str] = "model.keras"

    def write(self, model: keras.Model, example: Inputs, path: Path, int8: bool) -> None:  # noqa: ARG002
        with tensorflow_hidden():
            model.save(path)

    def load(self, path: Path) -> Compute:
        import keras

        from kpipe.evaluation.forward import run

        with tensorflow_hidden():
            model = keras.saving.load_model(path, compile=False, safe_mode=True)

        def compute(inputs: Inputs) -> Any:
            return run(model, dict(inputs) if len(inputs) > 1 else next(iter(inputs.values())))

        return compute
