"""Results: what a trained run leaves behind, its model, metrics, pictures and report page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kpipe import serving
from kpipe.backend import device, tensorflow_hidden
from kpipe.evaluation import mistakes
from kpipe.evaluation.drawing import png
from kpipe.evaluation.evaluate import title
from kpipe.evaluation.expect import Outcome, in_words
from kpipe.files import write_atomic
from kpipe.layer_words import arithmetic, shape_of, shape_words
from kpipe.pipeline import Pipeline
from kpipe.report import LayerRow, Picture, Report, write
from kpipe.runs import Run
from kpipe.tracking.journal import Journal
from kpipe.version import __version__

if TYPE_CHECKING:
    import keras

    from kpipe.data.splits import Splits
    from kpipe.evaluation.evidence import Evidence, Row

HEADLINE = (
    "exact_match", "bleu", "chrf", "token_accuracy", "entity_f1", "accuracy", "subset_accuracy", "perplexity", "mase",
    "rmse", "mae", "r2", "reconstruction_error", "macro_f1",
)  # fmt: skip


def headline(metrics: Mapping[str, float]) -> dict[str, float]:
    """The few numbers that say most, in a fixed order."""
    shown = {name: metrics[name] for name in HEADLINE if name in metrics}
    return shown or dict(list(metrics.items())[:3])


def write_model(journal: Journal, run: Run, pipeline: Pipeline, splits: Splits, model: keras.Model) -> None:
    """The trained model: kpipe's own folder, from which MLflow's is made, and a ``.keras`` file for others to use."""
    import keras
    import numpy as np

    examples = splits.test.take(np.arange(1))
    serving.save(run.model, pipeline, splits.signature, splits.preparation, model, examples)
    journal.model(run.model)
    file = run.artifacts / "model.keras"
    plain = keras.Model(model.inputs, model.outputs, name=model.name)  # not compiled: kpipe's losses stay at home
    with tensorflow_hidden():
        plain.save(file)
    journal.artifact(file)


def write_evaluation(
    journal: Journal,
    run: Run,
    pipeline: Pipeline,
    splits: Splits,
    evidence: Evidence,
    metrics: Mapping[str, float],
    expected: Sequence[Outcome] = (),
) -> None:
    """Metrics, what came of expectations, pictures and the report page."""
    # at step 0, as MLflow draws a bar for such a metric, and a line of one dot for a later one
    shown = headline(metrics)
    journal.metrics({f"test/{name}": value for name, value in {**shown, **metrics}.items()}, 0)
    numbers = ", ".join(f"{name} {value:.4f}" for name, value in shown.items())
    journal.tags({"mlflow.note.content": f"{numbers}. {mistakes.verdict(evidence)}"})
    facts = {
        "metrics": dict(metrics),
        "left_out": pipeline.evaluate.left_out(evidence),
        "expected": {outcome.name: outcome.is_met for outcome in expected},
        "skipped": list(splits.skipped),
        "examples": {name: len(split) for name, split in splits},
    }
    if expected:
        journal.tags({"expected": in_words(expected)})
    file = run.artifacts / "metrics.json"
    write_atomic(file, json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    journal.artifact(file)
    pictures = write_pictures(journal, run, pipeline, evidence)
    page = run.artifacts / "report.html"
    write(page, report(run, pipeline, splits, evidence, metrics, pictures, expected))
    journal.artifact(page)


def write_pictures(journal: Journal, run: Run, pipeline: Pipeline, evidence: Evidence) -> list[Picture]:
    folder = run.artifacts / "pictures"
    folder.mkdir(exist_ok=True)
    pictures = []
    for name, figure in pipeline.evaluate.draw(evidence):
        pictures.append(Picture(name, title(name), png(figure)))
        file = folder / f"{name}.png"
        file.write_bytes(pictures[-1].png)
        journal.artifact(file, "pictures")
    return pictures


def report(
    run: Run,
    pipeline: Pipeline,
    splits: Splits,
    evidence: Evidence,
    metrics: Mapping[str, float],
    pictures: list[Picture],
    expected: Sequence[Outcome] = (),
) -> Report:
    """The page's facts."""
    import keras

    record = run.record
    return Report(
        run=run.name,
        pipeline=pipeline.name,
        status="FINISHED",
        verdict=mistakes.verdict(evidence),
        headline=headline(metrics),
        metrics=metrics,
        expected=[outcome.words for outcome in expected],
        pictures=pictures,
        yaml=(run.folder / "pipeline.yaml").read_text(encoding="utf-8"),
        resolved=(run.folder / "resolved.yaml").read_text(encoding="utf-8"),
        layers=[
            LayerRow(layer.name, shape_words(shape_of(layer)), arithmetic(layer), layer.count_params())
            for layer in evidence.model.layers
        ],
        mistakes=mistakes.rows(evidence),
        history=[columns(row) for row in evidence.history],
        environment={
            "kpipe": __version__,
            "keras": keras.__version__,
            "backend": f"{record.backend}, {device()}, {pipeline.precision}",
            "started": f"{record.start:%Y-%m-%d %H:%M} UTC",
        },
        data={
            "origin": splits.origin,
            "examples": ", ".join(f"{name} {len(split):,}" for name, split in splits),
            "fingerprint": splits.fingerprint[:16],
        },
        left_out=pipeline.evaluate.left_out(evidence),
        skipped=splits.skipped,
    )


def columns(row: Row) -> dict[str, float]:
    return {"epoch": row.epoch, "learning_rate": row.learning_rate, **row.logs}
