"""MLP: a dense network for vectors of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from kpipe.models.architecture import MOMENTUM, RELU, Activation, Architecture, Count, Fraction
from kpipe.models.ends import Scaling, close_output, open_input, scale
from kpipe.signature import Kind, Signature, Task
from kpipe.spec.spec import Tuple

if TYPE_CHECKING:
    import keras


class MLP(Architecture):
    """A multilayer perceptron: dense layers over a vector of numbers.

    Each layer is dense -> normalization -> activation -> dropout, ``x = f(norm(W x + b))``. Values come out in the
    target's own unit: the last dense layer's output is multiplied by the target's deviation on train and its mean
    added, so that the network itself works with numbers near 1.

    Shapes:
        (batch, features) -> (batch, num_classes | num_labels | num_values)

    Raises:
        Nothing: every vector fits.

    Example:
        model: {type: mlp, units: [64, 64], dropout: 0.2}

    Reference:
        D. Rumelhart, G. Hinton and R. Williams, 1986, Learning representations by back-propagating errors.
    """

    pairs: ClassVar[Mapping[Kind, frozenset[Task]]] = {"vector": frozenset({"classes", "labels", "values"})}

    type: Literal["mlp"] = "mlp"
    scaling: Scaling = Field(
        "standardize", description="of raw values: standardize: (x - mean) / deviation of train; rescale: x / 255"
    )
    units: Tuple[Count] = Field((64, 64), description="units of each dense layer; [] is a linear model")
    activation: Activation = Field(RELU, description="a Keras activation: relu, gelu, silu, tanh, sigmoid ...")
    normalization: Literal["batch", "layer", "none"] = Field(
        "none", description="after each dense layer, before its activation"
    )
    dropout: Fraction = Field(0.0, description="fraction of units dropped after each activation, [0, 1)")
    weight_decay: float = Field(0.0, ge=0, le=1, description="adds this times the squares of all kernels to the loss")

    def build(self, signature: Signature) -> keras.Model:
        self.check(signature)
        import keras

        penalty = keras.regularizers.L2(self.weight_decay) if self.weight_decay else None
        inputs = open_input(signature.input)
        x = scale(inputs, signature.input, self.scaling)
        for number, units in enumerate(self.units, start=1):
            x = keras.layers.Dense(units, kernel_regularizer=penalty, name=f"dense{number}")(x)
            if self.normalization == "batch":
                x = keras.layers.BatchNormalization(momentum=MOMENTUM, name=f"norm{number}")(x)
            elif self.normalization == "layer":
                x = keras.layers.LayerNormalization(name=f"norm{number}")(x)
            x = keras.layers.Activation(self.activation.build(), name=f"activation{number}")(x)
            if self.dropout:
                x = keras.layers.Dropout(self.dropout, name=f"dropout{number}")(x)
        return keras.Model(inputs, close_output(x, signature.target, penalty), name="mlp")
