"""What each device gets of a batch, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from kpipe.errors import WrongInput


def test_shares_are_as_equal_as_can_be_and_hold_each_row_once(backend: str) -> None:
    from kpipe.training.sharing.shares import rows, shares

    for count in (1, 4, 7):
        batch = {"a": np.arange(count), "b": np.arange(count) * 2}, np.arange(count)
        found = shares(batch, 3, padded=False)
        assert [rows(share) for share in found] == {1: [1, 0, 0], 4: [2, 1, 1], 7: [3, 2, 2]}[count]
        np.testing.assert_array_equal(np.concatenate([share[1] for share in found]), batch[1])
        np.testing.assert_array_equal(np.concatenate([share[0]["b"] for share in found]), batch[0]["b"])


@pytest.mark.parametrize("weights", [(), (np.full((4, 2), 2.0, "float32"),)])
def test_a_share_weighs_by_the_targets_that_are_there(backend: str, weights: tuple[np.ndarray, ...]) -> None:
    from kpipe.training.sharing.shares import shares

    target = np.array([[1, 2], [3, -1], [-1, -1], [-1, -1]], "int32")
    whole, none = shares((np.zeros((4, 2), "int32"), target, *weights), 2, padded=True)
    usual = 2.0 if weights else 1.0
    assert (whole[2] == 2 * usual).all()
    assert (none[2] == 0).all()


def test_losses_that_are_no_mean_are_refused(backend: str) -> None:
    import keras

    from kpipe.training.sharing.shares import require_mean

    require_mean(keras.losses.MeanSquaredError())
    for loss in (keras.losses.MeanSquaredError(reduction="sum"), keras.losses.Dice()):
        with pytest.raises(WrongInput, match="cannot be shared among devices"):
            require_mean(loss)
