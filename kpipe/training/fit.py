"""Fit: supervised training by gradient descent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from kpipe.errors import WrongInput
from kpipe.signature import Signature, Target
from kpipe.spec.keras_object import KerasObject, OfKind
from kpipe.spec.mistake import Problem, nearest
from kpipe.spec.one_of import OneOf
from kpipe.spec.spec import Tuple, refuse
from kpipe.training.class_names import require_classes
from kpipe.training.early_stopping import EarlyStopping
from kpipe.training.method import Examples, Method, Stage, Trained
from kpipe.training.named import for_logits
from kpipe.training.schedules.schedule import Schedule

if TYPE_CHECKING:
    import keras

Weight = Annotated[float, Field(ge=0.0)]


class Fit(Method):
    """Learns from labelled examples by gradient descent.

    Minimises the target's loss (classes: cross-entropy; labels: binary cross-entropy; values: squared error over the
    variance on train) in steps of a batch, and looks at the validation split after each epoch. The weights of the best
    epoch stay. The order of batches and the draws of random layers depend on the seed alone; a stopped stage goes on
    exactly where it was. Clipping (clipnorm, global_clipnorm, clipvalue), accumulation (gradient_accumulation_steps)
    and averaging of weights (use_ema, ema_momentum) are the optimizer's own arguments; averages are what is evaluated
    and kept. Losses are scaled by Keras where `precision` is mixed_float16.

    Shapes: any model with one output.
    Raises: Diverged: the loss became NaN or infinite. Interrupted: Ctrl-C or SIGTERM, after saving.
    Example:
        train:
          type: fit
          epochs: 15
          optimizer: {AdamW: {learning_rate: 1.0e-3, weight_decay: 1.0e-4, global_clipnorm: 1.0}}
          schedule: {type: cosine, warmup: 0.05}
          early_stopping: {monitor: val_loss, patience: 5}
    Reference: Goodfellow, Bengio and Courville, 2016, Deep Learning, chapter 8.
    """

    type: Literal["fit"] = "fit"
    epochs: int = Field(10, ge=1, le=1_000_000, description="passes over the training examples, at most")
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
    loss: Annotated[KerasObject, OfKind("losses")] | None = Field(
        None, description="a Keras loss by name; by default the target's"
    )
    metrics: Tuple[Annotated[KerasObject, OfKind("metrics")]] | None = Field(
        None, description="Keras metrics by name, seen while training; by default the target's"
    )
    label_smoothing: float = Field(
        0.0, ge=0.0, lt=1.0, description="share of the target spread over all classes, in [0, 1)"
    )
    class_weight: Literal["balanced"] | dict[str, Weight] | None = Field(
        None, description="balanced, or how much examples of a class count, by its name (others: 1)"
    )
    early_stopping: EarlyStopping | None = Field(None, description="when to stop before the last epoch")
    restore_best: bool = Field(True, description="end with the weights of the best epoch, not of the last")
    trainable: Tuple[str] | None = Field(
        None, min_length=1, description="names of the layers to train (`dense_*`), the others frozen; by default all"
    )

    @model_validator(mode="after")
    def _one_course_of_the_learning_rate(self) -> Fit:
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

    @model_validator(mode="after")
    def _smoothing_is_for_the_default_loss(self) -> Fit:
        if self.label_smoothing and self.loss is not None:
            raise refuse(
                Problem(
                    ("label_smoothing",), "label_smoothing is for the target's own loss", "leave out one of the two"
                )
            )
        return self

    def check(self, signature: Signature) -> None:
        target = signature.target
        numbers = not target.is_discrete and target.task != "labels"
        if self.label_smoothing and numbers:
            raise WrongInput(
                f"train.label_smoothing needs a target of classes or labels, not {target.task}", "leave it out"
            )
        if self.loss is not None:
            for_logits(self.loss, target, "loss")
        for metric in self.metrics or ():
            for_logits(metric, target, "metrics")
        if self.class_weight is not None:
            require_classes(self.class_weight, target)
        if self.metrics is None:
            self.require_monitor(["loss", "mae" if numbers else "accuracy"])

    def train(
        self, model: keras.Model, train: Examples, validation: Examples, signature: Signature, stage: Stage
    ) -> Trained:
        from kpipe.training.loop.batches import Examined, Plan, validation_batches
        from kpipe.training.loop.checkpoint import Checkpoints
        from kpipe.training.loop.class_weights import class_weights
        from kpipe.training.loop.compiling import compile_model
        from kpipe.training.loop.conductor import Conductor
        from kpipe.training.loop.frozen import only_trainable
        from kpipe.training.loop.masking import MaskedLoss, MaskedMetric
        from kpipe.training.loop.running import go_through
        from kpipe.training.loop.seeds import reseed
        from kpipe.training.loop.signals import Signals

        target = signature.target
        loss, metrics = self.build_loss(target), self.build_metrics(target)
        if signature.is_padded:
            discrete = target.is_discrete
            loss, metrics = MaskedLoss(loss, discrete), [MaskedMetric(metric, discrete) for metric in metrics]
        self.require_monitor(["loss", *(metric.name for metric in metrics)])
        weights = class_weights(self.class_weight, target, train)
        examples = Examined(train, signature, weights)
        held_out = validation_batches(Examined(validation, signature), stage.batch_size)
        groups = train.groups if signature.is_padded else ()
        plan = Plan(len(train), stage.batch_size, stage.seed, stage.index, self.steps_per_epoch, groups)
        with only_trainable(model, self.trainable), Signals() as signals:
            compile_model(model, self.build_optimizer(plan.steps), loss, metrics)
            reseed(model, stage.seed, stage.index)
            conductor = Conductor(
                model, stage, self.epochs, plan, self.watched, self.early_stopping is not None, self.restore_best,
                Checkpoints(stage.checkpoints, stage.index), signals,
            )  # fmt: skip
            for watcher in stage.watchers:
                watcher.on_stage(stage.name, self.epochs, plan.steps)
            conductor.go_on()
            go_through(model, conductor, examples, held_out)
            conductor.finish()
        history = tuple(conductor.progress.history)
        return Trained(history, conductor.progress.best_epoch if self.restore_best else len(history), history[-1].step)

    @property
    def watched(self) -> EarlyStopping:
        """What tells the best epoch."""
        return self.early_stopping or EarlyStopping()

    def build_optimizer(self, steps_per_epoch: int) -> keras.optimizers.Optimizer:
        """The optimizer, its learning rate on its course."""
        from kpipe.training.loop.scheduled import Scheduled

        optimizer = self.optimizer.build()
        if self.schedule is not None:
            peak = float(optimizer.learning_rate)
            optimizer.learning_rate = Scheduled(self.schedule, peak, self.epochs * steps_per_epoch)
        return optimizer

    def build_loss(self, target: Target) -> keras.losses.Loss:
        """The loss that is named, or the target's own."""
        from kpipe.training.loop.losses import loss_of

        if self.loss is None:
            return loss_of(target, self.label_smoothing)
        return self.loss.build(**for_logits(self.loss, target, "loss"))

    def build_metrics(self, target: Target) -> list[keras.metrics.Metric]:
        """The metrics that are named, or the target's own."""
        from kpipe.training.loop.losses import metrics_of

        if self.metrics is None:
            return metrics_of(target)
        return [metric.build(**for_logits(metric, target, "metrics")) for metric in self.metrics]

    def require_monitor(self, names: list[str]) -> None:
        """Raises: WrongInput: nothing of the name that is watched will be there, or its direction is unknown."""
        seen = [*names, *(f"val_{name}" for name in names)]
        monitor = self.watched.monitor
        if monitor not in seen:
            near = nearest(monitor, seen)
            hint = f"did you mean `{near}`?" if near else f"one of: {', '.join(seen)}"
            raise WrongInput(f"train.early_stopping.monitor: nothing is called `{monitor}`", hint)
        self.watched.sign()
