"""PretrainLayerwise: a stack of autoencoders, trained one after the other from the input up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

from kpipe.examples import Examples
from kpipe.signature import Signature
from kpipe.training.gradient_descent import GradientDescent
from kpipe.training.method import Epoch, Stage, Trained, stack_of

if TYPE_CHECKING:
    import keras


class PretrainLayerwise(GradientDescent):
    """Trains each layer of a stack to reconstruct the layer below it, one after the other from the input up.

    Of layer k it minimises ``mean (decode[k](encode[k](h)) - h)^2 / variance of h``, with h what the layers below,
    which no longer change, give for the training examples; the loss of who always says the mean is 1. Targets are
    not looked at. Each layer has its own curves, under the stage's name and its own: ``1-pretrain_layerwise/dense1``;
    `epochs`, `schedule` and `early_stopping` hold for each anew. A stopped run goes on in the layer where it was.

    Shapes: any model of stacked autoencoders.
    Raises:
        Diverged: the loss became NaN or infinite. Interrupted: Ctrl-C or SIGTERM, after saving.
        WrongInput: the model is no stack of autoencoders.
    Example:
        train:
          type: pretrain_layerwise
          epochs: 20
          optimizer: {AdamW: {learning_rate: 3.0e-3}}
    Reference: G. Hinton and R. Salakhutdinov, 2006, Reducing the dimensionality of data with neural networks.
        Y. Bengio et al., 2007, Greedy layer-wise training of deep networks.
    """

    type: Literal["pretrain_layerwise"] = "pretrain_layerwise"
    times: ClassVar[str] = " for each layer"

    @property
    def learns_target(self) -> bool:
        return False

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"stack"})

    def check(self, signature: Signature) -> None:  # noqa: ARG002 (any input will do)
        self.require_monitor(["loss"])

    def train(
        self, model: keras.Model, train: Examples, validation: Examples, signature: Signature, stage: Stage
    ) -> Trained:
        from kpipe.training.loop.below import examined_below
        from kpipe.training.loop.losses import loss_of

        history: tuple[Epoch, ...] = ()
        trained = Trained((), 0, stage.first_step)
        for number, level in enumerate(stack_of(model, self.type).levels, start=1):
            part = replace(stage, name=f"{stage.name}/{level.name}", part=number, first_step=trained.steps)
            with examined_below(level, (train, validation), signature, stage.batch_size) as (learned, held_out):
                loss = loss_of(learned.signature.target)
                trained = self.descend(level.autoencoder, learned, held_out, loss, (), part)
            history += trained.history
        return replace(trained, history=history)
