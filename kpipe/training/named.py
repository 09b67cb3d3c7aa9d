"""Losses and metrics that the YAML names, made to fit a model that ends in logits."""

from __future__ import annotations

from typing import Any

from kpipe.errors import WrongInput
from kpipe.signature import Target
from kpipe.spec.keras_object import KerasObject
from kpipe.spec.keras_source import arguments, names, public

LOGIT_OF_A_HALF = 0.0


def for_logits(written: KerasObject, target: Target, field: str) -> dict[str, Any]:
    """The arguments that ``written`` needs besides its own: it is told that the model gives logits.

    Raises: WrongInput: it wants one-hot targets where they are class indices, or probabilities and nothing else.
    """
    if not target.is_discrete and target.task != "labels":
        return {}
    if target.is_discrete and not written.name.startswith("Sparse"):
        sparse = [name for name in names(written.kind) if name.startswith("Sparse")]
        raise WrongInput(
            f"train.{field}: {written.name} does not fit targets that are class indices", f"one of: {', '.join(sparse)}"
        )
    known = arguments(public(written.kind, written.name))
    if "from_logits" in known:
        return {} if "from_logits" in written.arguments else {"from_logits": True}
    if written.name == "BinaryAccuracy":
        return {} if "threshold" in written.arguments else {"threshold": LOGIT_OF_A_HALF}
    if {"threshold", "thresholds"} & set(known):
        raise WrongInput(
            f"train.{field}: {written.name} takes probabilities, and the model gives logits",
            "leave it out: it is computed on test after training, see `kpipe list metrics`",
        )
    return {}
