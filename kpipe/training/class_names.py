"""The class names that ``class_weight`` gives, held against the target's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from kpipe.errors import WrongInput
from kpipe.signature import Target
from kpipe.spec.mistake import nearest


def require_classes(wanted: Literal["balanced"] | Mapping[str, float], target: Target) -> None:
    """Raises: WrongInput: the target has no classes, or not one of that name."""
    if target.task not in ("classes", "tags"):
        raise WrongInput(f"train.class_weight needs a target of classes, not {target.task}", "leave it out")
    for name in () if wanted == "balanced" else wanted:
        if name not in target.names:
            near = nearest(name, target.names)
            hint = f"did you mean `{near}`?" if near else f"classes: {', '.join(target.names[:20])}"
            raise WrongInput(f"train.class_weight: no class `{name}`", hint)
