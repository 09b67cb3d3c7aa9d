"""Torch: PyTorch's exported program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from kpipe.backend import Backend
from kpipe.export.format import Compute, Format, Inputs

if TYPE_CHECKING:
    import keras


class Torch(Format):
    """PyTorch's exported program (``.pt2``), for any batch, and sequences of tokens of one length.

    ``torch.export.load("model.pt2").module()`` computes.
    """

    type: Literal["torch"] = "torch"
    engines: ClassVar[tuple[Backend, ...]] = ("torch",)
    file: ClassVar[str] = "model.pt2"
    packages: ClassVar[tuple[str, ...]] = ("torch",)
    one_length: ClassVar[bool] = True

    def write(self, model: keras.Model, example: Inputs, path: Path, int8: bool) -> None:  # noqa: ARG002
        import numpy as np
        import torch

        class Forward(torch.nn.Module):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.model = model

            def forward(self, *inputs: Any) -> Any:
                return self.model(list(inputs) if len(inputs) > 1 else inputs[0], training=False)

        # a batch of one would be taken for a constant; steps are one, as PyTorch unrolls its recurrent kernels here
        two = tuple(torch.as_tensor(np.repeat(array, 2, axis=0)) for array in example.values())
        free = tuple({0: torch.export.Dim.DYNAMIC} for _ in two)
        with torch.no_grad():
            program = torch.export.export(Forward().eval(), two, dynamic_shapes=(free,), strict=False)
        for node in program.graph.nodes:  # where in which file of this machine it was computed is nobody's business
            for told in ("stack_trace", "nn_module_stack", "source_fn_stack", "from_node"):
                node.meta.pop(told, None)
        torch.export.save(program, path)

    def load(self, path: Path) -> Compute:
        import torch

        module = torch.export.load(path).module()

        def compute(inputs: Inputs) -> Any:
            with torch.no_grad():
                return module(*(torch.as_tensor(array) for array in inputs.values())).numpy()

        return compute
