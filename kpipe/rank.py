"""Rank: one of PyTorch's further processes, ``python -m kpipe.rank``: it trains with the first, and writes nothing."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from kpipe import backend
from kpipe.pipeline import Pipeline, build, load_splits
from kpipe.process import end_with_input, talk
from kpipe.spec.check import checked
from kpipe.spec.document import document_of
from kpipe.stages import train


def main() -> None:
    """Takes its task from standard input, and ends when that does: no process outlives the first."""
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=end_with_input, daemon=True).start()
    ready = talk()
    pipeline = checked(Pipeline, document_of(task["pipeline"]))
    splits = load_splits(pipeline)
    backend.use("torch", pipeline.precision, pipeline.seed, task["threads"])
    from torch import distributed

    from kpipe.training.sharing.processes import join

    print(splits.fingerprint, file=ready, flush=True)
    join(task["rank"], task["number"], task["place"])
    train(pipeline, build(pipeline, splits.signature), splits, Path(), ())
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
