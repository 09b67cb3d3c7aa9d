"""Tables: CSV and Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from kpipe.data.path import ExistingFile
from kpipe.data.source import Source
from kpipe.data.split_rule import ColumnSplitRule
from kpipe.signature import Kind, Task
from kpipe.spec.mistake import Problem
from kpipe.spec.spec import OrOne, Tuple, refuse

if TYPE_CHECKING:
    from kpipe.data.splits import Splits

Names = Annotated[Tuple[str], OrOne()]


class Table(Source):
    """Rows of a CSV or Parquet file: columns of numbers and of words to a vector.

    A column of numbers or booleans is one feature. A column of words is one 0/1 feature for each word that train
    has; missing words are a category of their own, ``(missing)``; words that train does not have are 0 in all.
    Missing numbers follow ``missing``: ``error`` names the column; ``mean`` and ``median`` fill in what train
    has; ``drop`` leaves the row out, also where the target is missing, and counts it as skipped. Targets of words,
    whole numbers or booleans are classes, floats are values; several columns of 0/1 are labels, else values;
    ``target_task`` says otherwise. A Parquet file is read in pieces, and vectors of more than 64 MB lie in a file
    in the user's cache folder, so it may be larger than memory.

    Shapes:
        (rows, columns) -> vector (features,) float32

    Raises:
        DataError: a column is not there, holds neither numbers nor words, or too many categories; missing targets or
        numbers; infinite numbers; a class that train does not have.

    Example:
        data:
          type: table
          path: data/penguins.csv
          target: species
          drop: [year]
          missing: mean
    """

    type: Literal["table"] = "table"

    path: ExistingFile = Field(description="a .csv, .csv.gz, .tsv or .parquet file")
    target: Names = Field(min_length=1, description="the column to predict, or several of them")
    features: Names = Field((), description="the columns that go in; by default all others")
    drop: Names = Field((), description="columns left out")
    categorical: Names = Field((), description="columns of numbers that stand for categories")
    missing: Literal["error", "mean", "median", "drop"] = Field("error", description="what becomes of missing numbers")
    max_categories: int = Field(100, ge=1, le=10_000, description="more words than that in a column are an error")
    target_task: Task | None = Field(None, description="what the target is; by default as its column tells")
    separator: str | None = Field(None, min_length=1, description="between columns; by default , and a tab in .tsv")
    split: ColumnSplitRule = Field(ColumnSplitRule(), description="a column that names the split, or fractions")

    @property
    def kind(self) -> Kind:
        return "vector"

    @property
    def task(self) -> Task | None:
        return self.target_task

    @model_validator(mode="after")
    def _columns_do_not_clash(self) -> Table:
        problems = [
            Problem((field,), f"`{name}` is the target too", "remove it here")
            for field in ("features", "drop", "categorical")
            for name in getattr(self, field)
            if name in self.target
        ]
        problems += [Problem(("drop",), f"`{name}` is in features too") for name in self.drop if name in self.features]
        if problems:
            raise refuse(*problems)
        return self

    def load(self, seed: int) -> Splits:
        from kpipe.data.preparation.learn import Part, learn
        from kpipe.data.preparation.rows import Rows, learn_columns
        from kpipe.data.preparation.stored import some
        from kpipe.data.preparation.table import Table as Preparation
        from kpipe.data.preparation.targets import encode, infer_task, target_of

        rows = Rows.read(self)
        where = f"{self.path}: column `{', '.join(self.target)}`"
        task = self.target_task or infer_task(rows.targets, where)
        target = target_of(rows.targets, task, () if task == "classes" else self.target)
        targets = encode(rows.targets, target, where)
        indices = rows.divide(self, targets, seed, task)
        preparation = Preparation(
            columns=learn_columns(self, rows, indices["train"]),
            targets=self.target,
            target=target,
            separator=self.separator,
        )
        vectors = rows.encoded(preparation, self)
        parts = {name: Part(some(vectors, chosen), targets[chosen]) for name, chosen in indices.items()}
        origin = f"table {Path(self.path).name}"
        return learn(parts, "vector", target, preparation, origin, preparation.features, rows.skipped)
