"""Replicas: copies of a model on several devices of one process, as JAX and TensorFlow keep them in step."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import keras

from kpipe.backend import silenced


def replicas() -> int:
    """How many copies TensorFlow trains here; 1 on the other backends."""
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    number: int = tf.distribute.get_strategy().num_replicas_in_sync
    return number


def of_all_replicas(model: keras.Model, logs: Any) -> Any:
    """A step's running means; Keras gives the mean of the replicas' own, however many examples each has had."""
    return model.get_metrics_result() if replicas() > 1 else logs


def let_shares_differ(model: keras.Model) -> None:
    """On TensorFlow, lets the shares of a batch be of different sizes also where it is the first of its data.

    Keras wants the shape of that batch, and takes the mean of its shares, which fails where one has a row more.
    """
    if replicas() > 1:
        model._maybe_symbolic_build = partial(build_for_a_share, model)


def build_for_a_share(model: keras.Model, iterator: Any = None, data_batch: Any = None) -> None:
    """Keras's ``_maybe_symbolic_build``, from the first device's share."""
    import tensorflow as tf

    strategy = tf.distribute.get_strategy()
    for _, _, batches in iterator or ():
        data_batch = keras.tree.map_structure(lambda one: strategy.experimental_local_results(one)[0], next(batches))
        break
    model._symbolic_build(data_batch=data_batch)


@contextmanager
def replicated(number: int) -> Iterator[None]:
    """Models that are built and trained within have a copy on each of so many devices."""
    if keras.backend.backend() == "jax":
        with laid_out(number):
            yield
    else:
        with mirrored(number).scope():
            yield


@contextmanager
def laid_out(number: int) -> Iterator[None]:
    """JAX computes what one device would, each device its rows; batch statistics are of the whole batch.

    The last batch of an epoch may not be divisible. Each device then computes the whole of it: JAX has no uneven
    shares, and Keras asks only once, at the first batch, how batches are to be laid out.
    """
    import jax
    from keras.src.backend.jax import distribution_lib

    data_parallel = keras.distribution.DataParallel(devices=keras.distribution.list_devices()[:number])
    distribute = distribution_lib.distribute_data_input

    def distribute_any(batch: Any, layout: Any, batch_dim_name: str) -> Any:
        if batch.shape[0] % number:
            layout = jax.sharding.NamedSharding(data_parallel.device_mesh.backend_mesh, jax.sharding.PartitionSpec())
        return distribute(batch, layout, batch_dim_name)

    distribution_lib.distribute_data_input = distribute_any
    try:
        with data_parallel.scope():
            yield
    finally:
        distribution_lib.distribute_data_input = distribute


@cache
def mirrored(number: int) -> Any:
    """TensorFlow's strategy, that runs the step once on each device.

    One for the whole process: another one would number its sums over all devices from the start, as the first did,
    and TensorFlow would mix them up.
    """
    import tensorflow as tf

    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    with silenced():
        strategy = tf.distribute.MirroredStrategy([f"{kind}:{device}" for device in range(number)])
        let_it_speak(strategy)
    return strategy


def let_it_speak(strategy: Any) -> None:
    """Makes TensorFlow say here, where nobody hears it, what it says once of data that comes from Python."""
    import tensorflow as tf

    def dataset(_context: Any) -> Any:
        endless = tf.data.Dataset.from_generator(itertools.count, output_signature=tf.TensorSpec((), tf.int32))
        return endless.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))

    next(iter(strategy.distribute_datasets_from_function(dataset)))
