"""kpipe predict and kpipe evaluate: a finished run's model on raw input, prepared as in training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpipe import runs, serving
from kpipe.data.splits import ArraySplit, Split
from kpipe.errors import DataError, WrongInput
from kpipe.evaluation.evaluate import gather
from kpipe.runs import Run
from kpipe.serving import Predictor
from kpipe.signature import Target

if TYPE_CHECKING:
    import numpy as np

SPLITS = ("train", "validation", "test")


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
    predictor = serving.load(runs.find(runs.ROOT, run_name).model, backend)
    examples = predictor.preparation.read(inputs)
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
    predictor = serving.load(run.model, backend)
    split = own_split(run, predictor, split_name) if data is None else labelled(predictor, data)
    name = split_name if data is None else str(data)
    evidence = gather(predictor.model, split, predictor.signature, name, predictor.pipeline.data.batch_size)
    return predictor.pipeline.evaluate.measure(evidence)


def own_split(run: Run, predictor: Predictor, name: str) -> Split:
    """A split of the data the run was trained on. Raises: DataError: the data is another one by now."""
    splits = predictor.pipeline.data.load(predictor.pipeline.seed)
    if splits.fingerprint != (run.folder / "fingerprint").read_text(encoding="utf-8"):
        raise DataError("the data has changed since the run was trained", "give labelled data with --data FILE")
    return splits.named(name)


def labelled(predictor: Predictor, data: Path) -> Split:
    """Labelled examples in a file or folder of the user's. Raises: WrongInput: it holds no targets."""
    examples = predictor.preparation.read([data])
    if examples.targets is None:
        raise WrongInput(f"{data}: holds no targets to compare with", "kpipe predict takes input without targets")
    return ArraySplit({**examples.inputs, predictor.signature.target.name: examples.targets})


def require(paths: Sequence[Path]) -> None:
    """Refuses what is not there before an engine is started."""
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise DataError(
            f"no such file or folder: {', '.join(missing)}", "give images, a folder, .npy, .npz, .csv or .parquet"
        )
