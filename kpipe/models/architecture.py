"""Architecture: what every model has in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from kpipe.errors import WrongInput
from kpipe.signature import Feature, Kind, Signature, Task
from kpipe.spec.keras_object import KerasObject, OfKind
from kpipe.spec.spec import Component

if TYPE_CHECKING:
    import keras

Count = Annotated[int, Field(ge=1, le=65_536)]
"""A number of units or filters."""

Fraction = Annotated[float, Field(ge=0, lt=1)]
"""Of what dropout sets to zero."""

Activation = Annotated[KerasObject, OfKind("activations")]

RELU = KerasObject("relu", kind="activations")

MOMENTUM = 0.9
"""Of batch normalization's moving averages. With Keras's 0.99 they lag behind for hundreds of steps: a CNN trained for
300 steps on digits read 0.88 to 0.94 of them right, with this 0.97 to 0.98."""


class Architecture(Component):
    """A family of networks."""

    accepts: ClassVar[frozenset[Kind]]
    produces: ClassVar[frozenset[Task]]

    def check(self, feature: Feature) -> None:
        """Refuses inputs that do not fit, before an engine is started. Raises: WrongInput."""
        if feature.kind not in self.accepts:
            raise WrongInput(
                f"model.type: `{self.type}` takes {' or '.join(sorted(self.accepts))} inputs, but the data gives "
                f"{feature.kind} inputs of shape {feature.shape}",
                "kpipe list models shows what each takes",
            )

    @abstractmethod
    def build(self, signature: Signature) -> keras.Model:
        """The network for these inputs and this target, with raw inputs (dtype and shape of the signature).

        The output is named after the target and is float32: logits (classes, labels) or values. Layers have
        readable, unique names. Raises: WrongInput: the feature maps shrink to nothing, the input is of another kind.
        """
