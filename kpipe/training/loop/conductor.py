"""Conductor: what happens after each step and each epoch of Keras's ``fit``."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from typing_extensions import override

from kpipe.errors import Diverged, Interrupted
from kpipe.training.early_stopping import EarlyStopping
from kpipe.training.loop import state
from kpipe.training.loop.averages import Averages
from kpipe.training.loop.batches import Plan
from kpipe.training.loop.checkpoint import Checkpoint, Checkpoints
from kpipe.training.loop.progress import Progress
from kpipe.training.loop.signals import Signals
from kpipe.training.loop.writing import Writer
from kpipe.training.method import Epoch, Stage
from kpipe.training.sharing.replicas import of_all_replicas

LOOK_SECONDS = 0.05
"""Between two looks at the numbers of a step: reading them waits for the device."""
SAVE_SHARE = 100
"""Saving takes at most one part in so many of the time."""


class Conductor(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the progress: shows it to the watchers, remembers the best epoch, saves, and stops when it is time."""

    def __init__(
        self,
        model: keras.Model,
        stage: Stage,
        epochs: int,
        plan: Plan,
        watched: EarlyStopping,
        stops_early: bool,
        keeps_best: bool,
        checkpoints: Checkpoints,
        signals: Signals,
        begin_epoch: Callable[[int, int, int], None] | None = None,
        stop_after: int | None = None,
    ) -> None:
        super().__init__()
        self.set_model(model)
        self.averages = Averages(model.optimizer)
        self.stage, self.epochs, self.plan = stage, epochs, plan
        self.last = min(epochs, stop_after or epochs)
        self.watched, self.stops_early, self.keeps_best = watched, stops_early, keeps_best
        self.checkpoints, self.signals, self.begin_epoch = checkpoints, signals, begin_epoch
        self.writer = Writer(checkpoints)
        self.size = state.size_of(model)
        self.progress = Progress()
        self.best_weights: list[np.ndarray] = []
        self.metrics: dict[str, np.ndarray] = {}
        self.raw_weights: list[np.ndarray] = []
        self.recent: list[Any] = []
        self.is_ahead: Callable[[], bool] = lambda: False
        """whether the model has made more steps than were told of: its state is not that of the last one"""
        self.next_look = 0.0
        self.saved_at, self.held = time.perf_counter(), 0.0

    # ---- what Keras calls

    @override
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.began = time.perf_counter() - self.progress.seconds
        if self.begin_epoch is not None:
            self.begin_epoch(epoch, self.epochs, self.plan.steps)
        if self.progress.step:
            state.put(self.model, self.metrics, groups=("metrics",))

    @override
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.progress.step += 1
        self.recent.append(logs["loss"])
        if self.is_ahead():
            return
        now = time.perf_counter()
        last = self.progress.step == self.plan.steps
        if last or now >= self.next_look:
            self.look(logs)
            self.next_look = now + LOOK_SECONDS
        if last:
            self.trained = time.perf_counter() - self.began
        elif self.signals.received is not None:
            self.interrupt()
        elif self.due(now, 60.0 * self.stage.checkpointing.every_minutes):
            self.save()

    @override
    def on_test_begin(self, logs: Any = None) -> None:
        self.averages.swap()

    @override
    def on_test_end(self, logs: Any = None) -> None:
        self.averages.swap()

    @override
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        for name in ("loss", "val_loss"):
            if not math.isfinite(logs[name]):
                self.diverge(name, logs[name], self.plan.steps)
        self.remember(logs)
        progress = self.progress
        progress.epoch, progress.step, progress.seconds = epoch + 1, 0, 0.0
        progress.finished = self.has_finished()
        self.model.stop_training = progress.finished
        for watcher in self.stage.watchers:
            watcher.on_epoch(progress.history[-1])
        self.raw_weights = self.averages.raw()
        if self.signals.received is not None:
            self.interrupt()
        if progress.finished or self.due(time.perf_counter()):
            self.save()

    # ---- what it does then

    def due(self, now: float, seconds: float = 0.0) -> bool:
        """It is time for a checkpoint: by steps, or by the clock, ``seconds`` and its cost after the last.

        Raises: NotSaved: the last could not be written.
        """
        busy, every = self.writer.busy, self.stage.checkpointing.every_steps
        if every is not None and self.progress.steps_of(self.plan.steps) % every == 0:
            return True
        cost = self.held + self.writer.cost(self.size)
        return not busy and now - self.saved_at > max(seconds, SAVE_SHARE * cost)

    def steps_at_once(self) -> int:
        """How many steps may be made before somebody must look: to the end of the epoch, or to a checkpoint."""
        rest, every = self.plan.steps - self.progress.step, self.stage.checkpointing.every_steps
        return rest if every is None else min(rest, every - self.progress.steps_of(self.plan.steps) % every)

    def has_finished(self) -> bool:
        """The last epoch has ended, or patience has; never in the middle of an epoch."""
        progress = self.progress
        patient = not self.stops_early or progress.waited < self.watched.patience
        return not progress.step and (progress.epoch >= self.last or (progress.epoch > 0 and not patient))

    def look(self, logs: Any) -> None:
        """Reads the numbers: shows them, and finds the first step whose loss was not finite."""
        logs = of_all_replicas(self.model, logs)
        numbers = {name: float(value) for name, value in logs.items()}
        if not math.isfinite(numbers["loss"]):
            first = next(index for index, loss in enumerate(self.recent) if not math.isfinite(float(loss)))
            self.diverge("loss", float(self.recent[first]), self.progress.step - len(self.recent) + 1 + first)
        self.recent.clear()
        for watcher in self.stage.watchers:
            watcher.on_step(self.progress.epoch + 1, self.progress.step, numbers)

    def remember(self, logs: dict[str, float]) -> None:
        """Adds a line to the history, and keeps the weights if they are the best so far."""
        progress = self.progress
        progress.history.append(
            Epoch(
                stage=self.stage.name,
                epoch=progress.epoch + 1,
                step=self.stage.first_step + (progress.epoch + 1) * self.plan.steps,
                seconds=time.perf_counter() - self.began,
                examples_per_second=self.plan.taken / self.trained,
                learning_rate=self.learning_rate,
                logs=dict(logs),
            )
        )
        value = logs[self.watched.monitor]
        progress.waited += 1
        if self.watched.better(value, progress.best_value):
            progress.best_epoch, progress.best_value, progress.waited = progress.epoch + 1, value, 0
            if self.keeps_best:
                self.averages.swap()
                self.best_weights = state.copies(self.model.weights)
                self.averages.swap()

    def save(self) -> None:
        """Copies all there is, and hands it to the writer. Raises: NotSaved: the checkpoint before was not written."""
        begin = time.perf_counter()
        if self.progress.step:
            self.progress.seconds = begin - self.began
        arrays = state.taken(self.model, self.best_weights)
        self.progress.steps = self.stage.first_step + self.progress.steps_of(self.plan.steps)
        self.writer.begin(Checkpoint(arrays, self.progress.record()))
        self.size = sum(array.nbytes for array in arrays.values())
        self.saved_at = time.perf_counter()
        self.held = self.saved_at - begin

    def go_on(self) -> None:
        """Takes up model, optimizer and progress where the newest checkpoint left them, if there is one."""
        checkpoint = self.checkpoints.newest()
        if checkpoint is None:
            return
        state.put(self.model, checkpoint.arrays)
        self.progress = Progress.of(checkpoint.record)
        self.progress.finished = self.has_finished()  # one that was to stop after an epoch may now go on
        self.best_weights = state.best_of(self.model, checkpoint.arrays)
        self.metrics = dict(checkpoint.arrays)

    def finish(self) -> None:
        """Gives the model the weights it is to have: those of the best epoch, or the last; averages where kept.

        Raises: NotSaved: the last checkpoint could not be written.
        """
        self.writer.wait()
        if self.keeps_best:
            self.model.set_weights(self.best_weights)
        else:
            self.averages.install()

    def interrupt(self) -> None:
        """Saves, and leaves ``fit``. Raises: Interrupted; NotSaved."""
        self.save()
        self.writer.wait()
        assert self.signals.received is not None
        epoch, step = self.progress.epoch, self.progress.step
        where = f"epoch {epoch + 1}, step {step}" if step else f"the end of epoch {epoch}"
        raise Interrupted(f"stopped{self.stage_words} at {where}; saved", signal=self.signals.received)

    @property
    def learning_rate(self) -> float:
        return float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))

    @property
    def stage_words(self) -> str:
        """`` in 1-pretrain_layerwise/dense2`` where there are several stages; of a single one nothing."""
        return f" in {self.stage.name}" if self.stage.index or self.stage.part or "-" in self.stage.name else ""

    def diverge(self, name: str, value: float, step: int) -> None:
        """Leaves ``fit`` with what is known of the accident."""
        rate = self.learning_rate
        raise Diverged(
            f"{name} became {value} in epoch {self.progress.epoch + 1}, step {step}, at learning rate {rate:.3g}",
            "try a tenth of the learning rate, `global_clipnorm: 1.0` in the optimizer, or a `warmup` in the schedule; "
            "with `precision: mixed_float16` try mixed_bfloat16; look for extreme values in the inputs",
        )
