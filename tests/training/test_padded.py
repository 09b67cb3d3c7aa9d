"""Training on sequences of different lengths: what is padded and filled up counts in nothing, and a run resumes."""

from __future__ import annotations

import signal
from typing import Any

import numpy as np
import pytest

from kpipe.data.preparation.ragged import Ragged
from kpipe.data.splits import Split, split_of
from kpipe.errors import Interrupted
from kpipe.evaluation.evaluate import gather
from kpipe.signature import Feature, Signature, Target
from kpipe.tokenization.characters import Characters
from kpipe.tokenization.vocabulary import Vocabulary
from kpipe.training.fit import Fit

VOCABULARY = Vocabulary.learn(Characters(), ["abcdef"])
TOKENS = Feature(name="tokens", kind="tokens", shape=(None,), dtype="int32", vocabulary=VOCABULARY)
TAGS = Signature(inputs=(TOKENS,), target=Target(task="tags", names=("a", "b", "c")))
WRITTEN = {"epochs": 3, "optimizer": {"Adam": {"learning_rate": 0.03}}}


def sentences(examples: int = 70, seed: int = 0) -> Split:
    """The tag of a token is its number modulo 3."""
    rng = np.random.default_rng(seed)
    tokens = [rng.integers(4, VOCABULARY.size, rng.integers(1, 30)) for _ in range(examples)]
    return split_of({"tokens": Ragged.of(tokens, 0), "target": Ragged.of([one % 3 for one in tokens], -1)})


def tagger() -> Any:
    """Each token is looked at alone, so that the loss of a batch can be reckoned from its tokens alone."""
    import keras

    tokens = keras.Input((None,), dtype="int32", name="tokens")
    table = keras.layers.Embedding(
        VOCABULARY.size, 8, embeddings_initializer=keras.initializers.RandomNormal(seed=1), name="embedding"
    )
    x = keras.layers.Dropout(0.2, seed=3, name="dropout")(table(tokens))
    head = keras.layers.Dense(3, kernel_initializer=keras.initializers.RandomNormal(seed=2), name="target")
    return keras.Model(tokens, head(x))


def test_the_loss_of_an_epoch_is_that_of_the_real_tokens(trial: Any) -> None:
    split, model = sentences(), tagger()
    written = {"epochs": 1, "optimizer": {"SGD": {"learning_rate": 1e-30}}, "restore_best": False}
    stage = trial.stage()
    trained = Fit.model_validate(written).train(model, split, split, TAGS, stage)
    evidence = gather(model, split, TAGS, "test", 16)
    assert trained.history[0].logs["val_loss"] == pytest.approx(evidence.losses.mean(), rel=1e-5)
    right = np.mean(evidence.predicted == evidence.targets)
    assert trained.history[0].logs["val_accuracy"] == pytest.approx(right, rel=1e-5)


def test_it_learns_and_evidence_is_in_the_order_of_the_examples(trial: Any) -> None:
    split, model = sentences(), tagger()
    Fit.model_validate({**WRITTEN, "epochs": 12}).train(model, split, split, TAGS, trial.stage())
    evidence = gather(model, split, TAGS, "test", 16)
    assert np.mean(evidence.predicted == evidence.targets) == 1.0
    for position in (0, 13, 69):
        (tokens,) = split.take(np.array([position]))["tokens"]
        assert evidence.lengths is not None
        assert evidence.lengths[position] == (tokens != 0).sum()
        assert (evidence.targets[evidence.steps_of(position)] == tokens[tokens != 0] % 3).all()
    assert evidence.example_losses == pytest.approx([evidence.losses[evidence.steps_of(i)].mean() for i in range(70)])


@pytest.mark.parametrize("stop_at", [(1, 2), (2, 1), (2, 4)])
def test_a_stopped_run_goes_on_exactly(trial: Any, seen: Any, difference: Any, stop_at: tuple[int, int]) -> None:
    split = sentences()
    whole = tagger()
    Fit.model_validate(WRITTEN).train(whole, split, split, TAGS, trial.stage(folder="whole"))
    with pytest.raises(Interrupted):
        Fit.model_validate(WRITTEN).train(
            tagger(), split, split, TAGS, trial.stage(seen(stop_at, signal.SIGINT), folder="stopped")
        )
    again = tagger()
    Fit.model_validate(WRITTEN).train(again, split, split, TAGS, trial.stage(folder="stopped"))
    assert difference(whole, again) == 0.0


def test_class_weights_count_tags(trial: Any) -> None:
    from kpipe.training.loop.class_weights import class_weights

    split = sentences()
    weights = class_weights("balanced", TAGS.target, split)
    tags = np.concatenate([split.take(group)["target"].reshape(-1) for group in split.groups])
    counts = np.bincount(tags[tags >= 0], minlength=3)
    assert weights == pytest.approx(counts.sum() / (3 * counts), rel=1e-6)
    trained = Fit.model_validate({**WRITTEN, "class_weight": "balanced"}).train(
        tagger(), split, split, TAGS, trial.stage()
    )
    assert np.isfinite(trained.history[-1].logs["loss"])
