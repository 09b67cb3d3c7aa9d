"""Kept: what was measured, in the user's cache, by all that decides it."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpipe.backend import Backend, cache_folder
from kpipe.bench.machine import machine, versions
from kpipe.bench.measurement import Row
from kpipe.errors import KpipeWarning
from kpipe.files import write_atomic
from kpipe.pipeline import Pipeline
from kpipe.spec.spec import Spec
from kpipe.stages import shapes_of, steps_of
from kpipe.training.gradient_descent import WORTH_COMPILING

if TYPE_CHECKING:
    from kpipe.data.splits import Splits
    from kpipe.signature import Signature

LEFT_OUT = {"name", "backend", "seed", "decode", "evaluate", "expect", "tune", "track"}
"""Sections that do not change how long training takes."""
LENGTH = ("epochs", "stop_after", "early_stopping")
"""Of a stage: how long it goes on, not how long a step takes."""


class Kept(Spec):
    """A file of the cache."""

    content: dict[str, Any]
    row: Row


def content_of(pipeline: Pipeline, splits: Splits, engine: Backend) -> dict[str, Any]:
    """All that decides how fast ``engine`` trains this pipeline here."""
    written = pipeline.model_dump(mode="json", exclude=LEFT_OUT)
    written["train"] = [
        {name: value for name, value in stage.items() if name not in LENGTH} for stage in written["train"]
    ]
    found = {
        "pipeline": written,
        "worth compiling": worth_compiling(pipeline, splits),
        "data": {name: len(split) for name, split in splits} | sizes_of(splits.signature),
        "backend": engine,
        "versions": versions(engine),
        "machine": machine(),
    }
    plain: dict[str, Any] = json.loads(json.dumps(found, sort_keys=True))
    return plain


def worth_compiling(pipeline: Pipeline, splits: Splits) -> list[bool]:
    """Of each stage, whether it is so long that a network is compiled which else would not be."""
    found = []
    for method in pipeline.train:
        fields = dict(method)
        steps = fields.get("steps_per_epoch") or steps_of(method, splits, pipeline.data.batch_size)
        found.append(fields.get("epochs", 1) * steps // shapes_of(splits) >= WORTH_COMPILING)
    return found


def sizes_of(signature: Signature) -> dict[str, Any]:
    """What of a signature decides the size of the network and of its batches."""
    inputs = [
        {
            **feature.model_dump(mode="json", include={"kind", "shape", "dtype", "max_length"}),
            "tokens": feature.vocabulary.size if feature.vocabulary else 0,
        }
        for feature in signature.inputs
    ]
    target = signature.target
    return {"inputs": inputs, "target": [target.task, target.size, target.max_length, target.horizon]}


def folder() -> Path:
    return cache_folder() / "bench"


def file_of(content: dict[str, Any]) -> Path:
    text = json.dumps(content, sort_keys=True)
    return folder() / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"


def find(content: dict[str, Any]) -> Row | None:
    """What was measured for this content; a file that is damaged is told of and passed over."""
    path = file_of(content)
    try:
        kept = Kept.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        warnings.warn(f"{path} is damaged ({reason}) and measured anew", KpipeWarning, stacklevel=2)
        return None
    return kept.row if kept.content == content else None


def keep(content: dict[str, Any], row: Row) -> None:
    """Writes it down; where that cannot be, the next run measures again."""
    path = file_of(content)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, Kept(content=content, row=row).model_dump_json(indent=1) + "\n")
    except OSError as error:
        warnings.warn(f"{path} cannot be written ({error.strerror}): not kept", KpipeWarning, stacklevel=2)
