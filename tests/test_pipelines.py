"""The pipelines that come with kpipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import kpipe.backend
from kpipe.pipeline import Pipeline, build, effective_yaml, examine, load_splits
from kpipe.signature import Feature, Signature, Target
from kpipe.spec.check import checked
from kpipe.spec.document import read
from kpipe.training.loop.subset import Subset
from kpipe.training.method import Epoch, Stage

if TYPE_CHECKING:
    from kpipe.data.splits import Splits
    from kpipe.evaluation.evidence import Evidence

FOLDER = Path(__file__).resolve().parents[1] / "pipelines"
FILES = sorted(FOLDER.glob("*.yaml"))
IN_FULL = {
    "autoencoder_convolutional", "cnn_gap", "deep_autoencoder", "denoising_autoencoder", "encoder_decoder_dates",
    "lenet5", "mlp_diabetes", "mlp_iris", "rnn_adding", "rnn_digits", "rnn_tagging", "stacked_autoencoder",
    "transformer_dates", "transformer_vit_digits",
}  # fmt: skip
"""Those with a test below that trains them until they have learned."""
IN_BRIEF = [file for file in FILES if file.stem not in IN_FULL]
FEW = 7
MNIST = Signature(
    inputs=(Feature(name="image", kind="image", shape=(28, 28, 1), dtype="uint8", mean=(33.3,), variance=(6173.0,)),),
    target=Target(task="classes", names=tuple(str(digit) for digit in range(10))),
)


def pipeline(name: str, *overrides: str) -> Pipeline:
    return checked(Pipeline, read(FOLDER / f"{name}.yaml", overrides))


def parameters(model: Any) -> list[int]:
    return [layer.count_params() for layer in model.layers if layer.count_params()]


def measured(name: str, tmp_path: Path, *overrides: str) -> dict[str, float]:
    """Trains the pipeline as `kpipe run` does, measures the model on test and draws it."""
    assert name in IN_FULL
    written = pipeline(name, *overrides)
    return looked_at(written, evidence_of(written, load_splits(written), tmp_path))


def evidence_of(written: Pipeline, splits: Splits, tmp_path: Path) -> Evidence:
    """Trains as `kpipe run` does, and looks at test."""
    kpipe.backend.use(kpipe.backend.choose(None, None), written.precision, written.seed)
    model = build(written, splits.signature)
    history: tuple[Epoch, ...] = ()
    steps = 0
    for index, method in enumerate(written.train):
        stage = Stage(f"{index + 1}-{method.type}", index, written.seed, written.data.batch_size, steps, tmp_path)
        trained = method.train(model, splits.train, splits.validation, splits.signature, stage)
        history, steps = history + trained.history, trained.steps
    return examine(written, model, splits.test, splits.signature, "test", history)


def looked_at(written: Pipeline, evidence: Evidence) -> dict[str, float]:
    """The metrics, each a number; every stage has its curve, and there is a picture of them."""
    metrics = written.evaluate.measure(evidence)
    assert metrics
    assert all(np.isfinite(value) for value in metrics.values())
    assert len({row.stage for row in evidence.history}) >= len(written.train)
    assert "learning_curves" in {name for name, _ in written.evaluate.draw(evidence)}
    return metrics


def in_brief(written: Pipeline) -> Pipeline:
    """Each stage with two steps."""
    brief = {"epochs": 1, "steps_per_epoch": 2}
    stages = [method.model_copy(update=brief) for method in written.train]
    return written.model_copy(update={"train": tuple(stages)})


def a_few(splits: Splits) -> Splits:
    """All of train, but one batch of the others, of one length: each shape is compiled."""
    few = {name: Subset(split, max(split.groups, key=len)[:FEW]) for name, split in splits if name != "train"}
    return replace(splits, **few)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_opens_with_its_command_and_the_modeline(file: Path) -> None:
    first, second, *_ = text = file.read_text(encoding="utf-8").splitlines()
    verb = "tune" if "tune:" in text else "run"
    assert first.partition(" --")[0] == f"# kpipe {verb} pipelines/{file.name}"
    assert second == "# yaml-language-server: $schema=../kpipe.schema.json"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_effective_yaml_reads_back_to_the_same(file: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if "../shared/data" in file.read_text(encoding="utf-8"):
        request.getfixturevalue("beside_real_data")
    written = checked(Pipeline, read(file))
    (tmp_path / "effective.yaml").write_text(effective_yaml(written), encoding="utf-8")
    assert checked(Pipeline, read(tmp_path / "effective.yaml")) == written


@pytest.mark.parametrize("file", IN_BRIEF, ids=lambda file: file.stem)
def test_runs(backend: str, file: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A few steps and a few examples: the real runs take from seconds to many minutes."""
    text = file.read_text(encoding="utf-8")
    prepared = ["data.data_dir=../shared/data/tfds"] if "type: tfds" in text else []
    if prepared or "../shared/data" in text:
        request.getfixturevalue("beside_real_data")
    written = in_brief(pipeline(file.stem, f"data.batch_size={FEW}", *prepared))
    looked_at(written, evidence_of(written, a_few(load_splits(written)), tmp_path / "checkpoints"))


def test_cnn_flatten_mnist_has_the_parameters_of_its_definition(backend: str) -> None:
    model = pipeline("cnn_flatten_mnist").model.build(MNIST)
    assert parameters(model) == [896, 18_496, 73_856, 9_437_696, 5_130]
    assert [layer.name for layer in model.layers] == [
        "image", "to_float", "resize", "standardize", "rgb",
        "block1_conv1", "block1_activation1", "block1_conv2", "block1_activation2", "block1_pool",
        "block2_conv1", "block2_activation1", "block2_pool",
        "flatten", "dropout1", "dense1", "dense1_activation", "dropout2", "target",
    ]  # fmt: skip
    assert model.get_layer("dropout1").rate == model.get_layer("dropout2").rate == 0.5


def test_cnn_gap_mnist_saves_a_hundredth(backend: str) -> None:
    model = pipeline("cnn_gap_mnist").model.build(MNIST)
    assert 80 < 9_536_074 / model.count_params() < 120


def test_lenet5_is_that_of_the_paper(backend: str) -> None:
    model = pipeline("lenet5").model.build(MNIST)
    assert parameters(model) == [
        (5 * 5 * 1 + 1) * 6, (5 * 5 * 6 + 1) * 16, (5 * 5 * 16 + 1) * 120, (120 + 1) * 84, (84 + 1) * 10,
    ]  # fmt: skip
    shown = ("block1_conv1", "block1_pool", "block2_conv1", "block2_pool", "block3_conv1")
    assert [model.get_layer(name).output.shape[1:] for name in shown] == [
        (28, 28, 6), (14, 14, 6), (10, 10, 16), (5, 5, 16), (1, 1, 120),
    ]  # fmt: skip


def test_mlp_iris_learns(backend: str, tmp_path: Path) -> None:
    assert measured("mlp_iris", tmp_path)["accuracy"] >= 0.9


def test_mlp_diabetes_learns(backend: str, tmp_path: Path) -> None:
    assert measured("mlp_diabetes", tmp_path)["r2"] >= 0.35


@pytest.mark.slow
def test_cnn_gap_reads_digits(backend: str, tmp_path: Path) -> None:
    assert measured("cnn_gap", tmp_path)["accuracy"] >= 0.97


@pytest.mark.slow
def test_lenet5_reads_digits(backend: str, tmp_path: Path) -> None:
    assert measured("lenet5", tmp_path)["accuracy"] >= 0.95


def lost_by_principal_components(count: int) -> float:
    """The mean squared error on test of digits given back from ``count`` principal components of train."""
    from sklearn.decomposition import PCA

    written = pipeline("deep_autoencoder")
    splits = load_splits(written)
    train, test = (
        split.take(np.arange(len(split)))["image"].reshape(len(split), -1).astype("float64")
        for split in (splits.train, splits.test)
    )
    fitted = PCA(count).fit(train)
    return float(((fitted.inverse_transform(fitted.transform(test)) - test) ** 2).mean())


def test_stacked_autoencoder_reads_digits(backend: str, tmp_path: Path) -> None:
    assert measured("stacked_autoencoder", tmp_path)["accuracy"] >= 0.95


@pytest.mark.slow
def test_autoencoder_convolutional_loses_less_than_principal_components(backend: str, tmp_path: Path) -> None:
    assert measured("autoencoder_convolutional", tmp_path)["rmse"] ** 2 < 0.9 * lost_by_principal_components(16)


@pytest.mark.slow
def test_deep_autoencoder_loses_less_than_principal_components(backend: str, tmp_path: Path) -> None:
    assert measured("deep_autoencoder", tmp_path)["rmse"] ** 2 < lost_by_principal_components(32)


@pytest.mark.slow
def test_denoising_autoencoder_puts_back_what_is_missing(backend: str, tmp_path: Path) -> None:
    assert measured("denoising_autoencoder", tmp_path)["reconstruction_error"] < 0.12


@pytest.mark.slow
def test_transformer_vit_digits_reads_digits(backend: str, tmp_path: Path) -> None:
    assert measured("transformer_vit_digits", tmp_path)["accuracy"] >= 0.95


@pytest.mark.slow
def test_transformer_dates_writes_dates_it_has_not_seen(backend: str, tmp_path: Path) -> None:
    assert measured("transformer_dates", tmp_path)["exact_match"] >= 0.98


@pytest.mark.slow
def test_encoder_decoder_writes_dates_that_it_has_not_seen(backend: str, tmp_path: Path) -> None:
    assert measured("encoder_decoder_dates", tmp_path)["exact_match"] >= 0.98


@pytest.mark.slow
def test_rnn_digits_reads_digits_row_by_row(backend: str, tmp_path: Path) -> None:
    assert measured("rnn_digits", tmp_path)["accuracy"] >= 0.95


@pytest.mark.slow
def test_rnn_adding_keeps_a_number_over_many_steps(backend: str, tmp_path: Path) -> None:
    values = measured("rnn_adding", tmp_path, "data.examples=6000", "data.length=20", "train.epochs=8")
    assert values["rmse"] < 0.1


@pytest.mark.slow
def test_rnn_tagging_tags_words(backend: str, tmp_path: Path, beside_real_data: None) -> None:
    assert measured("rnn_tagging", tmp_path, "train.epochs=2")["accuracy"] >= 0.88
