"""Verify: the lines that read the data are run once, in a process of their own, and must give what kpipe gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from kpipe.data.preparation.ragged import Ragged
from kpipe.data.splits import RaggedSplit
from kpipe.eject.section import cannot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kpipe.data.splits import Splits

HINT = "write what kpipe reads into an .npz file, and eject the pipeline with `data: {type: npz, ...}`"

NAMES = tuple(f"{kind}_{split}" for kind in "xy" for split in ("train", "validation", "test"))

KEEP = """
import sys

arrays = {}
for name in sys.argv[2:]:
    array = globals()[name]
    if isinstance(array, list):  # of rows that have lengths of their own
        arrays[f"{name}_lengths"] = [len(row) for row in array]
        array = np.concatenate(array)
    arrays[name] = array
np.savez(sys.argv[1], **arrays)
"""
"""What stands behind the lines that make the arrays."""


def require_same(code: str, splits: Splits) -> None:
    """Raises: WrongInput: ``code`` makes other arrays ``x_train, y_train, ...`` than those of ``splits``."""
    import numpy as np

    with TemporaryDirectory() as folder:
        script, arrays = Path(folder, "script.py"), Path(folder, "arrays.npz")
        script.write_text(code + KEEP, encoding="utf-8")
        # -P: a random.py in the user's folder must not be imported for the real one
        command = [sys.executable, "-P", "-W", "ignore", str(script), str(arrays), *NAMES]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            raise cannot(f"data: `{splits.origin}`, which a short script cannot read ({said})", HINT)
        with np.load(arrays, allow_pickle=False) as found:
            if not all(is_same(found, name, splits) for name in ("train", "validation", "test")):
                raise cannot(f"data: `{splits.origin}`, which a short script reads otherwise than kpipe does,", HINT)


def is_same(found: Mapping[str, Any], name: str, splits: Splits) -> bool:
    import numpy as np

    split = splits.named(name)
    columns = split.columns if isinstance(split, RaggedSplit) else split.take(np.arange(len(split)))
    pairs = zip((f"x_{name}", f"y_{name}"), (splits.signature.input.name, splits.signature.target.name), strict=True)
    return all(alike(found, here, columns[there]) for here, there in pairs)


def alike(found: Mapping[str, Any], name: str, expected: Any) -> bool:
    import numpy as np

    array = found[name]
    if isinstance(expected, Ragged):
        lengths = f"{name}_lengths"
        same = lengths in found and np.array_equal(found[lengths], expected.lengths)
        return bool(same and np.array_equal(array, expected.values))
    same = array.shape == expected.shape and array.dtype == expected.dtype
    return bool(same and np.allclose(array, expected, rtol=1e-6, atol=0))
