"""What can be ejected, component by component: there is a whole script, or none and an error that says why."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from kpipe.eject.evaluation import metrics
from kpipe.eject.keep import require_writable
from kpipe.eject.section import writer_of
from kpipe.eject.story import command_of, eject
from kpipe.eject.training.loop import schedules
from kpipe.errors import WrongInput
from kpipe.pipeline import Pipeline
from kpipe.signature import Target
from kpipe.spec.check import checked
from kpipe.spec.document import read
from kpipe.spec.one_of import components
from kpipe.tokenization.vocabulary import Vocabulary
from kpipe.tokenization.words import Words

ROOT = Path(__file__).parents[2]
YES = {
    "kpipe.data": {
        *(
            "conll",
            "image_folder",
            "npz",
            "procedural",
            "sklearn",
            "table",
            "text",
            "text_table",
            "tfds",
            "time_series",
        ),
    },
    "kpipe.training": {"fit", "pretrain_layerwise"},
    "kpipe.training.schedules": {"constant", "cosine", "exponential", "inverse_square_root", "linear", "step"},
    "kpipe.evaluation.metrics": {
        *("accuracy", "calibration", "f1", "loss", "mae", "mase", "precision", "r2", "recall", "rmse", "roc_auc"),
        *("exact_match", "perplexity", "top_k_accuracy"),
        *("bleu", "character_error_rate", "chrf", "entity_f1", "token_accuracy"),
        "reconstruction_error",
    },
}
"""All others are refused. Models are refused layer by layer: see the pipelines below."""

TOLD_TWICE = {
    "tune_backends",
    "tune_encoder_decoder_dates",
    "tune_grid_cnn",
    "tune_hyperband_digits",
    "tune_random_mlp_diabetes",
}
"""Others but for the search, which no script has."""
OFFLINE = ("type: sklearn", "type: procedural")

TEXT = Target(task="text", vocabulary=Vocabulary.learn(Words(), ["owl"]))
CLASSES = Target(task="classes", names=("O", "B-a", "I-a", "B-b"))


def write(package: str, name: str) -> None:
    component = components(package)[name]
    if package == "kpipe.training.schedules":
        schedules.write(component(), steps=100)  # type: ignore[arg-type]
    elif package == "kpipe.evaluation.metrics":
        if component.tasks <= {"text", "next_token"}:  # type: ignore[attr-defined]
            metrics.write([component()], TEXT)
            return
        if component.tasks == {"reconstruction"}:  # type: ignore[attr-defined]
            metrics.write([component()], Target(task="reconstruction", names=("gray",)))
            return
        target = CLASSES if component.tasks & {"classes", "tags"} else Target(task="forecast", horizon=2, names=("a",))  # type: ignore[attr-defined]
        metrics.write([component()], target)
    else:
        assert callable(writer_of(package.replace("kpipe.", "kpipe.eject."), "here", name).write)


@pytest.mark.parametrize(("package", "name"), [(package, name) for package in YES for name in components(package)])
def test_a_component_is_written_or_named_in_the_error(package: str, name: str) -> None:
    if name in YES[package]:
        write(package, name)
    else:
        with pytest.raises(WrongInput, match=f"`{name}` cannot be ejected yet: no script was written"):
            write(package, name)


def test_each_pipeline_of_ours_is_ejected(backend: str) -> None:
    files = [file for file in sorted((ROOT / "pipelines").glob("*.yaml")) if of_ours(file)]
    assert len(files) >= 15
    for file in files:
        few = ["data.examples=200"] if "type: procedural" in file.read_text(encoding="utf-8") else []
        assert eject(checked(Pipeline, read(file, few)), file, "script.py").startswith('"""')


def of_ours(file: Path) -> bool:
    """Whether its data is there wherever the tests run, and it is no other's with a search."""
    return file.stem not in TOLD_TWICE and any(words in file.read_text(encoding="utf-8") for words in OFFLINE)


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("precision=float64", "precision: 'float64'"),
        ("model.augmentation={flip: horizontal}", 'model.augmentation: {"flip": "horizontal"}'),
        ("train=[{type: fit, class_weight: balanced}, {type: fit}]", "`class_weight` where `fit` comes several times"),
        ("train=[{type: fit, class_weight: balanced, steps_per_epoch: 9}, fit]", "train: `steps_per_epoch` where"),
        ("train=[fit, {type: fit, examples: 9}]", "train.1.examples: 9"),
        ("train.examples=100", "train.examples: 100"),
    ],
)
def test_what_cannot_be_written_is_named(backend: str, override: str, named: str) -> None:
    file = ROOT / "pipelines" / "cnn_gap.yaml"
    with pytest.raises(WrongInput) as raised:
        eject(checked(Pipeline, read(file, [override])), file, "script.py")
    assert named in raised.value.message
    assert raised.value.message.endswith("cannot be ejected yet: no script was written")


def test_all_obstacles_are_told_at_once() -> None:
    overrides = ["precision=float64", "devices=2", "train.examples=100", "data.batch_size=64"]
    file = ROOT / "pipelines" / "cnn_gap.yaml"
    with pytest.raises(WrongInput) as raised:
        eject(checked(Pipeline, read(file, overrides)), file, "script.py")
    told = raised.value.message.removesuffix(" cannot be ejected yet: no script was written")
    assert told == "precision: 'float64'; devices: 2; train.examples: 100"
    hints = re.findall(r"`--set (\S+)`", raised.value.hint)
    assert hints == ["precision=float32", "devices=1", "train.examples=null"]
    assert checked(Pipeline, read(file, [*overrides, *hints])) == checked(Pipeline, read(file, ["data.batch_size=64"]))


@pytest.mark.parametrize("name", ["cnn_gap", "mlp_diabetes", "rnn_digits"])
@pytest.mark.parametrize(
    "overrides",
    [[], ["backend=jax", "train.schedule={type: linear}"], ["train.restore_best=false", "evaluate.metrics=[loss]"]],
)
def test_a_script_is_as_ruff_would_write_it(backend: str, name: str, overrides: list[str], tmp_path: Path) -> None:
    require_tidy(name, overrides, tmp_path)


@pytest.mark.parametrize(
    ("name", "overrides"),
    [
        ("stacked_autoencoder", []),
        ("denoising_autoencoder", ["model.units=[8]"]),
        ("autoencoder_convolutional", ["model.corruption={type: salt_and_pepper}"]),
    ],
)
def test_a_script_of_autoencoders_is_as_ruff_would_write_it(
    backend: str, name: str, overrides: list[str], tmp_path: Path
) -> None:
    require_tidy(name, overrides, tmp_path)


@pytest.mark.parametrize(
    ("name", "overrides"),
    [
        ("encoder_decoder_dates", ["data.examples=100", "model.dropout=0.1", "train.teacher_forcing={type: step}"]),
        ("encoder_decoder_dates", ["data={type: procedural, dataset: arithmetic}", "model.attention=none"]),
        ("encoder_decoder_numbers", ["data.examples=100", "model.bidirectional=false", "model.attention=dot"]),
    ],
)
def test_a_script_of_texts_is_as_ruff_would_write_it(
    backend: str, name: str, overrides: list[str], tmp_path: Path
) -> None:
    require_tidy(name, overrides, tmp_path, longest=600)


def require_tidy(name: str, overrides: list[str], folder: Path, longest: int = 260) -> None:
    file, script = ROOT / "pipelines" / f"{name}.yaml", folder / "script.py"
    text = eject(checked(Pipeline, read(file, overrides)), file, script.name)
    script.write_text(text, encoding="utf-8")
    options = ["--isolated", "--line-length", "120", str(script)]
    for command in (["format", "--check"], ["check", "--select", "E,F,I,W,B,UP,SIM"]):
        done = subprocess.run([sys.executable, "-m", "ruff", *command, *options], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    assert 100 <= len(text.splitlines()) <= longest


def test_the_page_shows_what_is_written(backend: str) -> None:
    file = ROOT / "pipelines" / "cnn_gap.yaml"
    script = eject(checked(Pipeline, read(file)), Path("pipelines/cnn_gap.yaml"), "cnn_gap.py")
    shown = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "eject.md").read_text(encoding="utf-8"), re.DOTALL)
    assert shown
    assert all(part in script for part in shown)


def test_averages_are_for_the_last_stage(backend: str) -> None:
    override = "train.0.optimizer={Adam: {use_ema: true}}"
    file = ROOT / "pipelines" / "stacked_autoencoder.yaml"
    with pytest.raises(WrongInput, match="`use_ema` of `pretrain_layerwise` cannot be ejected yet"):
        eject(checked(Pipeline, read(file, [override])), file, "script.py")


def test_a_file_is_not_written_over(backend: str, tmp_path: Path) -> None:
    from kpipe.eject.keep import keep

    there = tmp_path / "mine.py"
    there.write_text("my work", encoding="utf-8")
    with pytest.raises(WrongInput, match="exists already"):
        keep("script", there)
    assert there.read_text(encoding="utf-8") == "my work"


def test_the_command_prints_the_script_alone(backend: str) -> None:
    """What engines say as they are imported is no part of it, nor beside it."""
    words = ["eject", str(ROOT / "pipelines" / "mlp_iris.yaml")]
    command = [sys.executable, "-c", "from kpipe.cli import main; main()", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith('"""mlp-iris')


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("keras.py", "in the place of `keras`"),
        ("json.py", "in the place of `json`"),
        ("no/script.py", "no such folder"),
        ("", "is a folder"),
        ("mine.py", "exists already"),
    ],
)
def test_where_no_script_should_be_written(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "mine.py").write_text("my work", encoding="utf-8")
    require_writable(tmp_path / "script.py")
    with pytest.raises(WrongInput, match=said):
        require_writable(tmp_path / name)


def test_the_script_says_what_wrote_it(backend: str) -> None:
    file, overrides = Path("pipelines/mlp_iris.yaml"), ["train.epochs=3", "model.units=[8]"]
    script = eject(checked(Pipeline, read(ROOT / file, overrides)), file, "script.py", overrides)
    command = "kpipe eject pipelines/mlp_iris.yaml --set train.epochs=3 --set 'model.units=[8]'"
    assert command in " ".join(script.split())
    hostile = command_of(Path('a"""b.yaml'), ["name=`x`\\"])
    assert hostile == "kpipe eject FILE --set ..."


def test_half_a_script_is_none(backend: str, tmp_path: Path) -> None:
    from kpipe.eject.keep import keep

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(WrongInput, match="cannot be written"):
            keep("x = 1\n" * 10_000, tmp_path / "half.py")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (tmp_path / "half.py").exists()
