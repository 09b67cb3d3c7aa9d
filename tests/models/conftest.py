"""Signatures small enough to build every architecture on, and batches of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from kpipe.signature import Feature, Signature, Target
from kpipe.tokenization.characters import Characters
from kpipe.tokenization.vocabulary import Vocabulary

VOCABULARY = Vocabulary.learn(Characters(), ["abcdefgh"])
MOMENTS: dict[str, Any] = {"mean": (1000.0, 3.0), "variance": (1e6, 0.25)}

FEATURES = {
    "image": Feature(name="image", kind="image", shape=(12, 10, 1), dtype="uint8", mean=(60.0,), variance=(900.0,)),
    "vector": Feature(
        name="vector", kind="vector", shape=(3,), dtype="float32", mean=(1.0, -2.0, 500.0), variance=(4.0, 0.0, 1e4)
    ),
    "sequence": Feature(
        name="sequence", kind="sequence", shape=(7, 2), dtype="float32", mean=(1.0, -2.0), variance=(4.0, 9.0)
    ),
    "tokens": Feature(name="tokens", kind="tokens", shape=(None,), dtype="int32", vocabulary=VOCABULARY, max_length=8),
}
PREVIOUS = Feature(name="previous", kind="tokens", shape=(None,), dtype="int32", vocabulary=VOCABULARY, max_length=8)
TARGETS = {
    "classes": Target(task="classes", names=("cat", "dog", "owl", "yak")),
    "labels": Target(task="labels", names=("red", "round")),
    "values": Target(task="values", names=("price", "size"), **MOMENTS),
    "tags": Target(task="tags", names=("noun", "verb", "other")),
    "forecast": Target(task="forecast", names=("load", "heat"), horizon=3, **MOMENTS),
    "text": Target(task="text", vocabulary=VOCABULARY, max_length=8),
    "next_token": Target(task="next_token", vocabulary=VOCABULARY, max_length=8),
}


@pytest.fixture(scope="session")
def signature_of() -> Callable[..., Signature]:
    """A signature by kind of input and task; of a reconstruction the target is the input."""
    return signature


def signature(kind: str = "image", task: str = "classes") -> Signature:
    feature = FEATURES[kind]
    if task == "reconstruction":
        target = Target(
            name=feature.name, task="reconstruction", names=("x",), mean=feature.mean, variance=feature.variance
        )
        return Signature(inputs=(feature,), target=target, given=TARGETS["classes"])
    return Signature(inputs=(feature, PREVIOUS) if task == "text" else (feature,), target=TARGETS[task])


@pytest.fixture(scope="session")
def batch_of() -> Callable[[Signature], tuple[Any, np.ndarray]]:
    """Inputs and targets as a split of a signature would give them; of sequences the second is shorter, padded."""
    return draw


def draw(signature: Signature, size: int = 4) -> tuple[Any, np.ndarray]:
    rng = np.random.default_rng(5)
    inputs = {feature.name: drawn(feature, rng, size) for feature in signature.inputs}
    target = signature.target
    if target.task == "reconstruction":
        targets = inputs[target.name].astype("float32")
    elif target.task == "classes":
        targets = rng.integers(0, target.size, size).astype("int32")
    elif target.task == "labels":
        targets = rng.integers(0, 2, (size, target.size)).astype("float32")
    elif target.is_per_step:
        beside = inputs["previous"] if target.task == "text" else inputs[signature.input.name]
        first = 0 if target.task == "tags" else 3
        targets = np.where(beside == 0, -1, rng.integers(first, target.size, beside.shape[:2])).astype("int32")
    else:
        shape = (size, target.horizon, target.size) if target.task == "forecast" else (size, target.size)
        targets = rng.normal(target.mean, 1.0, shape).astype("float32")
    return inputs if len(inputs) > 1 else inputs[signature.input.name], targets


def drawn(feature: Feature, rng: np.random.Generator, size: int) -> np.ndarray:
    if feature.dtype == "uint8":
        return rng.integers(0, 256, (size, *feature.shape), dtype=np.uint8)
    if feature.kind == "tokens":
        assert feature.vocabulary is not None
        tokens = rng.integers(4, feature.vocabulary.size, (size, 6)).astype("int32")
        tokens[1, 4:] = 0
        return tokens
    return rng.normal(feature.mean, 10.0, (size, *feature.shape)).astype("float32")


class Learned(NamedTuple):
    """One pass of a batch: outputs, ``loss(targets, outputs)`` and its gradient by each of the model's weights."""

    outputs: np.ndarray
    loss: np.ndarray
    gradients: list[np.ndarray]


Learn = Callable[[Any, np.ndarray], Learned]


@pytest.fixture(scope="session")
def learner(backend: str) -> Callable[[Any, Any], Learn]:
    """From a model and a loss a function of inputs and targets: a pass forwards and back."""
    return {"tensorflow": by_tensorflow, "jax": by_jax, "torch": by_torch}[backend]


def by_tensorflow(model: Any, loss: Any) -> Learn:
    import tensorflow as tf

    weights = [variable.value for variable in model.trainable_variables]

    def learn(inputs: Any, targets: np.ndarray) -> Learned:
        with tf.GradientTape() as tape:
            outputs = model(inputs, training=False)
            value = loss(targets, outputs)
        found = tape.gradient(value, weights, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return Learned(outputs.numpy(), value.numpy(), [tf.convert_to_tensor(gradient).numpy() for gradient in found])

    return learn


def by_jax(model: Any, loss: Any) -> Learn:
    import jax

    others = [variable.value for variable in model.non_trainable_variables]
    weights = [variable.value for variable in model.trainable_variables]

    def value(weights: Any, inputs: Any, targets: Any) -> Any:
        outputs, _ = model.stateless_call(weights, others, inputs, training=False)
        return loss(targets, outputs), outputs

    compiled = jax.jit(jax.value_and_grad(value, has_aux=True))

    def learn(inputs: Any, targets: np.ndarray) -> Learned:
        (lost, outputs), found = compiled(weights, inputs, targets)
        return Learned(np.asarray(outputs), np.asarray(lost), [np.asarray(gradient) for gradient in found])

    return learn


def by_torch(model: Any, loss: Any) -> Learn:
    import torch

    weights = [variable.value for variable in model.trainable_variables]

    def learn(inputs: Any, targets: np.ndarray) -> Learned:
        outputs = model(inputs, training=False)
        value = loss(targets, outputs)
        found = torch.autograd.grad(value, weights, allow_unused=True, materialize_grads=True)
        return Learned(plain(outputs), plain(value), [plain(gradient) for gradient in found])

    return learn


def plain(tensor: Any) -> np.ndarray:
    return np.array(tensor.detach().cpu().numpy())
