"""What checkpoints cost: training with them against without, at the default interval and at every step.

    python benchmarks/checkpoint.py --backends jax torch --minutes 1.5

Two networks: the CNN of pipelines/cnn_gap.yaml, and one of some 20 million weights on the same images. Both trainings
of a pair run in one process, turn by turn, for so many minutes of the clock each; what is compared is the processor's
time of a step, and how much of it copying and writing took themselves (exact, where the ratio is noisy).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kpipe.backend import BACKENDS, use

MODELS = {
    "cnn": (
        "CNN, 95,000 weights",
        "model: {type: cnn, filters: [32, 64, 128], pooling: [max, max, none]}\n",
    ),
    "large": (
        "dense autoencoder, 20.8 million weights",
        "model: {type: stacked_autoencoder, units: [3072, 3072, 256], output: reconstruction}\n",
    ),
}
PIPELINE = """\
name: cost
data: {{type: sklearn, dataset: digits, batch_size: 64}}
{model}train: {{type: fit, epochs: 100000, optimizer: {{AdamW: {{learning_rate: 1.0e-3}}}}}}
checkpoint: {{{checkpoint}}}
"""


class Enough(Exception):
    pass


class Clock:
    """A Watcher that counts steps from the second epoch on, when all is compiled, and ends after some seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.began = seconds, 0.0

    def on_stage(self, stage: str, epochs: int, steps: int) -> None:  # noqa: ARG002
        self.steps = steps

    def on_resume(self, rows: Sequence[Any]) -> None:
        pass

    def on_step(self, epoch: int, step: int, logs: Any) -> None:  # noqa: ARG002
        if self.began and time.perf_counter() - self.began > self.seconds:
            self.processor = time.process_time() - self.processor
            self.counted = (epoch - 2) * self.steps + step
            raise Enough

    def on_epoch(self, row: Any) -> None:  # noqa: ARG002
        if not self.began:
            self.began, self.processor = time.perf_counter(), time.process_time()


def measure(backend: str, model: str, seconds: float, number: int) -> None:
    """Prints milliseconds of the processor a step, without checkpoints and with them, and how many there were."""
    use(backend)  # type: ignore[arg-type]
    from kpipe.pipeline import Pipeline, build, load_splits
    from kpipe.spec.check import checked
    from kpipe.spec.document import read
    from kpipe.stages import train
    from kpipe.training.loop import conductor, writing

    def once(checkpoint: str, never: bool) -> tuple[float, int, float]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "p.yaml"
            file.write_text(PIPELINE.format(model=model, checkpoint=checkpoint))
            pipeline = checked(Pipeline, read(file))
            splits = load_splits(pipeline)
            network = build(pipeline, splits.signature)
            clock, spent, saves = Clock(seconds), [0.0], [0]
            due, save, write = conductor.Conductor.due, conductor.Conductor.save, writing.Writer._write

            def counted(self: Any) -> None:
                began = time.thread_time()
                save(self)
                spent[0] += (time.thread_time() - began) * bool(clock.began)
                saves[0] += bool(clock.began)

            def counted_too(self: Any, checkpoint: Any) -> float:
                taken: float = write(self, checkpoint)
                spent[0] += taken * bool(clock.began)
                return taken

            conductor.Conductor.save, writing.Writer._write = counted, counted_too  # type: ignore[method-assign]
            if never:
                conductor.Conductor.due = lambda *_: False  # type: ignore[method-assign]
            try:
                train(pipeline, network, splits, Path(folder) / "checkpoints", [clock])
            except Enough:
                pass
            finally:
                conductor.Conductor.due, conductor.Conductor.save = due, save  # type: ignore[method-assign]
                writing.Writer._write = write  # type: ignore[method-assign]
            return clock.processor / clock.counted * 1000, saves[0], spent[0] / clock.processor

    pairs = []
    for _ in range(number):
        without, _, _ = once("every_minutes: 1.0", never=True)
        pairs.append((without, *once("every_minutes: 1.0", never=False)))
    without, by_default = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    _, _, saves, share = pairs[-1]
    each, all_saves, share_of_all = once("every_steps: 1", never=False)
    print(
        f"{backend:<11} without {without:.2f} ms   by default {by_default:.2f} ms (x {by_default / without:.3f}; "
        f"{saves} checkpoints, themselves {share:.2%})   every step {each:.2f} ms (x {each / without:.2f}; "
        f"{all_saves}, themselves {share_of_all:.0%}: {share_of_all * each:.1f} ms each)",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--backends", nargs="+", default=list(BACKENDS), choices=BACKENDS)
    parser.add_argument("--minutes", type=float, default=1.5)
    parser.add_argument("--pairs", type=int, default=2)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        measure(arguments.backends[0], MODELS[arguments.one][1], arguments.minutes * 60, arguments.pairs)
        return
    for model in arguments.models:
        print(MODELS[model][0], flush=True)
        for backend in arguments.backends:
            command = [sys.executable, __file__, "--backends", backend, "--minutes", str(arguments.minutes)]
            command += ["--pairs", str(arguments.pairs), "--one", model]
            subprocess.run(command, env={**os.environ, "KERAS_BACKEND": backend}, check=True)


if __name__ == "__main__":
    main()
