from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from kpipe.data.split_rule import ColumnSplitRule, GivenSplitRule, GroupedSplitRule, OrderedSplitRule, SplitRule


@pytest.mark.parametrize(
    ("rule", "written", "message"),
    [
        (SplitRule, {"test": 0.95}, "validation 0.1 and test 0.95 leave nothing for train"),
        (GivenSplitRule, {"names": {"test": "dev"}}, "names no split for train"),
        (
            GivenSplitRule,
            {"names": {"test": "train", "train": "train"}},
            "`train` is train already: test would be the same examples",
        ),
        (
            ColumnSplitRule,
            {"names": {"train": "0", "validation": "1", "test": "1"}, "column": "fold"},
            "`1` is validation already: test would be the same examples",
        ),
        (ColumnSplitRule, {"names": {"train": "0"}}, "names are values of a column, but no column is given"),
    ],
)
def test_contradictions_are_refused(rule: type[SplitRule], written: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as error:
        rule.model_validate(written)
    assert [problem.message for problem in error.value.errors()[0]["ctx"]["problems"]] == [message]


@pytest.mark.parametrize("written", [{"test": 0}, {"test": 1.0}, {"test": -0.1}, {"names": {"train": "x", "tst": "y"}}])
def test_values_out_of_range_are_refused(written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GivenSplitRule.model_validate(written)


def test_rules_of_groups_and_of_order() -> None:
    assert GroupedSplitRule(group="word").stratified
    with pytest.raises(ValidationError):
        GroupedSplitRule(group="word", column="fold")
    assert (OrderedSplitRule().validation, OrderedSplitRule().test) == (0.1, 0.1)
    with pytest.raises(ValidationError):
        OrderedSplitRule.model_validate({"stratified": True})
    with pytest.raises(ValidationError):
        OrderedSplitRule(validation=0.5, test=0.5)
