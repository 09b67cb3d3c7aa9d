"""A trial's pipeline: the file's own, with the trial's values and the epochs that the search gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kpipe.pipeline import Pipeline, with_values
from kpipe.tuning.search import Search

if TYPE_CHECKING:
    from kpipe.tuning.oracle import Suggestion


def trial_pipeline(pipeline: Pipeline, suggestion: Suggestion, search: Search) -> Pipeline:
    """The pipeline that a trial is. Raises: SpecError: these values do not go together."""
    found = with_values(pipeline, suggestion.values)
    last = len(found.train) - 1
    if suggestion.epochs is not None:
        whole = whole_epochs(found, search)
        paused = suggestion.epochs if suggestion.epochs < whole else None
        return with_values(found, {f"train.{last}.epochs": whole, f"train.{last}.stop_after": paused})
    most = search.max_epochs
    epochs = {f"train.{number}.epochs": dict(method).get("epochs") for number, method in enumerate(found.train)}
    capped = {path: most for path, number in epochs.items() if most is not None and number and number > most}
    return with_values(found, capped) if capped else found


def whole_epochs(pipeline: Pipeline, search: Search) -> int:
    """The epochs of a whole training of the last stage."""
    own: int = dict(pipeline.train[-1])["epochs"]
    return search.max_epochs or own
