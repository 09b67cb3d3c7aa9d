from __future__ import annotations

import numpy as np
import pytest


def states(model):
    import keras

    return {
        (layer.path, number): keras.ops.convert_to_numpy(generator.state).tolist()
        for layer in model._flatten_layers()
        for number, generator in enumerate(layer._seed_generators)
    }


def test_seeds_are_by_seed_stage_and_path_and_the_count_begins_anew(backend, fresh_model):
    from kpipe.training.loop.seeds import reseed

    one, other = fresh_model(), fresh_model()
    one(np.zeros((2, 8, 8, 1), "uint8"), training=True)
    reseed(one, 0, 0)
    reseed(other, 0, 0)
    assert states(one) == states(other)
    assert [count for _, count in states(one).values()] == [0, 0]
    before = states(one)
    for seed, stage in ((1, 0), (0, 1)):
        reseed(one, seed, stage)
        assert not set(map(tuple, states(one).values())) & set(map(tuple, before.values()))


def test_streams_of_neighbours_do_not_meet(backend, fresh_model):
    # trap 4: PyTorch draws from seed + count, so seeds within a run's steps of one another share draws
    from kpipe.training.loop.seeds import reseed

    model = fresh_model()
    seeds = []
    for seed in range(20):
        reseed(model, seed, 0)
        seeds += [state[0] for state in states(model).values()]
    assert len(seeds) == 40
    assert np.diff(sorted(seeds)).min() > 100_000


def test_dropout_draws_from_its_own_seed(backend):
    # Keras's dropout on PyTorch takes PyTorch's own generator for a layer that was made without a seed
    import keras

    from kpipe.training.loop.seeds import reseed

    inputs = keras.Input((64,))
    model = keras.Model(inputs, keras.layers.Dropout(0.5, name="dropout")(inputs))

    def draws():
        reseed(model, 7, 0)
        ones = np.ones((2, 64), "float32")
        return [keras.ops.convert_to_numpy(model(ones, training=True)) for _ in range(2)]

    if keras.backend.backend() == "torch":
        import torch

        torch.manual_seed(1)
    first, second = draws()
    again, _ = draws()
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)
    assert first.mean() == pytest.approx(1.0, abs=0.3)
