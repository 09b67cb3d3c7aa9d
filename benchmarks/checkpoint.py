"""What checkpoints cost: training with them against without, at the default interval and at every step.

    python benchmarks/checkpoint.py --backends jax torch --minutes 1.5

Two networks: the CNN of pipelines/cnn_gap.yaml, and one of some 20 million weights on the same images. Both trainings
of a pair run in one process, turn by turn, for so many minutes of the clock each; what is compared is the processor's
time of a step, which other programs on the machine hardly change, and the time that training waited.
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

CNN = "model: {type: cnn, filters: [32, 64, 128], pooling: [max, max, none]}\n"
LARGE = "model: {type: stacked_autoencoder, units: [3072, 3072, 256], output: reconstruction}\n"
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


def measure(backend: str, model: str, seconds: float) -> None:
    """Prints milliseconds of the processor a step, without checkpoints and with them, and how many there were."""
    use(backend)  # type: ignore[arg-type]
    from kpipe.pipeline import Pipeline, build, load_splits
    from kpipe.run import train
    from kpipe.spec.check import checked
    from kpipe.spec.document import read
    from kpipe.training.loop import conductor

    def once(checkpoint: str, never: bool) -> tuple[float, int, float]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "p.yaml"
            file.write_text(PIPELINE.format(model=model, checkpoint=checkpoint))
            pipeline = checked(Pipeline, read(file))
            splits = load_splits(pipeline)
            network = build(pipeline, splits.signature)
            clock, held, saves = Clock(seconds), [0.0], [0]
            due, save = conductor.Conductor.due, conductor.Conductor.save

            def counted(self: Any) -> None:
                began = time.perf_counter()
                save(self)
                held[0] += time.perf_counter() - began
                saves[0] += 1

            conductor.Conductor.save = counted  # type: ignore[method-assign]
            if never:
                conductor.Conductor.due = lambda *_: False  # type: ignore[method-assign]
            try:
                train(pipeline, network, splits, Path(folder) / "checkpoints", [clock])
            except Enough:
                pass
            finally:
                conductor.Conductor.due, conductor.Conductor.save = due, save  # type: ignore[method-assign]
            return clock.processor / clock.counted * 1000, saves[0], held[0]

    pairs = []
    for _ in range(2):
        without, _, _ = once("every_minutes: 1.0", never=True)
        pairs.append((without, *once("every_minutes: 1.0", never=False)))
    without = min(pair[0] for pair in pairs)
    by_default = min(pair[1] for pair in pairs)
    _, _, saves, held = pairs[-1]
    each, all_saves, _ = once("every_steps: 1", never=False)
    print(
        f"{backend:<11} without {without:8.2f} ms   by default {by_default:8.2f} ms (x {by_default / without:.3f}, "
        f"{saves} checkpoints in {seconds:.0f} s, waited {held / seconds:.2%})   "
        f"every step {each:8.2f} ms (x {each / without:.2f}, {all_saves})",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--backends", nargs="+", default=list(BACKENDS), choices=BACKENDS)
    parser.add_argument("--minutes", type=float, default=1.5)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        measure(arguments.backends[0], arguments.one, arguments.minutes * 60)
        return
    for title, model in (("cnn, 95,000 weights", CNN), ("dense autoencoder, 20.8 million weights", LARGE)):
        print(title, flush=True)
        for backend in arguments.backends:
            command = [sys.executable, __file__, "--backends", backend, "--minutes", str(arguments.minutes)]
            environment = {**os.environ, "KERAS_BACKEND": backend}
            subprocess.run([*command, "--one", model], env=environment, check=True)


if __name__ == "__main__":
    main()
