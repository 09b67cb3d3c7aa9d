"""Images of a split as pictures, to be shown in a grid with captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kpipe.evaluation.drawing import SMALL, WIDTH, figure

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kpipe.evaluation.evidence import Evidence

GAP = 0.08
"""between two images beside each other, in widths of an image"""


def inputs_at(evidence: Evidence, positions: np.ndarray) -> np.ndarray:
    """The images at ``positions`` as the model takes them (count, height, width, channels)."""
    name = next(feature.name for feature in evidence.signature.inputs if feature.kind == "image")
    return evidence.split.take(positions)[name]


def showable(images: np.ndarray) -> np.ndarray:
    """Images of any dtype and number of channels as uint8 (count, height, width, 3).

    uint8 as it is; floats from their lowest to their highest value; neither one nor three channels as their mean.
    """
    import numpy as np

    if images.shape[-1] not in (1, 3):
        images = images.mean(axis=-1, keepdims=True)
    if images.dtype != np.uint8:
        low, high = images.min(), images.max()
        images = (255 * ((images - low) / (high - low if high > low else 1.0))).astype("uint8")
    return np.ascontiguousarray(np.broadcast_to(images, (*images.shape[:-1], 3)))


@dataclass
class Grid:
    """Images of one shape in columns, each with lines of text under it.

    All stand in one Axes, where a unit is an image's width: a subplot for each would take ten times as long to draw.
    """

    count: int
    columns: int
    shape: tuple[int, int]
    """height and width of an image in pixels"""
    lines: int
    """of text under each image"""
    extra_lines: int = 0
    """under the last row"""
    figure: Figure = field(init=False)
    axes: Axes = field(init=False)

    def __post_init__(self) -> None:
        rows = -(-self.count // self.columns)
        width = self.columns * (1 + GAP)
        self.line = SMALL * 1.3 / 72 * width / WIDTH
        self.side = self.shape[0] / self.shape[1]
        self.pitch = self.side + self.line * (self.lines + 0.8)
        height = self.pitch * rows + self.line * self.extra_lines
        self.figure = figure(WIDTH * height / width)
        self.figure.set_layout_engine("none")
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self.axes.set(xlim=(-GAP / 2, width - GAP / 2), ylim=(height - GAP / 2, -GAP / 2))

    def place(self, number: int, image: np.ndarray, caption: Sequence[tuple[str, str]], smooth: bool = False) -> None:
        """Puts image ``number``, counted row by row, and its caption: lines of text with a colour each."""
        left, top = number % self.columns * (1 + GAP), number // self.columns * self.pitch
        bottom = top + self.side
        how = "bilinear" if smooth else "nearest"
        self.axes.imshow(image, extent=(left, left + 1, bottom, top), interpolation=how, aspect="auto")
        for row, (text, colour) in enumerate(caption):
            below = bottom + self.line * (row + 0.2)
            self.axes.text(left, below, text, fontsize=SMALL, color=colour, va="top", ha="left")


def evenly(evidence: Evidence, count: int) -> np.ndarray:
    """Positions of at most ``count`` examples, from the first to the last."""
    import numpy as np

    return np.linspace(0, len(evidence) - 1, min(count, len(evidence))).astype(int)


def under_each_other(*rows: np.ndarray, columns: int = 10) -> Figure:
    """Images (count, height, width, channels) of each row under those of the one before, on one scale of brightness:
    where one row is of bytes, bytes."""
    import numpy as np

    count, columns = len(rows[0]), min(columns, len(rows[0]))
    if any(row.dtype == np.uint8 for row in rows):
        rows = tuple(np.clip(np.rint(row), 0, 255).astype(np.uint8) for row in rows)
    shown = showable(np.concatenate(rows)).reshape(len(rows), count, *rows[0].shape[1:3], 3)
    blocks = -(-count // columns)
    grid = Grid(blocks * len(rows) * columns, columns, shape=shown.shape[2:4], lines=0)
    for number in range(count):
        block, column = divmod(number, columns)
        for row in range(len(rows)):
            grid.place((block * len(rows) + row) * columns + column, shown[row, number], [])
    return grid.figure
