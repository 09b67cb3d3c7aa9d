"""GradientDescent: what methods that follow gradients have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from kpipe.errors import WrongInput
from kpipe.spec.keras_object import KerasObject, OfKind
from kpipe.spec.mistake import Problem, nearest
from kpipe.spec.one_of import OneOf
from kpipe.spec.spec import refuse
from kpipe.training.early_stopping import EarlyStopping
from kpipe.training.method import Method, Stage, Trained
from kpipe.training.schedules.schedule import Schedule

if TYPE_CHECKING:
    import keras

    from kpipe.training.loop.batches import Examined, ShuffledBatches


WORTH_COMPILING = 1000
"""Steps of a recurrent network on TensorFlow's CPU that win back the seconds XLA takes, for each length anew."""


class GradientDescent(Method):
    """A method that minimises a loss in steps of a batch, and looks at the validation split after each epoch."""

    epochs: int = Field(10, ge=1, le=1_000_000, description="passes over the training examples, at most")
    stop_after: int | None = Field(
        None, ge=1, description="epochs after which training stops all the same; the schedule is that of all `epochs`"
    )
    steps_per_epoch: int | None = Field(
        None, ge=1, description="steps in an epoch; by default one pass over the examples"
    )
    optimizer: Annotated[KerasObject, OfKind("optimizers")] = Field(
        KerasObject(name="AdamW", arguments={"learning_rate": 1e-3}),
        description="a Keras optimizer by name, with its arguments",
    )
    schedule: Annotated[Schedule, OneOf("kpipe.training.schedules")] | None = Field(
        None, description="the course of the learning rate, whose peak is the optimizer's own"
    )
    early_stopping: EarlyStopping | None = Field(None, description="when to stop before the last epoch")
    jit_compile: bool | Literal["auto"] = Field(
        "auto", description="compile with XLA (PyTorch: torch.compile); auto: where it was measured to pay"
    )
    steps_per_execution: Annotated[int, Field(ge=1, le=100_000)] | Literal["auto"] = Field(
        "auto", description="steps that TensorFlow makes in one call, others 1; auto: as many as fit in 0.2 s"
    )
    restore_best: bool = Field(True, description="end with the weights of the best epoch, not of the last")

    @model_validator(mode="after")
    def _one_course_of_the_learning_rate(self) -> Self:
        rate = self.optimizer.arguments.get("learning_rate", 0.0)
        if self.schedule is not None and not isinstance(rate, (int, float)):
            raise refuse(
                Problem(
                    ("schedule",),
                    "the optimizer's learning_rate is a schedule already",
                    "give one of the two; with `schedule`, the learning_rate is a number: its peak",
                )
            )
        return self

    def descend(
        self,
        model: keras.Model,
        train: Examined,
        validation: Examined,
        loss: keras.losses.Loss,
        metrics: Sequence[keras.metrics.Metric],
        stage: Stage,
        trainable: Sequence[str] | None = None,
        begin_epoch: Callable[[int, int, int], None] | None = None,
    ) -> Trained:
        """All epochs of a stage, from its newest checkpoint on if there is one.

        ``trainable`` names the layers to train, by default all. ``begin_epoch`` is called before each epoch with its
        number (from 0), how many there are, and the steps of each.

        Raises: Diverged, Interrupted, NotSaved.
        """
        from kpipe.training.loop.batches import Plan, ShuffledBatches, taken, validation_batches
        from kpipe.training.loop.chance import same_on_every_backend
        from kpipe.training.loop.checkpoint import Checkpoints
        from kpipe.training.loop.chosen import choose
        from kpipe.training.loop.compiling import compile_model
        from kpipe.training.loop.conductor import Conductor
        from kpipe.training.loop.frozen import only_trainable
        from kpipe.training.loop.running import go_through
        from kpipe.training.loop.seeds import reseed
        from kpipe.training.loop.signals import Signals
        from kpipe.training.sharing import ranks

        self.require_monitor(["loss", *(metric.name for metric in metrics)])
        groups = train.split.groups if train.signature.is_padded else ()
        plan = Plan(len(train), stage.batch_size, stage.seed, stage.place, self.steps_per_epoch, groups)
        with only_trainable(model, trainable), same_on_every_backend(), Signals() as signals:
            steps = self.epochs * plan.steps // max(len(groups), 1)
            chosen = choose(model, steps, self.jit_compile, self.steps_per_execution)
            compile_model(model, self.build_optimizer(plan.steps), loss, metrics, chosen.jit_compile)
            reseed(model, stage.seed, f"{stage.place}, rank {ranks.own()}" if ranks.own() else stage.place)
            if ranks.own():
                ranks.follow(model, taken(ShuffledBatches(train, plan, first=0), bool(plan.groups)))
                return Trained((), 0, stage.first_step)
            if stage.rehearse is not None:
                return self.rehearsed(stage, model, ShuffledBatches(train, plan, first=0), begin_epoch)
            conductor = Conductor(
                model, stage, self.epochs, plan, self.watched, self.early_stopping is not None, self.restore_best,
                Checkpoints(stage.checkpoints, stage.place, stage.checkpointing.keep), signals, begin_epoch,
                self.stop_after,
            )  # fmt: skip
            for watcher in stage.watchers:
                watcher.on_stage(stage.name, self.epochs, plan.steps)
            conductor.go_on()
            for watcher in stage.watchers if conductor.progress.history else ():
                watcher.on_resume(tuple(conductor.progress.history))
            with closing(conductor.writer):
                if ranks.number() > 1:
                    ranks.lead(model, lambda: conductor.progress.epoch * plan.steps + conductor.progress.step)
                if not conductor.progress.finished:
                    held_out = validation_batches(validation, stage.batch_size)
                    go_through(model, conductor, train, held_out, chosen.steps_per_execution)
                conductor.finish()
                if ranks.number() > 1:
                    ranks.dismiss(model)
        history = tuple(conductor.progress.history)
        return Trained(history, conductor.progress.best_epoch if self.restore_best else len(history), history[-1].step)

    def rehearsed(
        self,
        stage: Stage,
        model: keras.Model,
        batches: ShuffledBatches,
        begin_epoch: Callable[[int, int, int], None] | None,
    ) -> Trained:
        """A stage of which only the first steps are taken, by who looks at them."""
        assert stage.rehearse is not None
        steps = batches.plan.steps

        def begin(epoch: int) -> None:
            if begin_epoch is not None:
                begin_epoch(epoch, self.epochs, steps)

        taken = stage.rehearse(stage, model, batches, begin)
        return Trained((), 0, stage.first_step + taken)

    @property
    def watched(self) -> EarlyStopping:
        """What tells the best epoch."""
        return self.early_stopping or EarlyStopping()

    def build_optimizer(self, steps_per_epoch: int) -> keras.optimizers.Optimizer:
        """The optimizer, its learning rate on its course."""
        from kpipe.training.loop.scheduled import put_on_course

        optimizer = self.optimizer.build()
        if self.schedule is not None:
            put_on_course(optimizer, self.schedule, self.epochs * steps_per_epoch)
        return optimizer

    def require_monitor(self, names: list[str]) -> None:
        """Raises: WrongInput: nothing of the name that is watched will be there, or its direction is unknown."""
        seen = [*names, *(f"val_{name}" for name in names)]
        monitor = self.watched.monitor
        if monitor not in seen:
            near = nearest(monitor, seen)
            hint = f"did you mean `{near}`?" if near else f"one of: {', '.join(seen)}"
            raise WrongInput(f"train.early_stopping.monitor: nothing is called `{monitor}`", hint)
        self.watched.sign()
