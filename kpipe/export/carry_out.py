"""Carrying out: what a backend's process does: it writes each format, computes with the file, and compares."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpipe import serving
from kpipe.evaluation.evaluate import METRICS, all_fitting, gather
from kpipe.evaluation.forward import fed
from kpipe.evaluation.forward import run as run_model
from kpipe.export.exported import Exported, example, first_batch, lengths_of, milliseconds, pad
from kpipe.export.format import Format, Inputs
from kpipe.export.prepared import prepared_alike
from kpipe.export.task import MODEL, Row, Task
from kpipe.files import remove
from kpipe.predict import own_split
from kpipe.runs import Run
from kpipe.spec.one_of import components
from kpipe.tokenization.special import PADDING

if TYPE_CHECKING:
    from kpipe.data.splits import Split
    from kpipe.serving import Predictor

TOLD = ("accuracy", "perplexity", "mae", "reconstruction_error")
"""The metrics that tell what eight bits cost; of a text only what needs no generating."""

ALLOWED = 1e-4
"""The largest difference where weights are as they were, relative to the largest number where that is above 1."""


def carry_out(task: Task) -> list[Row]:
    """A row for each file; first one for the model itself, where its outputs are not known yet.

    Raises: DataError: the saved model or the data is not what it was. RunFailed: the preparation beside the files
    does not do what the run's does.
    """
    run = Run(Path(task.run))
    predictor = serving.load(run.model, task.backend, "float32")
    return list(Writer(task, predictor, own_split(run, predictor, "test")).rows())


class Writer:
    """Writes the files of a task, and tries each of them."""

    def __init__(self, task: Task, predictor: Predictor, split: Split) -> None:
        self.task, self.predictor, self.split = task, predictor, split
        self.signature, self.model = predictor.signature, predictor.model
        self.batch = first_batch(split, self.signature, predictor.pipeline.data.batch_size)
        self.lengths = lengths_of(split, self.signature)
        self.reference = Path(task.reference)

    def rows(self) -> Iterator[Row]:
        if not self.reference.exists():
            yield self.row_of_the_model()
        for name in self.task.formats:
            form: Any = components("kpipe.export")[name]()  # type: ignore[call-arg]
            yield self.row_of(form, int8=False)
            if self.task.int8 and form.quantizes:
                yield self.row_of(form, int8=True)

    def row_of_the_model(self) -> Row:
        """Keeps what the model gives."""
        import numpy as np

        one, batch = self.times(partial(run_model, self.model))
        np.save(self.reference, run_model(self.model, fed(self.batch, self.signature)))
        return Row(
            format=MODEL,
            backend=self.task.backend,
            bytes=(Path(self.task.run) / "model" / serving.WEIGHTS).stat().st_size,
            examples=len(next(iter(self.batch.values()))),
            prepared=prepared_alike(self.predictor, self.batch, Path(self.task.folder)),
            scores=self.scores(self.model) if self.task.int8 else {},
            one=one,
            batch=batch,
        )

    def row_of(self, form: Format, int8: bool) -> Row:
        """Writes a file and computes with it. Whatever a converter raises is told, and the others are still written."""
        path = Path(self.task.folder) / form.name(int8)
        row: dict[str, Any] = {"format": form.type, "backend": self.task.backend, "int8": int8}
        try:
            form.write(self.model, self.longest(), path, int8)
            lengths = self.lengths if form.one_length else {}
            exported = Exported(form.load(path), self.signature, lengths, form.one_by_one)
            difference = self.difference(exported)
            if not math.isfinite(difference) or (difference > ALLOWED and not int8):
                raise ValueError(f"its outputs are {difference:.1e} from the model's, allowed are {ALLOWED:.0e}")
            one, batch = self.times(exported.predict_on_batch)
            scores = self.scores(exported) if int8 else {}
        except Exception as error:  # noqa: BLE001  converters raise what they like
            remove(path)
            return Row(**row, error=f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:300]}")
        return Row(**row, file=path.name, bytes=size(path), difference=difference, scores=scores, one=one, batch=batch)

    def longest(self) -> Inputs:
        """One example, padded to the longest."""
        return {name: pad(array, self.lengths.get(name)) for name, array in example(self.batch, 0).items()}

    def difference(self, exported: Exported) -> float:
        """The largest from what the model gave, relative to its largest number where that is above 1."""
        import numpy as np

        expected = np.load(self.reference, allow_pickle=False)
        outputs = exported.predict_on_batch(fed(self.batch, self.signature))
        if outputs.shape != expected.shape:
            raise ValueError(f"the file gives outputs of {outputs.shape}, the model of {expected.shape}")
        apart = np.abs(outputs.astype("float64") - expected)
        if self.signature.target.is_per_step:  # what is said of padding, nobody reads
            apart = apart[self.batch[self.signature.inputs[-1].name] != PADDING]
        return float(apart.max() / max(1.0, np.abs(expected).max()))

    def times(self, compute: Any) -> tuple[float, float]:
        """Milliseconds for one example, and for the first batch."""
        tried = example(self.batch, 0), self.batch
        one, batch = (milliseconds(compute, fed(inputs, self.signature)) for inputs in tried)
        return one, batch

    def scores(self, model: Any) -> dict[str, float]:
        """What tells of accuracy lost, on the whole test split."""
        size = self.predictor.pipeline.data.batch_size
        evidence = gather(model, self.split, self.signature, "test", size)
        fitting = [metric for metric in all_fitting(METRICS, self.signature) if metric.type in TOLD]
        return {metric.type: float(metric.compute(evidence)[metric.type]) for metric in fitting}


def size(path: Path) -> int:
    """Bytes of a file, or of all in a folder."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)
