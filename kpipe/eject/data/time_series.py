"""Time series as code: the rows of a table, and windows of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kpipe.data.preparation.series import Series
from kpipe.data.time_series import TimeSeries
from kpipe.eject.data.table import reading
from kpipe.eject.section import Section, cannot, require_defaults
from kpipe.eject.words import assigned, literal

if TYPE_CHECKING:
    from kpipe.data.splits import Splits

MOST_BYTES = 2**29
"""Of windows that a script holds in memory; kpipe gathers them batch by batch."""

WINDOWS = '''

def windows(begin, end):
    """What goes in, and what is forecast of the rows from ``begin`` to ``end``."""
    first = np.arange(max(begin, CONTEXT), end - HORIZON + 1{stride})[:, None]
    return seen[first + np.arange(-CONTEXT, 0)], values[first + np.arange(HORIZON)]


'''


def check(source: TimeSeries) -> None:
    """Raises: WrongInput: a setting cannot be written."""
    used = ("path", "time", "target", "features", "context", "horizon", "stride", "missing", "separator", "split")
    require_defaults(source, "data", (*used, "batch_size"))


def write(source: TimeSeries, splits: Splits) -> Section:
    """Arrays ``x_train, y_train, ...``, the same windows in the same order. Raises: WrongInput: they are too many."""
    series = Series.read(
        Path(source.path), source.time, source.features, source.target, source.missing, source.separator
    )
    borders = series.borders(source.split)
    row = 4 * (source.context * len(series.features) + source.horizon * len(series.targets))
    if row * sum(len(split) for _, split in splits) > MOST_BYTES:
        raise cannot(
            "data: windows of more than 512 MB together", "make `data.stride` larger, or `data.context` smaller"
        )
    filled = ".ffill()" if source.missing == "last" else ""
    if series.features == series.targets:
        arrays = f'seen = values = table[TARGETS]{filled}.to_numpy("float32")'
        features = []
    else:
        arrays = "\n".join(
            f'{array} = table[{names}]{filled}.to_numpy("float32")'
            for array, names in (("seen", "FEATURES"), ("values", "TARGETS"))
        )
        features = [assigned("FEATURES", series.features)]
    lines = [reading(source), f"{arrays}  # {literal(series.inputs.shape)}"]
    code = "\n".join(lines) + "\n" + WINDOWS.format(stride=", STRIDE" if source.stride > 1 else "")
    places = {"train": "0, TRAIN", "validation": "TRAIN, VALIDATION", "test": "VALIDATION, TEST"}
    code += "\n".join(f"x_{name}, y_{name} = windows({place})" for name, place in places.items())
    constants = [
        f"CONTEXT, HORIZON = {source.context}, {source.horizon}  # rows that go in, rows to forecast",
        *[f"STRIDE = {source.stride}  # from one window to the next"] * (source.stride > 1),
        f"TRAIN, VALIDATION, TEST = {', '.join(map(str, borders[1:]))}  # rows before which each ends",
        *features,
        assigned("TARGETS", series.targets),
    ]
    return Section(code, ("import pandas as pd",), tuple(constants))
