"""Several: metrics of labels, and of several values, as code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from kpipe.eject.section import cannot
from kpipe.eject.words import assigned
from kpipe.evaluation.per_output import metric_names

if TYPE_CHECKING:
    from kpipe.signature import Target

LABELS = """logits = model.predict(x_test, batch_size=BATCH_SIZE, verbose=0).astype("float64")
probabilities = np.exp(-np.logaddexp(0.0, -logits))
predicted = probabilities >= 0.5"""

VALUES = """outputs = model.predict(x_test, batch_size=BATCH_SIZE, verbose=0)"""

ONE: Mapping[str, tuple[str, ...]] = {
    "accuracy": (
        '"accuracy": (predicted == y_test).mean()',
        '"subset_accuracy": (predicted == y_test).all(axis=1).mean()',
    ),
    "loss": ('"loss": (np.logaddexp(0.0, logits) - logits * y_test).mean()',),
}
"""Metrics of one number, of labels."""

SQUARED = ('"loss": ((outputs.astype("float64") - y_test) ** 2).mean()',)

CALIBRATION = """stated, true = np.clip(probabilities.ravel(), 0.0, 1.0), y_test.ravel()
bins = np.searchsorted(np.linspace(0.0, 1.0, {edges})[1:-1], stated)
gaps = [true[bins == one].mean() - stated[bins == one].mean() for one in np.unique(bins)]
metrics["calibration_error"] = np.average(np.abs(gaps), weights=np.unique(bins, return_counts=True)[1])"""

OF_LABELS: Mapping[str, tuple[str, str]] = {
    "f1": ("macro_f1", "sklearn.metrics.f1_score(y_test, predicted, average=None, zero_division=0.0)"),
    "precision": (
        "macro_precision",
        "sklearn.metrics.precision_score(y_test, predicted, average=None, zero_division=np.nan)",
    ),
    "recall": ("macro_recall", "sklearn.metrics.recall_score(y_test, predicted, average=None)"),
    "roc_auc": ("roc_auc", "sklearn.metrics.roc_auc_score(y_test, probabilities, average=None)"),
}

OF_VALUES: Mapping[str, tuple[str, str]] = {
    "mae": ("mae", 'sklearn.metrics.mean_absolute_error(y_test, outputs, multioutput="raw_values")'),
    "r2": ("r2", 'sklearn.metrics.r2_score(y_test, outputs, multioutput="raw_values")'),
    "rmse": ("rmse", 'sklearn.metrics.root_mean_squared_error(y_test, outputs, multioutput="raw_values")'),
}

EACH = """{scores}
for name, mean, scores in (
{table}
):
    metrics[mean] = {mean}
    metrics |= {{{each}}}"""


def is_several(target: Target) -> bool:
    return target.task == "labels" or (target.task == "values" and target.size > 1)


def lines(by_name: Mapping[str, Any], target: Target) -> Iterator[str]:
    """Computes ``metrics``. Raises: WrongInput: a single label."""
    labels = target.task == "labels"
    if labels and target.size == 1:
        raise cannot("data: a single label", "set `data.target_task: classes`")
    yield LABELS if labels else VALUES
    ones = ONE if labels else {"loss": SQUARED}
    yield "\n".join(["metrics = {", *(f"    {one}," for name in by_name for one in ones.get(name, ())), "}"])
    if labels and "calibration" in by_name:
        yield CALIBRATION.format(edges=by_name["calibration"].bins + 1)
    known = OF_LABELS if labels else OF_VALUES
    found = {name: known[name] for name in by_name if name in known}
    if found:
        yield EACH.format(
            scores="\n".join(f"{name} = {code}" for name, (_, code) in found.items()),
            table="\n".join(f'    ("{name}", "{mean}", {name}),' for name, (mean, _) in found.items()),
            mean="np.nan_to_num(scores).mean()  # nan: nothing was read as this label" if labels else "scores.mean()",
            each='f"{name}/{label}": score for label, score in zip(TARGETS, scores, strict=True)'
            + " if not np.isnan(score)" * labels,
        )


def named(target: Target) -> str:
    """The constant with what they are called."""
    return assigned("TARGETS", [name.removeprefix("/") for name in metric_names("", target.names)])
