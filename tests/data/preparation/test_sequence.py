from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kpipe.data.preparation.sequence import Sequence
from kpipe.errors import DataError
from kpipe.signature import Target

FORECAST = Target(task="forecast", names=("load",), horizon=3)
NUMBERS = np.random.default_rng(0).normal(size=(5, 4, 2)).astype("float32")


def preparation(target: Target = FORECAST) -> Sequence:
    return Sequence(steps=4, features=2, columns=("load", "heat"), target=target)


def test_reads_arrays_with_targets(tmp_path: Path) -> None:
    targets = np.arange(15.0).reshape(5, 3)
    np.savez(tmp_path / "data.npz", x=NUMBERS, y=targets)
    examples = preparation().read([tmp_path / "data.npz"])
    np.testing.assert_array_equal(examples.inputs["sequence"], NUMBERS)
    assert examples.targets is not None
    np.testing.assert_array_equal(examples.targets, targets[..., None])
    assert examples.names[0].endswith("data.npz:0")


def test_one_example_needs_no_first_axis(tmp_path: Path) -> None:
    np.save(tmp_path / "data.npy", NUMBERS[0])
    examples = preparation().read([tmp_path / "data.npy"])
    np.testing.assert_array_equal(examples.inputs["sequence"], NUMBERS[:1])
    assert examples.targets is None


def test_a_table_is_one_example_its_columns_in_any_order(tmp_path: Path) -> None:
    pd.DataFrame(NUMBERS[0], columns=["load", "heat"])[["heat", "load"]].to_csv(tmp_path / "one.csv", index=False)
    examples = preparation().read([tmp_path / "one.csv", tmp_path / "one.csv"])
    np.testing.assert_allclose(examples.inputs["sequence"], NUMBERS[[0, 0]], rtol=1e-5)


def test_prepares_what_a_server_gets() -> None:
    np.testing.assert_array_equal(preparation().prepare(NUMBERS.tolist())["sequence"], NUMBERS)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (NUMBERS[:, :3], r"shape \(5, 3, 2\), expected \(n, 4, 2\)"),
        (NUMBERS.astype(str), "expected numbers"),
        (np.where(NUMBERS > 0, np.nan, NUMBERS), "NaN or infinite"),
    ],
)
def test_mistakes_name_the_file(tmp_path: Path, array: np.ndarray, message: str) -> None:
    np.save(tmp_path / "data.npy", array)
    with pytest.raises(DataError, match=rf"data\.npy.*{message}"):
        preparation().read([tmp_path / "data.npy"])


def test_targets_of_another_length_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=NUMBERS, y=np.zeros((5, 2)))
    with pytest.raises(DataError, match=r"y: shape \(5, 2\), expected \(n, 3, 1\)"):
        preparation().read([tmp_path / "data.npz"])
