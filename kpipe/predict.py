"""kpipe predict and kpipe evaluate: a finished run's model on raw input, prepared as in training."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpipe import runs, serving
from kpipe.data.splits import Columns, Split, split_of
from kpipe.errors import DataError, KpipeWarning, WrongInput
from kpipe.evaluation.evaluate import gather
from kpipe.runs import Run
from kpipe.serving import Predictor
from kpipe.signature import Target

if TYPE_CHECKING:
    import numpy as np

SPLITS = ("train", "validation", "test")
DARK = 32
"""Brightness, of 255, below which no image of a set is likely to have its right scale."""


@dataclass(frozen=True)
class Predictions:
    """What the model says of each input: probabilities (inputs, classes | labels) or values (inputs, values)."""

    names: tuple[str, ...]
    target: Target
    outputs: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def rows(self) -> list[dict[str, Any]]:
        """One flat record an input: ``input``, then ``label`` and ``probability``, ``labels``, or the values."""
        verdicts = serving.verdicts(self.target, self.outputs)
        return [{"input": name, **verdict} for name, verdict in zip(self.names, verdicts, strict=True)]


def predict_files(run_name: str, inputs: Sequence[Path], backend: str | None = None) -> Predictions:
    """Predicts every example in ``inputs`` (images, folders of them, .npy, .npz, .csv, .parquet).

    Raises: RunNotFound; DataError: an input that is not there or cannot be read, by name.
    """
    require(inputs)
    predictor = load_predictor(runs.find(runs.ROOT, run_name), backend)
    examples = predictor.preparation.read(inputs)
    if not examples.names:
        raise DataError(f"{', '.join(map(str, inputs))}: no examples in it")
    warn_of_another_scale(predictor, examples.inputs)
    return Predictions(examples.names, predictor.signature.target, predictor.predict(examples.inputs))


def evaluate_run(
    run_name: str, split_name: str = "test", data: Path | None = None, backend: str | None = None
) -> dict[str, float]:
    """The metrics of a run's model on one of its splits, or on labelled data of one's own.

    Raises: RunNotFound; WrongInput: no such split, or the data holds no targets; DataError.
    """
    if split_name not in SPLITS:
        raise WrongInput(f"--split: no split `{split_name}`", f"choose one of: {', '.join(SPLITS)}")
    require([data] if data else [])
    run = runs.find(runs.ROOT, run_name)
    predictor = load_predictor(run, backend)
    split = own_split(run, predictor, split_name) if data is None else labelled(predictor, data)
    name = split_name if data is None else str(data)
    evidence = gather(predictor.model, split, predictor.signature, name, predictor.pipeline.data.batch_size)
    return predictor.pipeline.evaluate.measure(evidence)


def load_predictor(run: Run, backend: str | None) -> Predictor:
    """The run's model. Raises: WrongInput: the run did not come as far as a model."""
    if not run.model.is_dir():
        hint = f"go on with it: kpipe run --resume {run.name}" if run.status == "KILLED" else "choose another run"
        raise WrongInput(f"run {run.name} is {run.status} and has no model", hint)
    return serving.load(run.model, backend)


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
    if splits.fingerprint != (run.folder / "fingerprint").read_text(encoding="utf-8"):
        raise DataError("the data has changed since the run was trained", "give labelled data with --data FILE")
    return splits.named(name)


def labelled(predictor: Predictor, data: Path) -> Split:
    """Labelled examples in a file or folder of the user's. Raises: WrongInput: it holds no targets."""
    examples = predictor.preparation.read([data])
    warn_of_another_scale(predictor, examples.inputs)
    if examples.targets is None:
        raise WrongInput(f"{data}: holds no targets to compare with", "kpipe predict takes input without targets")
    return split_of({**examples.inputs, predictor.signature.target.name: examples.targets})


def require(paths: Sequence[Path]) -> None:
    """Refuses what is not there before an engine is started."""
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise DataError(
            f"no such file or folder: {', '.join(missing)}", "give images, a folder, .npy, .npz, .csv or .parquet"
        )
