"""Time series: a table whose rows follow each other in time, to forecast the rows that come next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from kpipe.data.path import ExistingFile
from kpipe.data.source import Source
from kpipe.data.split_rule import TimeSplitRule
from kpipe.signature import Kind, Task
from kpipe.spec.spec import OrOne, Tuple

if TYPE_CHECKING:
    from kpipe.data.splits import Splits

Names = Annotated[Tuple[str], OrOne()]


class TimeSeries(Source):
    """Rows in the order of time: from `context` rows, the `horizon` rows that follow are to be forecast.

    Splits are cut in time order and never shuffled across a border: every row that is to be forecast lies in its own
    split. Validation and test may look back into the rows before their border for context, as a forecaster could.
    Means and variances are those of the rows of train. Windows are gathered from the series batch by batch, never all
    at once. Where rows are missing (a step longer than 1.5 times the usual one), `kpipe show` says how often.

    Shapes:
        rows (time, columns) -> sequence (context, features) float32, forecast (horizon, targets) float32

    Raises:
        DataError: a column is not there or holds words, a time cannot be read or is not later than the one before, a
        missing or infinite number, a border outside the series, a split too short for one window.

    Example:
        data:
          type: time_series
          path: data/ETTh1.csv
          time: date
          target: [OT]
          context: 96
          horizon: 24
          split: {borders: [8640, 11520, 14400]}

    Reference:
        H. Zhou et al., 2021, Informer: beyond efficient Transformer for long sequence time-series forecasting (ETT).
    """

    type: Literal["time_series"] = "time_series"

    path: ExistingFile = Field(description="a .csv, .csv.gz, .tsv, .parquet or .jsonl file")
    time: str = Field(min_length=1, description="the column of times, or of rising numbers")
    target: Names = Field((), description="the columns to forecast; by default all columns of numbers")
    features: Names = Field((), description="the columns that go in; by default all columns of numbers")
    context: int = Field(96, ge=1, le=1_000_000, description="rows that go in")
    horizon: int = Field(24, ge=1, le=1_000_000, description="rows to forecast")
    stride: int = Field(1, ge=1, le=1_000_000, description="rows from one window's begin to the next one's")
    missing: Literal["error", "last"] = Field(
        "error", description="what becomes of missing numbers: error, or last: the last one that was there"
    )
    separator: str | None = Field(None, min_length=1, description="between columns; by default , and a tab in .tsv")
    split: TimeSplitRule = Field(TimeSplitRule(), description="fractions, or borders: counts of rows, or times")

    @property
    def kind(self) -> Kind:
        return "sequence"

    @property
    def task(self) -> Task:
        return "forecast"

    def load(self, seed: int) -> Splits:  # noqa: ARG002  # nothing is drawn: the order of time is kept
        from kpipe.data.preparation.learn import moments
        from kpipe.data.preparation.series import Series, windowed
        from kpipe.data.preparation.window import Window
        from kpipe.data.splits import Splits
        from kpipe.signature import Feature, Signature, Target

        series = Series.read(Path(self.path), self.time, self.features, self.target, self.missing, self.separator)
        borders = series.borders(self.split)
        mean, variance = moments(series.inputs[: borders[1]])
        feature = Feature(
            name="sequence",
            kind="sequence",
            shape=(self.context, len(series.features)),
            dtype="float32",
            mean=mean,
            variance=variance,
            columns=series.features,
        )
        mean, variance = moments(series.values[: borders[1]])
        target = Target(task="forecast", names=series.targets, mean=mean, variance=variance, horizon=self.horizon)
        splits = windowed(series, borders, self.context, self.horizon, self.stride)
        return Splits(
            train=splits["train"],
            validation=splits["validation"],
            test=splits["test"],
            signature=Signature(inputs=(feature,), target=target),
            preparation=Window(
                context=self.context, time=self.time, features=series.features, missing=self.missing,
                separator=self.separator, target=target,
            ),
            fingerprint=series.fingerprint(splits),
            origin=f"time_series {Path(self.path).name[:40]}",
            facts=(series.fact,),
        )  # fmt: skip
