"""Inputs: what is learned of them by networks that give them back, as code: their variance, the loss, the metrics."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np

from kpipe.eject.section import cannot
from kpipe.eject.words import literal

if TYPE_CHECKING:
    import keras

    from kpipe.data.splits import Splits
    from kpipe.signature import Feature

LOSS = '''
def squared_error_over(variance):
    """1 for who always says the mean."""
    deviation = np.sqrt(variance).astype("float32")
    return lambda y_true, y_pred: ops.mean(ops.square(ops.divide(y_true - y_pred, deviation)), axis=-1)


'''

OUTPUTS = """
outputs = model.predict(x_test, batch_size=BATCH_SIZE, verbose=0)
true, given = x_test.reshape(-1, {channels}), outputs.reshape(-1, {channels})
"""

METRICS: Mapping[str, str] = {
    "mae": "sklearn.metrics.mean_absolute_error(true, given)",
    "r2": "sklearn.metrics.r2_score(true, given)",
    "reconstruction_error": '((given.astype("float64") - true) ** 2 / variance).mean()',
    "rmse": "sklearn.metrics.root_mean_squared_error(true, given)",
}
"""Of ``given``, where ``true`` was."""


def variance_of(model: keras.Model, feature: Feature) -> list[str]:
    """``variance`` of each channel on train, where the network's lines have none. Raises: WrongInput: it is 0."""
    if not all(feature.variance):
        raise cannot(f"data that is the same in all of train (in `{feature.name}`)", "leave it out")
    if any(layer.name == "standardize" for layer in model.layers):
        return []
    axes = tuple(range(len(feature.shape)))
    return [f'variance = x_train.var({literal(axes)}, dtype="float64")  # of each channel']


def metrics(by_name: Collection[str], channels: int) -> list[str]:
    """The lines of ``metrics``."""
    found = [f'    "{name}": {METRICS[name]},' for name in by_name]
    return [OUTPUTS.strip("\n").format(channels=channels), "metrics = {", *found, "}"]


def require_spread(by_name: Collection[str], splits: Splits) -> None:
    """Raises: WrongInput: a channel is the same in all of test, which kpipe leaves out of r2, and scikit-learn not."""
    feature = splits.signature.input
    seen = np.asarray(splits.test.take(np.arange(len(splits.test)))[feature.name]).reshape(-1, feature.sides[-1])
    if "r2" in by_name and (seen.max(axis=0) == seen.min(axis=0)).any():
        raise cannot("evaluate.metrics: `r2` of inputs that are all the same in test", "leave it out")
