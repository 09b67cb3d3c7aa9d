"""Tolerances: how far backends may be apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from kpipe.errors import WrongInput
from kpipe.spec.mistake import nearest


@dataclass(frozen=True)
class Tolerances:
    """The largest differences that are still parity; None: told, not judged."""

    weights: float = 0.0
    """of the initial weights, absolute"""
    layers: float = 1e-5
    """of a layer's output, the logits among them, absolute, or relative to its largest number where that is above 1"""
    gradients: float = 1e-6
    """the length of the difference of a variable's gradient, relative to that of the whole gradient"""
    loss: float = 1e-5
    """of any step, absolute, or relative where the loss is above 1"""
    metrics: float | None = None
    """of the metrics on validation, absolute: one example on the edge may turn an accuracy"""


def tolerances(texts: Sequence[str]) -> Tolerances:
    """``["loss=1e-4"]`` put into the defaults. Raises: WrongInput."""
    found = Tolerances()
    names = [field.name for field in fields(Tolerances)]
    for text in texts:
        name, equals, value = text.partition("=")
        if name not in names:
            near = nearest(name, names)
            hint = f"did you mean `{near}`?" if near else f"one of: {', '.join(names)}"
            raise WrongInput(f"--tolerance {text}: nothing is called `{name}`", hint)
        number = number_in(value) if equals else None
        if number is None:
            wrong = f"`{value}` is no number from 0 on" if value else "no number is given"
            raise WrongInput(f"--tolerance {text}: {wrong}", f"write --tolerance {name}=1e-4")
        found = replace(found, **{name: number})
    return found


def number_in(text: str) -> float | None:
    """A number from 0 on, else None; ``inf`` allows everything."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number >= 0 else None
