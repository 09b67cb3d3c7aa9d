"""Trains pipelines in processes that are forked from one in which Keras is imported and nothing was computed yet.

So a process that may be killed at any moment costs its own computing, and not the 3 to 5 s that an engine takes to be
imported. Told on standard input, a JSON line a job; what happens is told on standard output.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import kpipe.backend


class Steps:
    """A Watcher that tells of every step, and after one of them may wait to be killed."""

    def __init__(self, stand_at: str | None) -> None:
        self.stand_at, self.stage = stand_at, ""

    def on_stage(self, stage: str, epochs: int, steps: int) -> None:
        self.stage = stage

    def on_resume(self, rows: Sequence[Any]) -> None:
        pass

    def on_step(self, epoch: int, step: int, logs: Any) -> None:
        here = f"{self.stage}:{epoch}:{step}"
        say(step=here, loss=logs["loss"])
        if here == self.stand_at:
            time.sleep(60.0)

    def on_epoch(self, row: Any) -> None:
        pass


def say(**line: Any) -> None:
    os.write(1, json.dumps(line).encode() + b"\n")


def train(job: dict[str, Any], pipeline: Any, splits: Any) -> None:
    import numpy as np

    kpipe.backend.use(os.environ["KERAS_BACKEND"], pipeline.precision, pipeline.seed)  # type: ignore[arg-type]
    from kpipe.pipeline import build
    from kpipe.stages import train
    from kpipe.training.loop import conductor

    conductor.LOOK_SECONDS = 0.0
    model = build(pipeline, splits.signature)
    history, best = train(pipeline, model, splits, Path(job["folder"]), [Steps(job["stand_at"])])
    time.sleep(job["linger"])  # whoever is about to kill it comes in time
    rows = [[row.stage, row.epoch, row.step, row.learning_rate, dict(row.logs)] for row in history]
    values = [np.asarray(variable.value.cpu().detach() if hasattr(variable.value, "cpu") else variable.value)
              for variable in model.variables]  # fmt: skip
    text = np.frombuffer(json.dumps([best, rows]).encode(), np.uint8)
    np.savez(job["result"], *values, history=text)


def main(files: Sequence[str]) -> None:
    with kpipe.backend.silenced():
        import keras  # noqa: F401
    from kpipe.pipeline import Pipeline, load_splits
    from kpipe.spec.check import checked
    from kpipe.spec.document import read

    known = {}
    for file in files:
        pipeline = checked(Pipeline, read(Path(file)))
        known[Path(file).stem] = pipeline, load_splits(pipeline)
    say(ready=True)
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if not child:
            status = 1
            try:
                train(job, *known[job["pipeline"]])
                status = 0
            finally:
                sys.stderr.flush()
                os._exit(status)
        say(pid=child)
        say(ended=os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    times = os.times()
    print(f"{times.user + times.system:.1f} s in the first process, ", end="", file=sys.stderr)
    print(f"{times.children_user + times.children_system:.1f} s in those that it forked", file=sys.stderr)


if __name__ == "__main__":
    import traceback

    try:
        main(sys.argv[1:])
    except BaseException:
        traceback.print_exc()
        raise
