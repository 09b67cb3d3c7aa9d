"""Serving: a trained model as a folder of plain files with their hashes, and back; never a pickle, never code.

``manifest.json`` holds the SHA-256 of every other file. The network is built anew from ``resolved.yaml`` and
``signature.json``, the weights come from ``model.weights.h5``, raw input is prepared by ``preparation.json``.
MLflow loads the same folder through ``_load_pyfunc``.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

import kpipe.backend
from kpipe import soundness
from kpipe.answers import Record, answers
from kpipe.errors import DataError
from kpipe.files import require_room, write_atomic
from kpipe.signature import Signature
from kpipe.version import __version__

if TYPE_CHECKING:
    import keras
    import numpy as np
    import pandas as pd

    from kpipe.backend import Precision
    from kpipe.data.preparation.preparation import Preparation
    from kpipe.data.splits import Batch, Columns
    from kpipe.pipeline import Pipeline

WEIGHTS = "model.weights.h5"
FILES = ("resolved.yaml", "signature.json", "preparation.json", "schema.json", WEIGHTS)
UNFIT = (OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError, RuntimeError)
"""What building a network and loading weights raises where the files contradict each other."""
FORMAT = 1
BATCH_SIZE = 256


@dataclass(frozen=True)
class Predictor:
    """A trained model with all it needs to take raw input."""

    pipeline: Pipeline
    signature: Signature
    preparation: Preparation
    model: keras.Model

    def predict(self, columns: Columns) -> np.ndarray | Sequence[Any]:
        """What the model says of each of the prepared inputs, as ``kpipe.answers.answers`` takes it.

        classes, labels: probabilities (examples, classes | labels); values, forecast: numbers in their unit; tags:
        probabilities (steps, tags) of each; text, next_token: the text produced; reconstruction: how far off each is.
        """
        import numpy as np

        from kpipe.data.splits import split_of
        from kpipe.evaluation.forward import predict, predict_steps, probabilities

        soundness.require_fitting(columns, self.signature)
        split, target = split_of(columns), self.signature.target
        if target.task in ("text", "next_token"):
            seed = self.pipeline.seed
            return self.pipeline.decode.texts(self.model, split, self.signature, BATCH_SIZE, seed)
        if target.task == "tags":
            steps = predict_steps(self.model, split, self.signature, BATCH_SIZE)
            return np.split(steps.outputs, np.cumsum(steps.lengths)[:-1])
        outputs, truth = predict(self.model, split, self.signature, BATCH_SIZE)
        if target.task == "reconstruction" and truth is not None:
            squares: np.ndarray = (outputs - truth.astype("float64")) ** 2
            off: np.ndarray = np.sqrt(squares.reshape(len(squares), -1).mean(axis=1))
            return off
        return probabilities(outputs, target.task)

    def answers(self, columns: Columns) -> list[Record]:
        """A flat record for each of the prepared inputs."""
        return answers(self.signature.target, self.predict(columns))


def save(
    folder: Path,
    pipeline: Pipeline,
    signature: Signature,
    preparation: Preparation,
    model: keras.Model,
    examples: Batch,
) -> None:
    """Writes the folder whole or not at all; ``examples`` are one or a few of the prepared inputs, shown in MLflow."""
    import keras

    from kpipe.pipeline import effective_yaml
    from kpipe.schema_of_model import describe

    engine = keras.backend.backend()
    place = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    texts = {
        "resolved.yaml": effective_yaml(pipeline),
        "signature.json": signature.model_dump_json(indent=2),
        "preparation.json": preparation.model_dump_json(indent=2),
        "schema.json": json.dumps(describe(signature, preparation, examples, engine)),
    }
    try:
        for name, text in texts.items():
            write_atomic(place / name, text + "\n")
        # HDF5 does not survive a disk that becomes full while it writes: it says so in no error, or crashes Python
        require_room(place, 2**20 + model.count_params() * (10 if pipeline.precision == "float64" else 5))
        model.save_weights(place / WEIGHTS)
        manifest = {
            "format": FORMAT,
            "kpipe": __version__,
            "keras": keras.__version__,
            "backend": engine,
            "files": {name: sha256(place / name) for name in FILES},
        }
        write_atomic(place / "manifest.json", json.dumps(manifest, indent=2) + "\n")
        place.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        place.replace(folder)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


def load(folder: Path, backend: str | None = None, precision: Precision | None = None) -> Predictor:
    """Rebuilds the model, on the backend given, else on that of this process, else on the one it was trained on.

    It computes in the ``precision`` given, else in the one it was trained in.

    Raises: DataError: a file is missing, was changed, or is not what kpipe wrote.
    """
    manifest = checked_manifest(folder)
    pipeline, signature, preparation = described(folder, str(manifest["kpipe"]))
    if precision is not None:
        pipeline = pipeline.model_copy(update={"precision": precision})
    kpipe.backend.use(engine_for(manifest["backend"], backend), pipeline.precision, pipeline.seed)
    return Predictor(pipeline, signature, preparation, rebuilt(folder, pipeline, signature))


def described(folder: Path, written_by: str = __version__) -> tuple[Pipeline, Signature, Preparation]:
    """What the files say, without an engine. Raises: DataError: they are not what kpipe writes."""
    from kpipe.data.path import ELSEWHERE
    from kpipe.data.preparation.load import load_preparation
    from kpipe.pipeline import Pipeline
    from kpipe.spec.yaml import parse

    try:
        parsed = parse((folder / "resolved.yaml").read_bytes(), str(folder / "resolved.yaml"))
        pipeline = Pipeline.model_validate(parsed.root.plain if parsed.root is not None else {}, context=ELSEWHERE)
        signature = Signature.model_validate_json((folder / "signature.json").read_bytes())
        preparation = load_preparation((folder / "preparation.json").read_bytes())
    except ValidationError as error:
        raise DataError(
            f"{folder}: written by kpipe {written_by}, and not understood by this one ({__version__}): {error}",
            f"pip install kpipe=={written_by}",
        ) from error
    soundness.check(signature, preparation, folder)
    return pipeline, signature, preparation


def rebuilt(folder: Path, pipeline: Pipeline, signature: Signature) -> keras.Model:
    """The network with its weights; none that is larger than they are. Raises: DataError: they do not fit."""
    from kpipe.pipeline import build

    weights = folder / WEIGHTS
    try:
        model = build(pipeline, signature, most=2 * soundness.numbers_in(weights) + soundness.SPARE)
        model.load_weights(weights)
    except UNFIT as error:
        raise DataError(f"{weights}: these weights do not fit the network: {error}", "train again") from error
    return model


def engine_for(trained_on: str, wanted: str | None) -> kpipe.backend.Backend:
    """Weights are the same on each backend, so one that is already loaded, or installed, will do."""
    loaded = sys.modules.get("keras")
    if wanted is None and loaded is not None:
        wanted = loaded.backend.backend()
    return kpipe.backend.choose(wanted, trained_on if trained_on in kpipe.backend.installed() else None)


def checked_manifest(folder: Path) -> Mapping[str, Any]:
    """The manifest, after holding every file against its hash. Raises: DataError."""
    path = folder / "manifest.json"
    if not path.is_file():
        raise DataError(f"{folder}: no saved model, manifest.json is missing", "a run saves its model when it finishes")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        hashes, form = dict(manifest["files"]), manifest["format"]
        missing_keys = {"kpipe", "backend"} - set(manifest)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{path}: not a manifest of kpipe: {error}") from error
    if form != FORMAT or missing_keys or set(hashes) != set(FILES):
        raise DataError(f"{path}: expected format {FORMAT} with the files {', '.join(FILES)}")
    for name, expected in hashes.items():
        file = folder / name
        if file.is_symlink() and file.resolve().parent != folder.resolve():
            raise DataError(f"{file}: leads out of the model's folder, to {file.resolve()}")
        if not file.is_file():
            raise DataError(f"{file}: missing from the saved model", "evaluate another run, or train again")
        if sha256(file) != expected:
            raise DataError(
                f"{file}: was changed since it was saved (its SHA-256 differs)", "restore it, or train again"
            )
    return dict(manifest)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Served:
    """What MLflow calls: raw input in, a table out."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor

    def predict(
        self,
        model_input: np.ndarray | pd.DataFrame | Sequence[Any],
        params: Mapping[str, Any] | None = None,  # noqa: ARG002 (MLflow passes it)
    ) -> pd.DataFrame:
        """A table with a row for each example (see ``kpipe.answers``)."""
        import pandas as pd

        return pd.DataFrame(self.predictor.answers(self.predictor.preparation.prepare(model_input)))


def _load_pyfunc(path: str) -> Served:
    return Served(load(Path(path)))
