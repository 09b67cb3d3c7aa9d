"""The size of a feature map after a convolution or a pooling, with its arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Padding = Literal["same", "valid"]


@dataclass(frozen=True)
class Window:
    """How a window of ``kernel`` positions slides along one side of a feature map."""

    size: int
    kernel: int
    stride: int = 1
    padding: Padding = "valid"
    dilation: int = 1

    @property
    def extent(self) -> int:
        """What the window spans: ``dilation * (kernel - 1) + 1``."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def output(self) -> int:
        """``floor((size + padding - extent) / stride) + 1``; 0 or less when the window does not fit."""
        if self.padding == "same":
            return -(-self.size // self.stride)
        return (self.size - self.extent) // self.stride + 1

    @property
    def padded(self) -> tuple[int, int]:
        """The zeros put before and after: with `same` just enough for ``ceil(size / stride)`` positions."""
        if self.padding == "valid":
            return 0, 0
        total = max(0, (self.output - 1) * self.stride + self.extent - self.size)
        return total // 2, total - total // 2

    @property
    def arithmetic(self) -> str:
        """``(8 + 2*1 - 3) / 1 + 1 = 8``; uneven padding as ``1 + 2``, a dilated kernel as what it spans."""
        before, after = self.padded
        padding = "" if before == after == 0 else f" + 2*{before}" if before == after else f" + {before} + {after}"
        spans = str(self.extent) if self.dilation == 1 else f"({self.dilation}*({self.kernel} - 1) + 1)"
        quotient = f"({self.size}{padding} - {spans}) / {self.stride}"
        if (self.size + before + after - self.extent) % self.stride:
            quotient = f"floor({quotient})"
        return f"{quotient} + 1 = {self.output}"
