"""Record: what a run writes down about itself, and the Watcher that writes the learning curves."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from importlib.metadata import distributions, version
from pathlib import Path
from typing import TYPE_CHECKING

from kpipe.backend import Backend, device
from kpipe.errors import Interrupted, TrackingError
from kpipe.files import write_atomic
from kpipe.pipeline import Pipeline
from kpipe.runs import Run, Share, Status
from kpipe.signature import Signature
from kpipe.tracking.journal import Journal, flatten
from kpipe.tracking.tracking import Tracking
from kpipe.training.method import Epoch, Logs

if TYPE_CHECKING:
    from kpipe.data.splits import Splits


class Curves:
    """A Watcher that writes ``train/*``, ``val/*`` and ``fit/*`` to the journal at the end of each epoch."""

    def __init__(self, journal: Journal, several_stages: bool) -> None:
        self.journal = journal
        self.several_stages = several_stages

    def on_stage(self, stage: str, epochs: int, steps: int) -> None:
        pass

    def on_resume(self, rows: Sequence[Epoch]) -> None:
        for row in rows:  # what stands in the journal already is left out
            self.on_epoch(row)

    def on_step(self, epoch: int, step: int, logs: Logs) -> None:
        pass

    def on_epoch(self, row: Epoch) -> None:
        in_parts = "/" in row.stage
        stage = f"{row.stage}/" if self.several_stages or in_parts else ""
        values = {
            f"val/{name[4:]}" if name.startswith("val_") else f"train/{name}": value for name, value in row.logs.items()
        }
        values |= {
            "progress/epoch": float(row.epoch),
            "progress/learning_rate": row.learning_rate,
            "progress/epoch_seconds": row.seconds,
            "progress/examples_per_second": row.examples_per_second,
        }
        self.journal.metrics({f"{stage}{name}": value for name, value in values.items()}, row.step)


@dataclass
class Recording:
    """A run while it is being made: its journal, and the process that tells MLflow."""

    journal: Journal
    tracking: Tracking
    unsent: str = ""


@contextmanager
def recorded(run: Run) -> Iterator[Recording]:
    """Records a run from here on, and ends it with the right status whatever happens."""
    tracking = Tracking.start(run)
    journal = Journal(run.journal)
    recording = Recording(journal, tracking)
    status: Status = "FAILED"
    try:
        yield recording
        status = "FINISHED"
    except (Interrupted, KeyboardInterrupt):
        status = "KILLED"
        raise
    except TrackingError:
        if not any(run.checkpoints.iterdir()):  # nothing was trained: nothing is left behind
            journal.close()
            run.free()
            shutil.rmtree(run.folder)
        raise
    finally:
        if run.folder.exists():
            # where nothing can be written, the error that is on its way says so; the sender will mark the run
            with nullcontext() if status == "FINISHED" else suppress(OSError):
                journal.end(status)
                journal.close()
                recording.unsent = tracking.close(status).message


def write_start(journal: Journal, pipeline: Pipeline, engine: Backend, splits: Splits, shares: Sequence[Share]) -> None:
    """What is known before training: params, tags, data sets, the pipeline's files."""
    journal.params({"backend": engine, **params_of(pipeline)})  # a tag, too, which MLflow draws nothing by
    write_tags(journal, pipeline, engine, splits.fingerprint)
    journal.tags({"backends": in_words(shares)})
    write_datasets(journal, splits)
    folder = journal.path.parent
    write_atomic(folder / "artifacts" / "environment.txt", environment())
    for file in ("pipeline.yaml", "resolved.yaml", "artifacts/environment.txt"):
        journal.artifact(folder / file)


def params_of(pipeline: Pipeline) -> dict[str, str]:
    """The hyperparameters, flat: what was written first, then every default."""
    sections = {"data", "model", "train", "evaluate", "seed", "precision", "threads", "devices", "kernels"}
    written = flatten(pipeline.model_dump(mode="json", include=sections, exclude_unset=True))
    return {**written, **flatten(pipeline.model_dump(mode="json", include=sections - {"evaluate"}))}


def write_tags(journal: Journal, pipeline: Pipeline, engine: Backend, fingerprint: str) -> None:
    """Where and with what the run was made."""
    commit, dirty = git_state(Path.cwd())
    tags = {
        "pipeline": pipeline.name,
        "backend": engine,
        "device": device(),
        "data.fingerprint": fingerprint,
        "version.kpipe": version("kpipe"),
        "version.keras": version("keras"),
        f"version.{engine}": version(engine),
        "version.python": platform.python_version(),
        **pipeline.track.tags,
    }
    if commit:
        tags |= {"git.commit": commit, "git.dirty": str(dirty).lower()}
    journal.tags(tags)


def step_of(run: Run) -> int:
    """The step that a stopped run goes on from."""
    from kpipe.training.loop.checkpoint import latest

    checkpoint = latest(run.checkpoints)
    steps = checkpoint.record.get("steps", 0) if checkpoint else 0
    return steps if isinstance(steps, int) else 0


def shares_from(run: Run, engine: Backend, step: int) -> tuple[Share, ...]:
    """Which backends computed what, when ``engine`` goes on at ``step``."""
    before = run.record.backends or (Share(backend=run.record.backend or engine),)
    kept = [share for share in before if share.step < step]
    if kept and kept[-1].backend == engine:
        return tuple(kept)
    return (*kept, Share(backend=engine, step=step))


def in_words(shares: Sequence[Share]) -> str:
    """``tensorflow, jax from step 132``."""
    return ", ".join(f"{share.backend} from step {share.step}" if share.step else share.backend for share in shares)


def write_datasets(journal: Journal, splits: Splits) -> None:
    """The three splits as data sets: what MLflow shows beside a run's metrics."""
    signature = splits.signature
    for context, split in splits:
        profile = {
            "examples": len(split),
            "inputs": {feature.name: [shape_of(feature.shape), feature.dtype] for feature in signature.inputs},
            "target": signature.target.task,
            "targets": [shape_of_target(signature), "int32" if signature.target.is_discrete else "float32"],
            "names": list(signature.target.names),
        }
        journal.dataset(context, splits.origin, splits.fingerprint, splits.origin, profile)


def shape_of(shape: tuple[int | None, ...]) -> list[int]:
    """A shape in MLflow's words: -1 is any length."""
    return [-1 if side is None else side for side in shape]


def shape_of_target(signature: Signature) -> list[int]:
    """The shape of one example's target."""
    target = signature.target
    if target.task == "reconstruction":
        return shape_of(signature.input.shape)
    if target.is_discrete:
        return [-1] if target.is_per_step else []
    return [target.horizon or 1, target.size] if target.task == "forecast" else [target.size]


def git_state(folder: Path) -> tuple[str, bool]:
    """The commit checked out in ``folder`` and whether the tree differs from it; an empty commit outside git."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(folder), *words]
        try:
            return subprocess.run(command, capture_output=True, text=True, check=True, timeout=5).stdout.strip()  # noqa: S603
        except (OSError, subprocess.SubprocessError):
            return ""

    commit = git("rev-parse", "HEAD")
    return commit, bool(commit and git("status", "--porcelain", "--untracked-files=no"))


def environment() -> str:
    """Every installed package with its version, as ``pip freeze`` would print it, headed by Python and the machine."""
    packages = sorted({f"{found.name}=={found.version}" for found in distributions()}, key=str.lower)
    return "\n".join([f"# Python {platform.python_version()}, {platform.platform()}", *packages, ""])
