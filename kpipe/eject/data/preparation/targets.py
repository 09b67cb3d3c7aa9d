"""Targets as code: classes as their numbers, labels and values as columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kpipe.eject.section import cannot

if TYPE_CHECKING:
    import numpy as np

    from kpipe.signature import Target


def written(raw: np.ndarray, target: Target, array: str, positions: bool = False) -> str:
    """``array``, which holds ``raw``, as what is trained on; ``positions``: whole numbers are places among the classes.

    Raises: WrongInput: another task.
    """
    if target.task not in ("classes", "labels", "values"):
        raise cannot(f"data: the task {target.task}", "what can: classes, labels and values")
    column = raw.ndim == 2 and raw.shape[1] == 1
    if target.task != "classes":
        return f'{array}.astype("float32")' + "[:, None]" * (raw.ndim == 1)
    if raw.ndim == 2 and not column:
        return f'{array}.argmax(axis=1).astype("int32")'
    flat = f"{array}[:, 0]" if column else array
    numbered = list(target.names) == [str(index) for index in range(target.size)]
    if raw.dtype.kind in "biu" and (positions or numbered):
        return f'{flat}.astype("int32")'
    return f'np.array([CLASSES.index(str(name)) for name in {flat}], "int32")'
