"""Architecture: what every model has in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from kpipe.errors import WrongInput
from kpipe.signature import Kind, Signature, Task
from kpipe.spec.keras_object import KerasObject, OfKind
from kpipe.spec.mistake import Problem
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

    pairs: ClassVar[Mapping[Kind, frozenset[Task]]]
    """The tasks it can learn from each kind of input."""

    offers: ClassVar[frozenset[str]] = frozenset()
    """The parts that its networks have, by their names in ``Parts``, for methods of training that need them."""

    @classmethod
    def accepts(cls) -> frozenset[Kind]:
        """The kinds of input it takes."""
        return frozenset(cls.pairs)

    @classmethod
    def produces(cls) -> frozenset[Task]:
        """The tasks it can learn."""
        return frozenset().union(*cls.pairs.values())

    @classmethod
    def fits(cls, kind: Kind | None, task: Task | None) -> bool:
        """Whether inputs and target go together with it; None is not known yet and fits."""
        return any(kind in (None, taken) and (task is None or task in learned) for taken, learned in cls.pairs.items())

    def misfits(self, kind: Kind | None, task: Task | None) -> Iterator[Problem]:
        """What of the data does not fit this very network; paths are relative to ``model``. None is not known yet."""
        if not self.fits(kind, None):
            taken = " or ".join(sorted(self.accepts()))
            yield Problem(("type",), f"`{self.type}` takes {taken} inputs, but the data gives {kind} inputs")
        elif not self.fits(kind, task):
            learned = ", ".join(sorted(self.produces() if kind is None else self.pairs[kind]))
            given = f"the data gives the task {task}"
            yield Problem(("type",), f"`{self.type}` learns {learned} from {kind or 'its'} inputs, but {given}")

    def learns(self, task: Task | None) -> Task | None:
        """The task that ``adapt`` makes of the data's; None is not known yet."""
        return task

    def adapt(self, signature: Signature) -> Signature:
        """What this network learns of what the data gives: by default the data's own target."""
        return signature

    def check(self, signature: Signature) -> None:
        """Refuses data that does not fit, before an engine is started. Raises: WrongInput."""
        for problem in self.misfits(signature.input.kind, signature.target.task):
            path = ".".join(("model", *map(str, problem.path)))
            hint = problem.hint or "kpipe list models shows what each takes and learns"
            raise WrongInput(f"{path}: {problem.message}; inputs are of shape {signature.input.shape}", hint)

    @abstractmethod
    def build(self, signature: Signature) -> keras.Model:
        """The network for these inputs and this target, with raw inputs (dtype and shape of the signature).

        The output is named after the target and is float32: logits or values, of the shape that ``Target`` gives for
        its task. Padded steps change neither the others nor their gradients. Layers have readable, unique names.
        Raises: WrongInput: the data does not fit, or the feature maps shrink to nothing.
        """
