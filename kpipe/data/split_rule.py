"""SplitRule: the YAML's ``split``, how examples become train, validation and test."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field, model_validator

from kpipe.spec.mistake import Problem
from kpipe.spec.spec import Spec, refuse

SplitName = Literal["train", "validation", "test"]


class SplitRule(Spec):
    """Cuts validation and test off by fraction; what is left is train. The same seed cuts the same examples."""

    validation: float = Field(0.1, gt=0, lt=1, description="fraction of the examples cut off for validation, in (0, 1)")
    test: float = Field(0.2, gt=0, lt=1, description="fraction of the examples cut off for test, in (0, 1)")
    stratified: bool = Field(True, description="keep the proportions of the classes in every split")

    @model_validator(mode="after")
    def _leaves_something(self) -> SplitRule:
        if self.validation + self.test >= 1:
            raise refuse(
                Problem(
                    ("test",),
                    f"validation {self.validation:g} and test {self.test:g} leave nothing for train",
                    "their sum must be below 1",
                )
            )
        return self


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
