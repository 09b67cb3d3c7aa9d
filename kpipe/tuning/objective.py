"""Objective: what a search goes by, held against what evaluation gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from kpipe.direction import direction_of
from kpipe.spec.mistake import Path, Problem, nearest, printable
from kpipe.tuning.search import Search

LONGEST_LIST = 12


def wrong_objective(search: Search, names: Sequence[str], elsewhere: Mapping[str, str]) -> Problem | None:
    """What is wrong with the objective; ``names`` are those that evaluation gives (``f1/*``: one for each class),
    ``elsewhere`` those that it would give, each with what is to be done for it."""
    here: Path = ("tune", "objective")
    objective, metric = search.objective, search.metric
    single = [name for name in names if not name.endswith("*")]
    if objective.startswith("test_"):
        meant = objective.removeprefix("test_")
        hint = f"write val_{meant}" if is_given(meant, names) else one_of(single)
        return Problem(here, "the test split is not for choosing: it is looked at once, at the end", hint)
    if not objective.startswith("val_"):
        near = metric if is_given(metric, names) else nearest(metric, single)
        hint = f"did you mean `val_{near}`?" if near else one_of(single)
        return Problem(here, f"`{printable(objective)}` does not begin with `val_`", hint)
    if not is_given(metric, names):
        near = nearest(metric, single)
        hint = elsewhere.get(metric) or (f"did you mean `val_{near}`?" if near else one_of(single))
        return Problem(here, f"evaluation gives no `{printable(metric)}`", hint)
    if search.direction is None and direction_of(metric) is None:
        message = f"`{printable(objective)}` does not tell whether lower or higher is better"
        return Problem(here, message, "add `direction: min` or `direction: max`")
    return None


def is_given(metric: str, names: Sequence[str]) -> bool:
    return any(fnmatchcase(metric, name) for name in names)


def one_of(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > LONGEST_LIST else ""
    return f"one of: {', '.join(f'val_{name}' for name in names[:LONGEST_LIST])}{more}" if names else ""
