"""Importance: which hyperparameters the objective depends on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kpipe.search.frame import done, score_of
from kpipe.search.plots.scale import Scale
from kpipe.search.trial import Trial
from kpipe.tuning.space import Axis

if TYPE_CHECKING:
    import numpy as np

FEWEST = 8
"""Finished trials without which nothing is said."""
TREES = 200
TIMES = 20
"""How often each hyperparameter is shuffled."""


def importance(trials: Sequence[Trial], axes: Sequence[Axis], seed: int = 0) -> dict[str, float] | None:
    """By path the share of the objective's variance that each hyperparameter explains, largest first, 1 in all.

    A random forest learns the objective from the values; a hyperparameter's share is how much worse it foretells trials
    that its trees have not seen when the hyperparameter's values are shuffled among them. Numbers lie as they were
    sampled, words have a column each, a missing value is a value of its own. None where it cannot tell: fewer than
    eight trials are done, all came to the same, or the forest foretells no better than the mean does.

    Reference: F. Hutter, H. Hoos, K. Leyton-Brown, 2014, An efficient approach for assessing hyperparameter importance
        (the idea, by another measure); L. Breiman, 2001, Random forests (the forest and the shuffling).
    """
    import numpy as np

    finished = done(trials)
    scores = np.array([score_of(trial) for trial in finished])
    if len(finished) < FEWEST or not axes or np.ptp(scores) == 0:
        return None
    blocks = [encoded(Scale(axis), finished) for axis in axes]
    if any(trial.carries_on for trial in finished):  # hyperband: how far a trial was trained explains much of its score
        blocks.append(np.array([[trial.epochs] for trial in finished], "float64"))
    rises = rises_when_shuffled(blocks, scores, seed)
    if rises is None:
        return None
    rises = np.maximum(rises[: len(axes)], 0.0)
    if not rises.any():
        return None
    shares = {axis.path: float(rise / rises.sum()) for axis, rise in zip(axes, rises, strict=True)}
    return dict(sorted(shares.items(), key=lambda share: -share[1]))


def encoded(scale: Scale, trials: Sequence[Trial]) -> np.ndarray:
    """A hyperparameter as columns (trials, columns): one of places for numbers, one for each choice of words."""
    import numpy as np

    ordered = all(isinstance(value, (int, float)) for value in scale.values)  # numbers, true and false; of a range none
    if ordered:
        return np.array([[scale.place(trial)] for trial in trials])
    cells = [scale.cell(trial) for trial in trials]
    return np.array([[cell == choice for choice in (None, *range(len(scale.values)))] for cell in cells], "float64")


def rises_when_shuffled(blocks: Sequence[np.ndarray], scores: np.ndarray, seed: int) -> np.ndarray | None:
    """For each block of columns how much the squared error out of bag rises when its rows are shuffled; None where the
    error is no lower than that of the mean."""
    import numpy as np
    from sklearn.ensemble import RandomForestRegressor

    table = np.concatenate(blocks, axis=1)
    ends = np.cumsum([block.shape[1] for block in blocks])
    forest = RandomForestRegressor(TREES, min_samples_leaf=2, max_features=0.7, random_state=seed).fit(table, scores)
    tables = [table]
    chance = np.random.default_rng(seed)
    for block, end in zip(blocks, ends, strict=True):
        for _ in range(TIMES):
            tables.append(table.copy())
            tables[-1][:, end - block.shape[1] : end] = chance.permutation(block)
    errors = errors_out_of_bag(forest, np.stack(tables), scores)
    if errors[0] >= scores.var():
        return None
    return np.asarray(errors[1:].reshape(len(blocks), TIMES).mean(axis=1) - errors[0])


def errors_out_of_bag(forest: Any, tables: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """For each of the tables (tables, rows, columns) the squared error of the trees that did not learn from a row."""
    import numpy as np

    count, rows, columns = tables.shape
    said, heard = np.zeros((count, rows)), np.zeros(rows)
    for tree, learned in zip(forest.estimators_, forest.estimators_samples_, strict=True):
        unseen = ~np.isin(np.arange(rows), learned)
        found = tree.predict(tables.reshape(-1, columns).astype("float32")).reshape(count, rows)
        said[:, unseen] += found[:, unseen]
        heard += unseen
    known = heard > 0
    return np.asarray(((said[:, known] / heard[known] - scores[known]) ** 2).mean(axis=1))
