"""How kpipe's pictures look: thin ink on white, colours that colour-blind eyes tell apart, no global state.

Figures are made without pyplot, so drawing leaves nothing behind in the process and may run in a thread.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, SOFT, FAINT = "#222222", "#6b6b6b", "#dddddd"
BLUE, ORANGE, GREEN, PURPLE = "#0072b2", "#d55e00", "#009e73", "#aa4499"
"""Okabe and Ito's colours (2008): told apart with every common colour-blindness, and by lightness in print."""
DPI = 150
WIDTH = 6.0
"""inches; of every picture, so that text has one size on a page"""
TEXT = 10
SMALL = 9


def figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure with an Agg canvas; sizes in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(drawn)
    return drawn


def thin(axes: Axes, title: str = "", x: str = "", y: str = "", grid: bool = True) -> Axes:
    """Two thin spines, a faint grid, small text; the title on the left, over the axis it names."""
    axes.set_title(title, loc="left", fontsize=TEXT, color=INK)
    axes.set_xlabel(x, fontsize=SMALL, color=SOFT)
    axes.set_ylabel(y, fontsize=SMALL, color=SOFT)
    axes.tick_params(labelsize=SMALL, colors=SOFT, length=2, width=0.6)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set(color=SOFT, linewidth=0.6)
    if grid:
        axes.grid(color=FAINT, linewidth=0.5)
        axes.set_axisbelow(True)
    return axes


def shorten(name: str, length: int = 16) -> str:
    """A class's name as a label: one line, at most ``length`` characters, nothing read as a formula."""
    line = " ".join(name.split())
    line = line if len(line) <= length else line[: length - 1] + "…"
    return line.replace("$", r"\$")


def png(drawn: Figure) -> bytes:
    """The figure as a PNG file; letters that the font lacks become boxes, without a warning."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        drawn.savefig(buffer, format="png")
    return buffer.getvalue()
