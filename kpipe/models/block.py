"""Block: the values that hold for one block of convolutions, and whether feature maps survive a row of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kpipe.errors import WrongInput
from kpipe.feature_map import Padding, Window

Pooling = Literal["max", "average", "none"]


@dataclass(frozen=True)
class Block:
    """One or more convolutions and a pooling; only the first convolution strides."""

    number: int
    filters: tuple[int, ...]
    kernel_size: int
    strides: int
    padding: Padding
    dilation_rate: int
    pooling: Pooling
    pool_size: int

    @property
    def name(self) -> str:
        return f"block{self.number}"

    def windows(self, size: int) -> tuple[tuple[str, Window], ...]:
        """What slides over a side of ``size``, as far as it fits: the field at work, and the window."""
        slides = [("kernel_size", self.kernel_size, self.strides, self.padding, self.dilation_rate)]
        slides += [("kernel_size", self.kernel_size, 1, self.padding, self.dilation_rate)] * (len(self.filters) - 1)
        if self.pooling != "none":
            slides.append(("pool_size", self.pool_size, self.pool_size, "valid", 1))
        windows: list[tuple[str, Window]] = []
        for field, kernel, stride, padding, dilation in slides:
            windows.append((field, Window(size, kernel, stride, padding, dilation)))
            size = windows[-1][1].output
            if size < 1:
                break
        return tuple(windows)


def check_side(side: str, size: int, blocks: tuple[Block, ...]) -> None:
    """Follows one side of the feature maps through the blocks. Raises: WrongInput: it shrinks to nothing."""
    trail = [str(size)]
    for block in blocks:
        for field, window in block.windows(size):
            if window.output < 1:
                what = "pooling" if field == "pool_size" else "convolution"
                raise WrongInput(
                    f"model.{field}: the {what} of block {block.number} shrinks the {side} to nothing: "
                    f"{window.arithmetic}",
                    f"so far the {side} goes {' -> '.join(trail)}: use fewer blocks or smaller windows, "
                    "`padding: same`, `pooling: none` in later blocks, or `resize` to larger images",
                )
            size = window.output
            trail.append(str(size))


def check_depthwise(channels: int, blocks: tuple[Block, ...]) -> None:
    """Each depthwise convolution gives a multiple of the channels it takes. Raises: WrongInput: it cannot."""
    for block in blocks:
        for filters in block.filters:
            if filters % channels:
                raise WrongInput(
                    f"model.filters: block {block.number} cannot make {filters} channels of {channels} by depthwise "
                    f"convolution: {filters} / {channels} is not whole",
                    "give multiples of the channels before, or set `convolution: separable`",
                )
            channels = filters
