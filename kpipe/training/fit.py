"""Fit: supervised training by gradient descent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from kpipe.errors import WrongInput
from kpipe.examples import Examples
from kpipe.signature import Signature, Target
from kpipe.spec.keras_object import KerasObject, OfKind
from kpipe.spec.mistake import Problem
from kpipe.spec.spec import Tuple, refuse
from kpipe.training.class_names import require_classes
from kpipe.training.gradient_descent import GradientDescent
from kpipe.training.method import Stage, Trained, stack_of
from kpipe.training.named import for_logits
from kpipe.training.schedules.schedule import Schedule
from kpipe.training.teacher_forcing import TeacherForcing, put_into

if TYPE_CHECKING:
    import keras

Weight = Annotated[float, Field(ge=0.0)]


class Fit(GradientDescent):
    """Learns from labelled examples by gradient descent.

    Minimises the target's loss (classes: cross-entropy; labels: binary cross-entropy; values: squared error over the
    variance on train) in steps of a batch, and looks at the validation split after each epoch. The weights of the best
    epoch stay. The order of batches and the draws of random layers depend on the seed alone; a stopped stage goes on
    exactly where it was. Clipping (clipnorm, global_clipnorm, clipvalue), accumulation (gradient_accumulation_steps)
    and averaging of weights (use_ema, ema_momentum) are the optimizer's own arguments; averages are what is evaluated
    and kept. Losses are scaled by Keras where `precision` is mixed_float16. With `objective: reconstruction` it is
    the autoencoder behind the network that learns, end to end, to give its input again; the target is not looked at.
    With `teacher_forcing` below 1 a model that writes goes step by step in training, and each token that it is fed is
    the true one with that probability, else the most probable one of its own last step (scheduled sampling: S. Bengio
    et al., 2015, Scheduled sampling for sequence prediction with recurrent neural networks); validation and test are
    always fed true tokens.

    Shapes: any model with one output.
    Raises:
        Diverged: the loss became NaN or infinite. Interrupted: Ctrl-C or SIGTERM, after saving.
        WrongInput: what is named does not fit the target; `objective: reconstruction` of what is no autoencoder.
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
    objective: Literal["target", "reconstruction"] = Field(
        "target", description="what is learned: the model's target, or, by the autoencoder in it, the input itself"
    )
    examples: int | None = Field(
        None, ge=1, description="how many of the training examples to use, drawn by the seed, of each class its share"
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
    trainable: Tuple[str] | None = Field(
        None, min_length=1, description="names of the layers to train (`dense_*`), the others frozen; by default all"
    )
    teacher_forcing: TeacherForcing = Field(
        1.0,
        description="of models that write: share of steps fed the true token, not the model's own, in [0, 1]; or a "
        "schedule of it from 1 on, epoch by epoch",
    )

    @model_validator(mode="after")
    def _smoothing_is_for_the_default_loss(self) -> Fit:
        if self.label_smoothing and self.loss is not None:
            raise refuse(
                Problem(
                    ("label_smoothing",), "label_smoothing is for the target's own loss", "leave out one of the two"
                )
            )
        return self

    @model_validator(mode="after")
    def _teacher_forcing_only_falls(self) -> Fit:
        if isinstance(self.teacher_forcing, Schedule) and self.teacher_forcing.type == "inverse_square_root":
            hint = "choose one that only falls: linear, cosine, exponential, step"
            raise refuse(Problem(("teacher_forcing", "type"), "this schedule rises before it falls", hint))
        if isinstance(self.teacher_forcing, Schedule) and self.teacher_forcing.warmup:
            hint = "leave out `warmup`: without true tokens there is nothing to begin with"
            raise refuse(Problem(("teacher_forcing", "warmup"), "teacher forcing begins at 1 and falls", hint))
        return self

    @property
    def learns_target(self) -> bool:
        return self.objective == "target"

    @property
    def needs(self) -> frozenset[str]:
        stack = {"stack"} if self.objective == "reconstruction" else set()
        return frozenset(stack | ({"teacher_forcing"} if self.teacher_forcing != 1.0 else set()))

    def check(self, signature: Signature) -> None:
        target = self.learned(signature).target
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
        from kpipe.training.loop.batches import Examined
        from kpipe.training.loop.class_weights import class_weights
        from kpipe.training.loop.masking import MaskedLoss, MaskedMetric
        from kpipe.training.loop.subset import some

        if self.examples is not None:
            train = some(train, self.examples, signature.given or signature.target, stage.seed)
        if self.objective == "reconstruction":
            model = stack_of(model, self.type).autoencoder
        signature = self.learned(signature)
        target = signature.target
        loss, metrics = self.build_loss(target), self.build_metrics(target)
        if signature.is_padded:
            discrete = target.is_discrete
            loss, metrics = MaskedLoss(loss, discrete), [MaskedMetric(metric, discrete) for metric in metrics]
        weights = class_weights(self.class_weight, target, train)
        examples, held_out = Examined(train, signature, weights), Examined(validation, signature)
        begin_epoch = put_into(model, self.teacher_forcing)
        return self.descend(model, examples, held_out, loss, metrics, stage, self.trainable, begin_epoch)

    def learned(self, signature: Signature) -> Signature:
        """What this stage learns."""
        return signature.reconstructed() if self.objective == "reconstruction" else signature

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
