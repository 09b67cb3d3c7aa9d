"""Shortened: a stage of training with few steps in an epoch, whose steps are those of the whole one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kpipe.backend import derive
from kpipe.examples import Examples
from kpipe.training.method import Method

if TYPE_CHECKING:
    import numpy as np

    from kpipe.signature import Signature

MOST_EPOCHS = 20
EPOCHS_OF_PARTS = 3
"""Of stages that train several things one after the other, and cannot be left in the middle."""


@dataclass(frozen=True)
class Shortened:
    """``train`` are the examples that ``method`` goes through; ``steps`` were in an epoch before."""

    method: Method
    train: Examples
    steps: int
    mixed: bool
    """batches have several shapes"""

    @property
    def stoppable(self) -> bool:
        return not self.method.times


def shortened(
    method: Method, train: Examples, signature: Signature, batch_size: int, steps: int, seed: int
) -> Shortened:
    """``method`` with at most ``steps`` steps in an epoch, on examples of every shape of batch that there is.

    The learning rate goes its course as slowly as before: there are as many more epochs as there are fewer steps.
    """
    from kpipe.training.loop.subset import some

    fields = dict(method)
    if fields.get("examples") is not None:
        train = some(train, fields["examples"], signature.given or signature.target, seed)
    groups = train.groups if signature.is_padded else ()
    whole = fields.get("steps_per_epoch") or steps_in(train, groups, batch_size)
    changes: dict[str, object] = {}
    if fields.get("steps_per_epoch") is None:
        train = few(train, groups, batch_size, steps, seed)
        now = steps_in(train, train.groups if groups else (), batch_size)
    else:
        now = changes["steps_per_epoch"] = min(whole, steps)
    epochs = MOST_EPOCHS if not method.times else EPOCHS_OF_PARTS
    changes["epochs"] = max(epochs, -(-(fields.get("epochs") or 1) * whole // now))
    changes |= {"stop_after": epochs, "early_stopping": None}
    if "examples" in fields:
        changes["examples"] = None
    known = {name: value for name, value in changes.items() if name in type(method).model_fields}
    return Shortened(method.model_copy(update=known), train, whole, mixed=len(groups) > 1)


def steps_in(split: Examples, groups: tuple[np.ndarray, ...], batch_size: int) -> int:
    """Steps in an epoch; each batch is from one of the ``groups``, where there are any."""
    return sum(-(-len(group) // batch_size) for group in groups or (range(len(split)),))


def few(split: Examples, groups: tuple[np.ndarray, ...], batch_size: int, steps: int, seed: int) -> Examples:
    """Examples for about ``steps`` batches: of each group its share, and one batch at least; a last batch that was
    short stays as short as it was."""
    import numpy as np

    from kpipe.training.loop.subset import Subset

    whole = steps_in(split, groups, batch_size)
    if whole <= steps:
        return split
    chosen = []
    for number, group in enumerate(groups or (np.arange(len(split)),)):
        batches = -(-len(group) // batch_size)
        kept = max(1, round(steps * batches / whole))
        missing = -len(group) % batch_size if kept < batches else 0
        count = len(group) if kept >= batches else kept * batch_size - missing
        generator = np.random.default_rng(derive(seed, "bench", number))
        chosen.append(group[generator.permutation(len(group))[:count]])
    return Subset(split, np.sort(np.concatenate(chosen)))
