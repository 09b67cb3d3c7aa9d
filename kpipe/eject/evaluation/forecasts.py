"""Forecasts as code: what is learned of a series, changes since what was last seen, and metrics of several values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kpipe.data.preparation.window_split import WindowSplit
from kpipe.eject.evaluation.metrics import PRINTED
from kpipe.eject.section import Section, cannot
from kpipe.eject.words import literal
from kpipe.evaluation.per_output import metric_names

if TYPE_CHECKING:
    import keras

    from kpipe.data.splits import Splits
    from kpipe.evaluation.evidence import Metric
    from kpipe.signature import Feature, Signature, Target

DEVIATION = """y_variance = {rows}.var({axes}, dtype="float64")
deviation = np.sqrt(y_variance).astype("float32")"""


EACH = """
outputs = model.predict(x_test, batch_size=BATCH_SIZE, verbose=0)
true, given = y_test.reshape(-1, {size}), outputs.reshape(-1, {size})
{errors}metrics = {{{loss}}}
for name, scores in {{
{scores}
}}.items():
    metrics[name] = scores.mean()
    metrics |= {{f"{{name}}/{{target}}": score for target, score in zip({names}, scores, strict=True)}}
"""

ERRORS = 'errors, naive = (np.abs(one - y_test).mean((0, 1), dtype="float64") for one in (outputs, {last}))\n'

SCORES = {
    "mae": 'sklearn.metrics.mean_absolute_error(true, given, multioutput="raw_values")',
    "mase": "errors / naive",
    "r2": 'sklearn.metrics.r2_score(true, given, multioutput="raw_values")',
    "rmse": 'sklearn.metrics.root_mean_squared_error(true, given, multioutput="raw_values")',
}
"""Of each value that is forecast."""


def learned_from(splits: Splits, of: Feature | Target) -> tuple[str, str]:
    """The rows of train that the moments of inputs or targets are those of, and the axes that are gone through."""
    is_input = of is splits.signature.input
    if isinstance(splits.train, WindowSplit):
        return ("seen[:TRAIN]" if is_input else "values[:TRAIN]"), "0"
    sides = len(splits.signature.input.shape) if is_input else 2 if splits.signature.target.horizon else 1
    return ("x_train" if is_input else "y_train"), literal(tuple(range(sides))) if sides > 1 else "0"


def of_changes(model: keras.Model, splits: Splits) -> list[str]:
    """What a network that forecasts changes knows of them. Raises: WrongInput: a value never changes in train."""
    if not any(type(layer).__name__ == "SinceLast" for layer in model.layers):
        return []
    if not all(splits.signature.target.variance):
        raise cannot("data that is the same in all of train (in `target`)", "leave it out")
    rows, axes = learned_from(splits, splits.signature.target)
    return [DEVIATION.format(rows=rows, axes=axes)]


def since_last(layer: Any, changes: str, seen: str, features: int) -> str:
    """The values last seen, and the changes since then."""
    last = f"{seen}[:, -1:]"
    if layer.places != list(range(features)):
        last = f"ops.take({last}, {literal(layer.places)}, axis=-1)"
    return f"{changes} * deviation + {last}"


def last_seen(signature: Signature) -> str:
    """Of what is forecast, in test; empty where the input does not hold it."""
    columns, names = signature.input.columns, signature.target.names
    if not set(names) <= set(columns):
        return ""
    return "x_test[:, -1:]" if columns == names else f"x_test[:, -1:, {literal([columns.index(one) for one in names])}]"


def tested(written: Section, by_name: Sequence[str], signature: Signature) -> Section:
    """What is measured of forecasts; ``written`` is that of a single value, which goes in alone."""
    target = signature.target
    if target.task != "forecast":
        return written
    if target.size == 1:
        return Section(written.code.replace("x_test[:, -1:]", last_seen(signature)), written.imports)
    cleaned = [name.removeprefix("x/") for name in metric_names("x", target.names)]
    scores = [f'    "{name}": {SCORES[name]},' for name in by_name if name in SCORES]
    code = EACH.strip("\n").format(
        size=target.size,
        errors=ERRORS.format(last=last_seen(signature)) if "mase" in by_name else "",
        loss='"loss": ((outputs.astype("float64") - y_test) ** 2).mean()' if "loss" in by_name else "",
        scores="\n".join(scores),
        names="TARGETS" if cleaned == list(target.names) else literal(cleaned),
    )
    return Section(f"{code}\n{PRINTED}", written.imports)


def defined(chosen: Sequence[Metric], splits: Splits) -> Sequence[Metric]:
    """Without what gives no number. Raises: WrongInput: a score of some values alone is left out by kpipe."""
    signature, by_name = splits.signature, [metric.type for metric in chosen]
    if signature.target.task not in ("forecast", "values"):
        return chosen
    test = splits.test.take(np.arange(len(splits.test)))
    truth = test[signature.target.name]
    rows = truth.reshape(-1, truth.shape[-1])
    if "r2" in by_name and (rows.max(axis=0) == rows.min(axis=0)).any():
        raise cannot("evaluate.metrics: `r2` of a value that is always the same in test", "leave it out")
    if signature.target.task == "values":
        return chosen
    if not last_seen(signature):
        return [metric for metric in chosen if metric.type != "mase"]
    places = [signature.input.columns.index(name) for name in signature.target.names]
    if "mase" in by_name and (test[signature.input.name][:, -1:, places] == truth).all(axis=(0, 1)).any():
        raise cannot("evaluate.metrics: `mase` of a value that never changes in test", "leave it out")
    return chosen
