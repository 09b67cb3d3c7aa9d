"""kpipe predict and kpipe evaluate: a finished run's model on raw input, prepared as in training."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kpipe import finding, runs, serving
from kpipe.answers import Record
from kpipe.data.preparation.preparation import Examples
from kpipe.data.splits import Columns, Split, split_of
from kpipe.errors import DataError, KpipeWarning, WrongInput
from kpipe.pipeline import Pipeline, examine
from kpipe.runs import Run
from kpipe.serving import Predictor
from kpipe.signature import Target
from kpipe.spec.check import checked
from kpipe.spec.document import read as read_document

SPLITS = ("train", "validation", "test")
DARK = 32
"""Brightness, of 255, below which no image of a set is likely to have its right scale."""


@dataclass(frozen=True)
class Predictions:
    """What the model says of each input: a name, and a flat record of words and numbers (see ``kpipe.answers``)."""

    names: tuple[str, ...]
    target: Target
    answers: Sequence[Record]

    def __len__(self) -> int:
        return len(self.names)

    def rows(self) -> list[Record]:
        """One flat record an input: ``input``, then what the model says of it."""
        return [{"input": name, **answer} for name, answer in zip(self.names, self.answers, strict=True)]


def predict_inputs(
    run_name: str,
    inputs: Sequence[Path] = (),
    texts: Sequence[str] = (),
    backend: str | None = None,
    overrides: Sequence[str] = (),
) -> Predictions:
    """Predicts every example in files or folders, or every text; ``overrides`` may change how text is decoded.

    Raises: RunNotFound; DataError: an input that is not there or cannot be read, by name; WrongInput: a text for a
    model that takes none.
    """
    from kpipe.data.preparation.ragged import join

    require(inputs)
    run = finding.with_model(finding.find(runs.ROOT, run_name))
    predictor = load_predictor(run, backend)
    if overrides:
        predictor = redecoding(predictor, run, overrides)
    feature = predictor.signature.input
    if texts and feature.kind != "tokens":
        raise WrongInput(f"run {run.name} takes {feature.kind} inputs, not text", "give files instead of --text")
    read = [predictor.preparation.read(inputs)] if inputs else []
    if texts:
        read.append(Examples(tuple(texts), predictor.preparation.prepare(list(texts))))
    names = tuple(name for examples in read for name in examples.names)
    common = set.intersection(*(set(examples.inputs) for examples in read))
    columns = {name: join([examples.inputs[name] for examples in read]) for name in sorted(common)}
    warn_of_another_scale(predictor, columns)
    return Predictions(names, predictor.signature.target, predictor.answers(columns))


def redecoding(predictor: Predictor, run: Run, overrides: Sequence[str]) -> Predictor:
    """The predictor with another way of decoding. Raises: SpecError; WrongInput: anything else would be changed."""
    other = [override for override in overrides if not override.startswith("decode.") and override[:7] != "decode="]
    if other:
        raise WrongInput(
            f"--set {other[0]}: a trained model is as it is",
            "only `decode` can be set, as --set decode='{type: beam, width: 4}'",
        )
    document = read_document(run.folder / "resolved.yaml", overrides)
    return replace(predictor, pipeline=checked(Pipeline, document))


def evaluate_run(
    run_name: str, split_name: str = "test", data: Path | None = None, backend: str | None = None
) -> dict[str, float]:
    """The metrics of a run's model on one of its splits, or on labelled data of one's own.

    Raises: RunNotFound; WrongInput: no such split, or the data holds no targets; DataError.
    """
    if split_name not in SPLITS:
        raise WrongInput(f"--split: no split `{split_name}`", f"choose one of: {', '.join(SPLITS)}")
    require([data] if data else [])
    run = finding.with_model(finding.find(runs.ROOT, run_name))
    predictor = load_predictor(run, backend)
    split = own_split(run, predictor, split_name) if data is None else labelled(predictor, data)
    name = split_name if data is None else str(data)
    evidence = examine(predictor.pipeline, predictor.model, split, predictor.signature, name)
    return predictor.pipeline.evaluate.measure(evidence)


def load_predictor(run: Run, backend: str | None) -> Predictor:
    """The run's model. Raises: WrongInput: the run did not come as far as a model."""
    return serving.load(require_model(run), backend)


def require_model(run: Run) -> Path:
    """The folder of the run's model. Raises: WrongInput: the run did not come as far as one."""
    if not run.model.is_dir():
        raise WrongInput(f"run {run.name} is {run.status} and has no model", how_to_have_one(run))
    return run.model


def how_to_have_one(run: Run) -> str:
    """What to do where a run has no model."""
    if run.parent is not None:  # a search keeps the models of its best trials alone
        again = run.folder / "resolved.yaml"
        best = f"{run.parent.name} alone stands for the best trial"
        return f"{best}; this one is trained anew by: kpipe run {again}" if again.exists() else best
    return f"go on with it: kpipe run --resume {run.name}" if run.status == "KILLED" else "choose another run"


def warn_of_another_scale(predictor: Predictor, inputs: Columns) -> None:
    """Says so when images are all but black: scikit-learn's digits count to 16, and the model was trained on 0..255."""
    import numpy as np

    feature = predictor.signature.input
    images = inputs[feature.name]
    brightest = float(images.max()) if isinstance(images, np.ndarray) and feature.kind == "image" else 255.0
    if 0 < brightest < DARK:
        text = f"the brightest pixel is {brightest:g} of 255: is this another scale than the model was trained on?"
        warnings.warn(text, KpipeWarning, stacklevel=2)


def own_split(run: Run, predictor: Predictor, name: str) -> Split:
    """A split of the data the run was trained on. Raises: DataError: the data is another one by now."""
    splits = predictor.pipeline.data.load(predictor.pipeline.seed)
    if splits.fingerprint != run.fingerprint:
        raise DataError("the data has changed since the run was trained", "give labelled data with --data FILE")
    return splits.named(name)


def labelled(predictor: Predictor, data: Path) -> Split:
    """Labelled examples in a file or folder of the user's. Raises: WrongInput: it holds no targets."""
    examples = predictor.preparation.read([data])
    warn_of_another_scale(predictor, examples.inputs)
    if predictor.signature.target.name in examples.inputs:  # a reconstruction's target is its input
        return split_of(examples.inputs)
    if examples.targets is None and predictor.signature.target.task == "forecast":
        raise WrongInput(
            f"{data}: holds no targets: what follows a series is forecast, and measured on a split",
            "give --split test instead of --data, or the file to kpipe predict",
        )
    if examples.targets is None:
        raise WrongInput(f"{data}: holds no targets to compare with", "kpipe predict takes input without targets")
    return split_of({**examples.inputs, predictor.signature.target.name: examples.targets})


def require(paths: Sequence[Path]) -> None:
    """Refuses what is not there before an engine is started."""
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise DataError(
            f"no such file or folder: {', '.join(missing)}",
            "give images, a folder, .npy, .npz, a table, or a .txt file with a text a line",
        )
