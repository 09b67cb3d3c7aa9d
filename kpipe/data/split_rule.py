"""SplitRule: the YAML's ``split``, how examples become train, validation and test."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from kpipe.spec.mistake import Problem
from kpipe.spec.spec import Spec, Tuple, refuse

SplitName = Literal["train", "validation", "test"]


class Fractions(Spec):
    """How much is cut off for validation and for test; what is left is train."""

    validation: float = Field(0.1, gt=0, lt=1, description="fraction of the examples cut off for validation, in (0, 1)")
    test: float = Field(0.2, gt=0, lt=1, description="fraction of the examples cut off for test, in (0, 1)")

    @model_validator(mode="after")
    def _leaves_something(self) -> Self:
        if self.validation + self.test >= 1:
            raise refuse(
                Problem(
                    ("test",),
                    f"validation {self.validation:g} and test {self.test:g} leave nothing for train",
                    "their sum must be below 1",
                )
            )
        return self


class OrderedSplitRule(Fractions):
    """Cuts in the order of the data, nothing shuffled: train comes first, then validation, test last."""

    test: float = Field(0.1, gt=0, lt=1, description="fraction cut off at the end for test, in (0, 1)")


class SplitRule(Fractions):
    """Cuts validation and test off by fraction; what is left is train. The same seed cuts the same examples."""

    stratified: bool = Field(True, description="keep the proportions of the classes in every split")


class GivenSplitRule(SplitRule):
    """Uses the splits that the data comes with; only those it lacks are cut off train by fraction."""

    names: dict[SplitName, str] = Field(
        {},
        description="which given split is train, validation or test; by default those called so. "
        "One not named here is cut off train by fraction",
    )

    @model_validator(mode="after")
    def _has_train(self) -> GivenSplitRule:
        if self.names and "train" not in self.names:
            raise refuse(Problem(("names",), "names no split for train", "add `train: <name>`"))
        return self

    @model_validator(mode="after")
    def _names_differ(self) -> GivenSplitRule:
        users: dict[str, list[SplitName]] = {}
        for split in get_args(SplitName):
            if split in self.names:
                users.setdefault(self.names[split], []).append(split)
        problems = [
            Problem(
                ("names", split),
                f"`{name}` is {first} already: {split} would be the same examples",
                f"name another, or leave `{split}` out to cut it off train",
            )
            for name, (first, *others) in users.items()
            for split in others
        ]
        if problems:
            raise refuse(*problems)
        return self


class ColumnSplitRule(GivenSplitRule):
    """Reads the split of each row from a column of the table, or cuts by fraction."""

    column: str | None = Field(None, description="column that says train, validation or test for each row")

    @model_validator(mode="after")
    def _names_need_column(self) -> ColumnSplitRule:
        if self.names and self.column is None:
            raise refuse(Problem(("names",), "names are values of a column, but no column is given", "add `column:`"))
        return self


class GroupedSplitRule(ColumnSplitRule):
    """Reads the split of each row from a column, or cuts by fraction; rows of one group stay in one split."""

    group: str | None = Field(None, description="column whose equal values never part: all its rows go in one split")

    @model_validator(mode="after")
    def _one_way(self) -> GroupedSplitRule:
        if self.group is not None and self.column is not None:
            raise refuse(Problem(("group",), "`column` says the split of each row already", "remove one of them"))
        return self


class TimeSplitRule(OrderedSplitRule):
    """Cuts a time series in its order, at fractions or at borders."""

    borders: Tuple[int | str] = Field(
        (),
        max_length=3,
        description="instead of fractions, where validation begins, where test begins, and where it ends if not at the "
        "end: counts of rows, or times",
    )

    @field_validator("borders", mode="before")
    @classmethod
    def _dates_are_words(cls, value: Any) -> Any:
        """YAML reads 2017-07-01 as a date."""
        if not isinstance(value, (list, tuple)):
            return value
        return [border.isoformat() if isinstance(border, date) else border for border in value]

    @model_validator(mode="after")
    def _borders_rise(self) -> TimeSplitRule:
        if len(self.borders) == 1:
            raise refuse(Problem(("borders",), "one border, expected two or three", "where validation and test begin"))
        if len({type(border) for border in self.borders}) > 1:
            raise refuse(Problem(("borders",), "counts of rows and times are mixed", "give all of one sort"))
        if list(self.borders) != sorted(set(self.borders)) and all(isinstance(border, int) for border in self.borders):
            raise refuse(Problem(("borders",), f"{list(self.borders)} do not rise", "put the earlier first"))
        return self
