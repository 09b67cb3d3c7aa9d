"""What `kpipe show` finds out and how it prints it."""

from __future__ import annotations

import io
import math
import re
from typing import Any

import pytest
import yaml
from rich.console import Console

from kpipe.errors import WrongInput
from kpipe.pipeline import Pipeline
from kpipe.show import Plan, plan, render

DIGITS = {
    "name": "small",
    "seed": 3,
    "data": {"type": "sklearn", "dataset": "digits", "batch_size": 64},
    "model": {"type": "cnn", "filters": [[4, 4], 8], "kernel_size": [3, 2], "dropout": 0.5, "strides": [1, 2]},
    "train": {
        "type": "fit",
        "epochs": 3,
        "optimizer": {"AdamW": {"learning_rate": 3e-3, "weight_decay": 1e-5}},
        "schedule": {"type": "cosine", "warmup": 0.05},
        "early_stopping": {"patience": 7},
    },
}


def planned(backend: Any, **changes: Any) -> Plan:
    return plan(Pipeline.model_validate({**DIGITS, **changes}), backend)


def printed(found: Plan, width: int = 140, full: bool = False) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False, no_color=True)
    render(found, console, full=full)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_data_is_counted(backend: str) -> None:
    found = planned(backend)
    assert {split.name: split.examples for split in found.splits} == {"train": 1257, "validation": 180, "test": 360}
    for split in found.splits:
        assert sum(number for _, number in split.balance) == split.examples
        assert [name for name, _ in split.balance] == [str(digit) for digit in range(10)]
    assert found.steps_per_epoch == math.ceil(1257 / 64)


def test_layers_are_described(backend: str) -> None:
    rows = {layer.name: layer for layer in planned(backend).layers}
    assert (rows["block1_conv2"].words, rows["block1_conv2"].output) == ("conv 3x3, 4, same", (8, 8, 4))
    assert rows["block1_conv2"].arithmetic == "(8 + 2*1 - 3) / 1 + 1 = 8"
    assert rows["block1_conv2"].parameters == 3 * 3 * 4 * 4 + 4
    assert rows["block1_pool"].words == "max pooling 2x2"
    assert rows["block2_conv1"].words == "conv 2x2, 8, same, stride 2"
    assert rows["block2_conv1"].arithmetic == "(4 - 2) / 2 + 1 = 2"
    assert rows["dropout1"].words == "dropout 0.5"
    assert (rows["target"].words, rows["target"].parameters) == ("dense 10", 8 * 10 + 10)


def test_sides_that_differ_are_told_apart(backend: str) -> None:
    rows = {layer.name: layer for layer in planned(backend, model={"type": "cnn", "resize": [16, 9]}).layers}
    assert rows["block1_pool"].arithmetic == "height (16 - 2) / 2 + 1 = 8\nwidth floor((9 - 2) / 2) + 1 = 4"


def test_memory_counts_the_real_optimizer(backend: str) -> None:
    found = planned(backend)
    assert found.parameters == sum(layer.parameters for layer in found.layers)
    fixed = 2 * (4 + 4 + 8)
    assert found.trainable_parameters == found.parameters - fixed
    assert found.memory.weights == 4 * found.parameters
    assert found.memory.gradients == 4 * found.trainable_parameters
    assert found.memory.optimizer == pytest.approx(8 * found.trainable_parameters, abs=16)
    numbers = sum(math.prod(layer.output) for layer in found.layers)  # type: ignore[arg-type]
    assert found.memory.activations >= 64 * 4 * (numbers - 64) + 64 * 64
    momentum = planned(backend, train={"type": "fit", "optimizer": {"SGD": {"momentum": 0.9}}})
    assert momentum.memory.optimizer == pytest.approx(4 * found.trainable_parameters, abs=16)


def test_a_stage_is_one_line(backend: str) -> None:
    (stage,) = planned(backend).stages
    assert stage == (
        "fit  3 epochs x 20 steps, AdamW 0.003 (weight_decay 1e-05), schedule cosine (warmup 0.05), "
        "early stopping on val_loss (patience 7)"
    )
    two = planned(backend, train=[{"type": "fit"}, {"type": "fit", "steps_per_epoch": 5, "label_smoothing": 0.1}])
    assert two.stages[1] == "fit  10 epochs x 5 steps, AdamW 0.001, label_smoothing 0.1"


def test_print_has_it_all(backend: str) -> None:
    found = planned(backend)
    text = printed(found)
    assert text.startswith(f"small   task: classes (10)   backend: {backend}, {found.device}, float32   seed: 3\n")
    assert "sklearn digits   image (8, 8, 1) uint8 -> target: class 0..9" in text
    assert "validation      180   0:18" in text
    assert re.search(r"block1_conv2 +conv 3x3, 4, same +\(8, 8, 4\) +\(8 \+ 2\*1 - 3\) / 1 \+ 1 = 8 +148", text)
    assert f"total {found.parameters:,} parameters" in text
    assert "activations at batch 64" in text
    assert "AdamW 0.003" in text
    assert "every default" not in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_print_adapts_to_the_width(backend: str, width: int) -> None:
    lines = printed(planned(backend), width).splitlines()
    assert max(map(len, lines[1:])) <= width
    assert any("block1_conv1" in line for line in lines) == (width == 200)


def test_full_reads_back_to_the_same_pipeline(backend: str) -> None:
    text = printed(planned(backend), full=True)
    written = text.split("# with every default\n")[1]
    assert Pipeline.model_validate(yaml.safe_load(written)) == Pipeline.model_validate(DIGITS)


def test_values_are_shown_by_their_mean(backend: str) -> None:
    found = planned(backend, data={"type": "sklearn", "dataset": "diabetes"}, model={"type": "mlp"})
    ((_, mean),) = found.splits[0].balance
    assert 140 < mean < 165
    assert "-> target: value progression" in printed(found)
    assert "progression: mean 1" in printed(found)


def test_many_classes_are_shown_by_the_rarest_and_the_commonest(backend: str) -> None:
    from dataclasses import replace

    found = planned(backend)
    balance = tuple((f"class{number}", 10.0 + number) for number in range(100))
    text = printed(replace(found, splits=(replace(found.splits[0], balance=balance),)))
    assert "10 (class0) to 109 (class99) of each" in text


def test_brightness_is_shown_as_written(backend: str) -> None:
    model = {"type": "cnn", "filters": [4], "augmentation": {"brightness": 0.5, "contrast": 0.25, "rotation": 0.03}}
    words = [layer.words for layer in planned(backend, model=model).layers]
    assert {"random brightness 0.5", "random contrast 0.25", "random rotation 0.03"} <= set(words)


def test_a_model_that_does_not_fit_is_refused(backend: str) -> None:
    with pytest.raises(WrongInput, match="shrinks the height to nothing"):
        planned(backend, model={"type": "cnn", "filters": [4, 4, 4, 4]})


def test_what_is_chosen_for_speed_is_shown_with_the_reason(backend: str) -> None:
    text = " ".join(printed(planned(backend), width=200).split())
    compiler = {
        "tensorflow": "engine XLA off (slow for convolutions); steps an execution: up to 64",
        "jax": "engine XLA on (JAX is slow without)",
        "torch": "engine torch.compile off (slower on the whole, and a minute to begin with)",
    }[backend]
    assert compiler in text
    stages = [{"type": "fit"}, {"type": "fit", "steps_per_execution": 5}]
    number = "steps an execution: 5" if backend == "tensorflow" else "train.steps_per_execution is for TensorFlow"
    assert [number in words for words in planned(backend, train=stages).engine[:2]] == [False, True]


def test_whose_kernels_compute_is_shown_and_may_be_said_otherwise(backend: str) -> None:
    told = " ".join(planned(backend).engine)
    assert ("convolutions and pooling: PyTorch's" in told) == (backend == "torch")
    assert "PyTorch's" not in " ".join(planned(backend, kernels="keras").engine)


@pytest.mark.parametrize("number", [0, -1, "many", 2.5])
def test_a_number_of_steps_that_is_none_is_refused(number: Any) -> None:
    with pytest.raises(ValueError, match="steps_per_execution"):
        Pipeline.model_validate({**DIGITS, "train": {"type": "fit", "steps_per_execution": number}})
