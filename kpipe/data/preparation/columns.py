"""Columns of a table: numbers, and words as one number per category."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from kpipe.data.preparation.targets import word
from kpipe.errors import DataError
from kpipe.spec.spec import Spec, Tuple

MISSING = "(missing)"


class Number(Spec):
    """A column of numbers: one float32, missing ones filled by what train taught."""

    kind: Literal["number"] = "number"
    name: str = Field(description="the column's name")
    fill: float | None = Field(None, description="stands for a missing number; without it a missing number is an error")

    @property
    def features(self) -> tuple[str, ...]:
        return (self.name,)

    def encode(self, series: pd.Series, where: str) -> np.ndarray:
        """(n, 1) float32. Raises: DataError: naming the column and the row."""
        numbers = as_numbers(series, where)
        missing = np.flatnonzero(np.isnan(numbers))
        if len(missing) and self.fill is None:
            raise DataError(
                f"{where}: column `{self.name}`: {len(missing)} of {len(series)} numbers are missing, "
                f"the first at row {series.index[missing[0]]}",
                "leave these rows out, or set `missing: mean`, `missing: median` or `missing: drop` before training",
            )
        numbers[missing] = self.fill
        return numbers.astype(np.float32)[:, None]


class Category(Spec):
    """A column of words: a 1 in the place of the word, 0 in all others.

    A missing word has a place of its own if train has missing words. A word that train does not have, and a missing
    one where train has none, is 0 everywhere.
    """

    kind: Literal["category"] = "category"
    name: str = Field(description="the column's name")
    values: Tuple[str] = Field(description="the words, as train has them")
    missing: bool = Field(False, description="whether missing words have a place of their own, the last")

    @property
    def features(self) -> tuple[str, ...]:
        values = (*self.values, MISSING) if self.missing else self.values
        return tuple(f"{self.name}={value}" for value in values)

    def encode(self, series: pd.Series, where: str) -> np.ndarray:  # noqa: ARG002
        """(n, categories) float32."""
        codes, unique = pd.factorize(series)  # missing: -1
        place = {value: index for index, value in enumerate(self.values)}
        places = np.array([*(place.get(word(value), -1) for value in unique), len(self.values) if self.missing else -1])
        encoded = np.zeros((len(series), len(self.features)), dtype=np.float32)
        rows = np.arange(len(series))
        known = places[codes] >= 0
        encoded[rows[known], places[codes][known]] = 1
        return encoded


def as_numbers(series: pd.Series, where: str) -> np.ndarray:
    """float64, NaN where missing. Raises: DataError: a word or an infinite number, with its row."""
    numbers = pd.to_numeric(series, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan).copy()
    wrong = np.flatnonzero((np.isnan(numbers) & series.notna().to_numpy()) | np.isinf(numbers.astype(np.float32)))
    if len(wrong):
        value, row = series.iloc[wrong[0]], series.index[wrong[0]]
        raise DataError(
            f"{where}: column `{series.name}`: {len(wrong)} of {len(series)} values are no finite numbers, "
            f"the first is `{value}` at row {row}"
        )
    return numbers


def is_word_column(series: pd.Series) -> bool:
    """Whether a column holds words, not numbers. Raises: TypeError: neither."""
    if pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_complex_dtype(series.dtype):
        return False
    if series.dtype == object or isinstance(series.dtype, (pd.CategoricalDtype, pd.StringDtype)):
        return True
    raise TypeError(str(series.dtype))


def missing_rows(series: pd.Series) -> list[Hashable]:
    return list(series.index[series.isna()])
