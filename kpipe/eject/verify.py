"""Verify: the lines that read the data are run once, and must give what kpipe gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kpipe.data.preparation.ragged import Ragged
from kpipe.data.splits import RaggedSplit
from kpipe.eject.section import cannot

if TYPE_CHECKING:
    from kpipe.data.splits import Splits

FAILURES = (ArithmeticError, LookupError, NameError, OSError, TypeError, ValueError)
"""What lines that read a file raise, where it holds more than they can read."""

HINT = "write what kpipe reads into an .npz file, and eject the pipeline with `data: {type: npz, ...}`"


def require_same(code: str, splits: Splits) -> None:
    """Raises: WrongInput: ``code`` makes other arrays ``x_train, y_train, ...`` than those of ``splits``."""
    found: dict[str, Any] = {}
    try:
        exec(compile(code, "data", "exec"), found)  # noqa: S102  # our own lines
        same = all(is_same(found, name, splits) for name in ("train", "validation", "test"))
    except FAILURES as error:
        raise cannot(f"data: `{splits.origin}`, which a short script cannot read ({error})", HINT) from error
    if not same:
        raise cannot(f"data: `{splits.origin}`, which a short script reads otherwise than kpipe does,", HINT)


def is_same(found: dict[str, Any], name: str, splits: Splits) -> bool:
    import numpy as np

    split = splits.named(name)
    columns = split.columns if isinstance(split, RaggedSplit) else split.take(np.arange(len(split)))
    pairs = zip((f"x_{name}", f"y_{name}"), (splits.signature.input.name, splits.signature.target.name), strict=True)
    return all(alike(found[here], columns[there]) for here, there in pairs)


def alike(found: Any, expected: Any) -> bool:
    import numpy as np

    if isinstance(expected, Ragged):
        sizes = [len(one) for one in found] == expected.lengths.tolist()
        return bool(sizes and np.array_equal(np.concatenate(found), expected.values))
    same = found.shape == expected.shape and found.dtype == expected.dtype
    return bool(same and np.allclose(found, expected, rtol=1e-6, atol=0))
