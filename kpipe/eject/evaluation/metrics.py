"""Metrics as code: what is measured on the test split, by the metric's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kpipe.eject.evaluation import entities, several, text_metrics
from kpipe.eject.section import Section, cannot, require_defaults
from kpipe.eject.training.loop import inputs
from kpipe.eject.words import literal
from kpipe.evaluation.per_output import metric_names
from kpipe.evaluation.spans import are_entities

if TYPE_CHECKING:
    from kpipe.signature import Target

LOGITS = """
logits = model.predict(x_test, batch_size=BATCH_SIZE, verbose=0).astype("float64")
"""

CLASSES = """
log_probabilities = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
probabilities = np.exp(log_probabilities)
predicted = probabilities.argmax(axis=1)
"""

VALUES = """
outputs = model.predict(x_test, batch_size=BATCH_SIZE, verbose=0)
"""

OF_VALUES: Mapping[str, str] = {
    "loss": '((outputs.astype("float64") - y_test) ** 2).mean()',
    "mae": "sklearn.metrics.mean_absolute_error(TRUE, GIVEN)",
    "mase": 'np.abs(outputs - y_test).mean(dtype="float64") / np.abs(x_test[:, -1:] - y_test).mean(dtype="float64")',
    "r2": "sklearn.metrics.r2_score(TRUE, GIVEN)",
    "rmse": "sklearn.metrics.root_mean_squared_error(TRUE, GIVEN)",
}
"""Metrics of a number that is predicted."""

OF_TEXTS: Mapping[str, str] = {
    "loss": '"loss": losses.mean()',
    "perplexity": '"perplexity": np.exp(losses.mean()),\n    "bits_per_token": losses.mean() / np.log(2)',
}
"""Metrics of each token of a text, given the true ones before it; the others are in text_metrics.py."""

OF_NEXT_TOKENS: Mapping[str, str] = {
    "accuracy": '"accuracy": np.mean(right)',
    **{name: code.replace("losses.mean()", "np.mean(losses)") for name, code in OF_TEXTS.items()},
}
"""Metrics of the token that comes next."""

PRINTED = 'for name, value in metrics.items():\n    print(f"test {name:<24} {value:.6f}")'

CALIBRATION = """
confidence = np.clip(probabilities.max(axis=1), 0.0, 1.0)
bins = np.searchsorted(np.linspace(0.0, 1.0, {edges})[1:-1], confidence)
gaps = [(predicted == y_test)[bins == one].mean() - confidence[bins == one].mean() for one in np.unique(bins)]
metrics["calibration_error"] = np.average(np.abs(gaps), weights=np.unique(bins, return_counts=True)[1])
"""

PER_CLASS = """
{scores}
for name, mean, scores in (
{table}
):
    metrics[mean] = np.nan_to_num(scores).mean()  # nan: nothing was read as this class
    named = zip({names}, scores, strict=True)
    metrics |= {{f"{{name}}/{{label}}": score for label, score in named if not np.isnan(score)}}
"""

ONE: Mapping[str, Callable[[Any], str]] = {
    "accuracy": lambda _: '"accuracy": (predicted == y_test).mean()',
    "loss": lambda _: '"loss": -log_probabilities[np.arange(len(y_test)), y_test].mean()',
    "top_k_accuracy": lambda found: (
        f'"{found.name}": sklearn.metrics.top_k_accuracy_score('
        f"y_test, probabilities, k={found.k}, labels=range(len(CLASSES)))"
    ),
}
"""Metrics of one number."""

EACH: Mapping[str, tuple[str, str]] = {
    "f1": ("macro_f1", "sklearn.metrics.f1_score(y_test, predicted, average=None)"),
    "precision": (
        "macro_precision",
        "sklearn.metrics.precision_score(y_test, predicted, average=None, zero_division=np.nan)",
    ),
    "recall": ("macro_recall", "sklearn.metrics.recall_score(y_test, predicted, average=None)"),
    "roc_auc": (
        "roc_auc",
        "[sklearn.metrics.roc_auc_score(y_test == one, probabilities[:, one]) for one in range(len(CLASSES))]",
    ),
}
"""Metrics of a number for each class, with the name of their mean."""


FIELDS = ("bins", "k", "lowercase", "tokenize", "word_order")
"""What metrics may set."""


def written() -> tuple[str, ...]:
    """The names of all that can be written."""
    named = {*ONE, *EACH, *OF_VALUES, *OF_TEXTS, *text_metrics.NAMES, *inputs.METRICS, "calibration", "entity_f1"}
    return tuple(sorted(named))


def require_written(metrics: Sequence[Any]) -> None:
    """Raises: WrongInput: one has no code."""
    unknown = [f"`{metric.type}`" for metric in metrics if metric.type not in written()]
    if unknown:
        raise cannot(f"evaluate.metrics: {', '.join(unknown)}", f"what can: {', '.join(written())}")


def write(metrics: Sequence[Any], target: Target, logits: str = LOGITS, data: str = "") -> Section:
    """Computes ``metrics``, and prints them; of classes, ``logits`` computes the test split's; ``data`` read the texts.

    Raises: WrongInput: one of them cannot be written.
    """
    metrics = [metric for metric in metrics if not says_nothing(metric, target)]
    require_written(metrics)
    for metric in metrics:
        require_defaults(metric, f"evaluate.metrics.{metric.type}", FIELDS)
    by_name = {metric.type: metric for metric in metrics}
    if target.task == "next_token":
        named = [f"    {OF_NEXT_TOKENS[name]}," for name in by_name]
        return Section("\n".join([logits.strip("\n"), "metrics = {", *named, "}", PRINTED]))
    if target.task == "text":
        found = text_metrics.write(by_name, OF_TEXTS, target, logits, data)
        return Section(f"{found.code}\n{PRINTED}", found.imports, found.constants)
    if target.task == "reconstruction":
        code = "\n".join([*inputs.metrics(by_name, target.size), PRINTED])
        return Section(code, ("import sklearn.metrics",) if "sklearn.metrics." in code else ())
    imports: tuple[str, ...] = ()
    if several.is_several(target):
        lines = list(several.lines(by_name, target))
    elif target.task in ("values", "forecast"):
        lines = of_values(by_name, target)
    else:
        lines = of_classes(metrics, target, logits)
    if "entity_f1" in by_name:
        function, counted = entities.write(target.names)
        lines, imports = [f"{function.strip()}\n\n", *lines, counted.code], counted.imports
    code = "\n".join([*lines, PRINTED])
    constants = (several.named(target),) if "TARGETS" in code else ()
    return Section(code, (*imports, "import sklearn.metrics") if "sklearn.metrics." in code else imports, constants)


def of_values(by_name: Mapping[str, Any], target: Target) -> list[str]:
    flat = ".ravel()" if target.horizon else ""
    codes = {
        name: OF_VALUES[name].replace("TRUE", f"y_test{flat}").replace("GIVEN", f"outputs{flat}") for name in by_name
    }
    return [VALUES.strip("\n"), "metrics = {", *(f'    "{name}": {code},' for name, code in codes.items()), "}"]


def of_classes(metrics: Sequence[Any], target: Target, logits: str) -> list[str]:
    by_name = {metric.type: metric for metric in metrics}
    found = [metric for metric in metrics if metric.type in ONE and not too_few(metric, target)]
    ones = list(dict.fromkeys(ONE[metric.type](metric) for metric in found))  # top k of several k, say
    lines = [logits.strip("\n"), CLASSES.strip("\n"), "metrics = {", *(f"    {one}," for one in ones), "}"]
    if "calibration" in by_name:
        lines.append(CALIBRATION.strip("\n").format(edges=by_name["calibration"].bins + 1))
    each = {name: EACH[name] for name in by_name if name in EACH}
    if each:
        scores = "\n".join(f"{name} = {code}" for name, (_, code) in each.items())
        table = "\n".join(f'    ("{name}", "{mean}", {name}),' for name, (mean, _) in each.items())
        cleaned = [name.removeprefix("/") for name in metric_names("", target.names)]
        names = "CLASSES" if cleaned == list(target.names) else literal(cleaned)
        lines.append(PER_CLASS.strip("\n").format(scores=scores, table=table, names=names))
    return lines


def says_nothing(metric: Any, target: Target) -> bool:
    """Of tags that are no parts of entities, their metric gives no value."""
    return bool(metric.type == "entity_f1" and not are_entities(target.names))


def too_few(metric: Any, target: Target) -> bool:
    """Top k of k classes or fewer would always be 1, and is not given."""
    return bool(metric.type == "top_k_accuracy" and target.size <= metric.k)
