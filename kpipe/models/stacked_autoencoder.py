"""StackedAutoencoder: layers that learn to give their input back, one on the other; an encoder for other tasks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from kpipe.models.architecture import Activation, Architecture, Count, Fraction
from kpipe.models.ends import close_output, never_zero, open_input, scale
from kpipe.models.noise import Noise
from kpipe.models.tier import Tier, decoded, encoded
from kpipe.signature import Feature, Kind, Signature, Task
from kpipe.spec.keras_object import KerasObject
from kpipe.spec.mistake import Problem
from kpipe.spec.spec import Tuple

if TYPE_CHECKING:
    import keras

    from kpipe.parts import Level, Stack

TASKS: frozenset[Task] = frozenset({"classes", "labels", "values", "reconstruction"})

TANH, LINEAR = (KerasObject(name, kind="activations") for name in ("tanh", "linear"))

PEPPER, SALT = -2.0, 2.0
"""The lowest and highest of a standardized input: 2 deviations from the mean."""

FROM_MINUS_ONE = frozenset({"tanh", "hard_tanh", "softsign"})
"""Activations between -1 and 1. All others are damaged within 0 and 1, also those without an upper bound, as relu."""


class StackedAutoencoder(Architecture):
    """A stack of autoencoders: convolutions (optional) and dense layers down to a code, and their mirror back.

    Encoder: ``h[k] = f(W[k] h[k-1] + b[k])``, of which the last is the code, its layer named ``code``; decoder:
    ``g[k-1] = f(V[k] g[k] + c[k])``, with ``V[k] = W[k]^T`` where `tied`. Convolutions halve the sides, transposed ones
    double them. Images of bytes are rescaled to 0..1 and come from a logistic function; other inputs are standardized
    and come from a linear layer; either way the reconstruction is in the input's own unit.
    `train: pretrain_layerwise` trains each layer alone, `{type: fit, objective: reconstruction}` all of them
    end to end, and `fit` a linear layer on the code for the data's target, with all the layers below it.
    Salt and pepper are the ends of what they are put into: of bytes 0 and 255, of standardized inputs 2 deviations from
    the mean, of hidden layers -1 and 1 with tanh, 0 and 1 with sigmoid; so too with relu, which has no upper end.

    Shapes:
        (batch, height, width, channels) | (batch, features) -> (batch, num_classes | num_labels | num_values)
        with `output: reconstruction` -> the shape of the input

    Raises:
        WrongInput: `filters` for inputs that are no images.

    Example:
        model: {type: stacked_autoencoder, units: [256, 64, 32], corruption: {type: masking, rate: 0.25}}

    Reference:
        G. Hinton and R. Salakhutdinov, 2006, Reducing the dimensionality of data with neural networks.
        P. Vincent et al., 2010, Stacked denoising autoencoders.
    """

    pairs: ClassVar[Mapping[Kind, frozenset[Task]]] = {"image": TASKS, "vector": TASKS}
    offers: ClassVar[frozenset[str]] = frozenset({"stack"})

    type: Literal["stacked_autoencoder"] = "stacked_autoencoder"
    output: Literal["target", "reconstruction"] = Field(
        "target", description="target: the data's target, from the code; reconstruction: the input again"
    )
    scaling: Literal["rescale", "standardize"] | None = Field(
        None, description="rescale: x / 255, for bytes the default; standardize: (x - mean) / deviation of train"
    )
    filters: Tuple[Count] = Field((), description="output channels of convolutions of stride 2 that come first")
    kernel_size: int = Field(3, ge=2, le=31, description="side of the convolutions' kernels in pixels")
    units: Tuple[Count] = Field((256, 64, 32), min_length=1, description="units of each dense layer, of the code last")
    activation: Activation = Field(
        TANH, description="of all layers but the code; what is not bounded, as relu, makes layers harder to reconstruct"
    )
    code_activation: Activation = Field(LINEAR, description="of the code; linear, as of Hinton and Salakhutdinov")
    tied: bool = Field(False, description="the decoder's dense layers have the encoder's kernels, transposed")
    corruption: Noise | None = Field(
        None, description="damage to the input of each autoencoder while it is trained; not before the target"
    )
    sparsity: float = Field(
        0.0, ge=0, le=100, description="adds this times the mean absolute output of each dense encoder to the loss"
    )
    dropout: Fraction = Field(0.0, description="fraction of each dense encoding layer's output dropped, [0, 1)")

    def learns(self, task: Task | None) -> Task | None:
        return "reconstruction" if self.output == "reconstruction" else task

    def adapt(self, signature: Signature) -> Signature:
        return signature.reconstructed() if self.output == "reconstruction" else signature

    def misfits(self, kind: Kind | None, task: Task | None) -> Iterator[Problem]:
        yield from super().misfits(kind, self.learns(task))
        if self.filters and kind == "vector":
            hint = "leave them out: `units` takes vectors as they are"
            yield Problem(("filters",), f"convolutions are for images, but the data gives {kind} inputs", hint)

    def build(self, signature: Signature) -> keras.Model:
        self.check(signature)
        import keras

        from kpipe.parts import Parts, Stack, give

        feature = signature.input
        inputs = open_input(feature)
        scaled = self._scaled(inputs, feature)
        tiers = tuple(self._tiers(feature))
        code = encoded(tiers, scaled)
        damaged = self.corruption.layer("corruption", *self._extremes(feature))(scaled) if self.corruption else scaled
        rebuilt = self._unscaled(decoded(tiers, encoded(tiers, damaged)), feature)
        stack = Stack(
            levels=tuple(self._levels(tiers, inputs, scaled, feature)),
            autoencoder=keras.Model(inputs, rebuilt, name=self.type),
            encoder=keras.Model(inputs, code, name="encoder"),
        )
        return give(self._network(stack, signature), Parts(stack=stack))

    def _network(self, stack: Stack, signature: Signature) -> keras.Model:
        import keras

        if signature.target.task == "reconstruction":
            return stack.autoencoder
        encoder = stack.encoder
        return keras.Model(encoder.input, close_output(encoder.output, signature.target), name=self.type)

    def _tiers(self, feature: Feature) -> Iterator[Tier]:
        """From the input up."""
        below = feature.sides
        for number, filters in enumerate(self.filters, start=1):
            name = f"conv{number}"
            end = self._end_of_decoding(f"{name}_back", feature, first=number == 1)
            yield self._convolution(name, filters, below, end)
            below = (-(-below[0] // 2), -(-below[1] // 2), filters)
        for number, units in enumerate(self.units, start=1):
            name = "code" if number == len(self.units) else f"dense{number}"
            end = self._end_of_decoding(f"{name}_back", feature, first=number == 1 and not self.filters)
            yield self._dense(name, units, below, end)
            below = (units,)

    def _convolution(self, name: str, filters: int, below: tuple[int, ...], end: list[keras.Layer]) -> Tier:
        import keras

        size, crop = self.kernel_size, [(0, side % 2) for side in below[:2]]
        down = keras.layers.Conv2D(filters, size, 2, "same", name=name)
        back = keras.layers.Conv2DTranspose(below[-1], size, 2, "same", name=f"{name}_back")
        odd = [keras.layers.Cropping2D(crop, name=f"{name}_crop")] if crop != [(0, 0), (0, 0)] else []
        return Tier(name, [down, self._active(name)], [back, *odd, *end])

    def _dense(self, name: str, units: int, below: tuple[int, ...], end: list[keras.Layer]) -> Tier:
        import keras

        from kpipe.layers.sparsity import Sparsity
        from kpipe.layers.tied_dense import TiedDense

        size, is_map = math.prod(below), len(below) > 1
        down = keras.layers.Dense(units, name=name)
        back = (
            TiedDense(size, lambda: down.kernel, name=f"{name}_back")
            if self.tied
            else keras.layers.Dense(size, name=f"{name}_back")
        )
        return Tier(
            name,
            [
                *([keras.layers.Flatten(name=f"{name}_flatten")] if is_map else []),
                down,
                self._active(name),
                *([Sparsity(self.sparsity, name=f"{name}_sparsity")] if self.sparsity else []),
                *([keras.layers.Dropout(self.dropout, seed=0, name=f"{name}_dropout")] if self.dropout else []),
            ],
            [back, *end, *([keras.layers.Reshape(below, name=f"{name}_reshape")] if is_map else [])],
        )

    def _active(self, name: str) -> keras.Layer:
        import keras

        activation = self.code_activation if name == "code" else self.activation
        return keras.layers.Activation(activation.build(), name=f"{name}_activation")

    def _end_of_decoding(self, name: str, feature: Feature, first: bool) -> list[keras.Layer]:
        """What gives a decoding layer the range of what it reconstructs."""
        import keras

        if not first:
            return [keras.layers.Activation(self.activation.build(), name=f"{name}_activation")]
        return [keras.layers.Activation("sigmoid", name=f"{name}_sigmoid")] if self._is_rescaled(feature) else []

    def _levels(self, tiers: tuple[Tier, ...], inputs: Any, scaled: Any, feature: Feature) -> Iterator[Level]:
        """Each tier as an autoencoder of its own, of what the ones below it give."""
        import keras

        from kpipe.parts import Level

        below = scaled
        for number, tier in enumerate(tiers):
            taken = x = keras.Input(below.shape[1:], name=f"{tier.name}_input")
            if self.corruption:
                hidden = (-1.0 if self.activation.name in FROM_MINUS_ONE else 0.0, 1.0)
                extremes = hidden if number else self._extremes(feature)
                x = self.corruption.layer(f"{tier.name}_corruption", *extremes)(x)
            autoencoder = keras.Model(taken, tier.decode(tier.encode(x)), name=f"{tier.name}_autoencoder")
            yield Level(tier.name, keras.Model(inputs, below, name=f"below_{tier.name}"), autoencoder)
            below = tier.encode(below)

    def _is_rescaled(self, feature: Feature) -> bool:
        return (self.scaling or ("rescale" if feature.dtype == "uint8" else "standardize")) == "rescale"

    def _extremes(self, feature: Feature) -> tuple[float, float]:
        return (0.0, 1.0) if self._is_rescaled(feature) else (PEPPER, SALT)

    def _scaled(self, inputs: Any, feature: Feature) -> Any:
        import keras

        x = scale(inputs, feature, "rescale" if self._is_rescaled(feature) else "standardize")
        return keras.layers.Identity(name="as_it_is")(x) if x is inputs else x

    def _unscaled(self, x: Any, feature: Feature) -> Any:
        """In the input's own unit, float32. The layer cannot have the target's name: the input has it."""
        import keras

        name, policy = "reconstruction", keras.config.dtype_policy().variable_dtype
        if self._is_rescaled(feature):
            return keras.layers.Rescaling(255.0, dtype=policy, name=name)(x)
        if not feature.mean:
            return keras.layers.Identity(dtype=policy, name=name)(x)
        mean, variance = list(feature.mean), never_zero(feature.variance)
        return keras.layers.Normalization(mean=mean, variance=variance, invert=True, dtype=policy, name=name)(x)
