"""The metrics' values, against scikit-learn called directly and against formulas by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from kpipe.evaluation.evidence import Evidence
from kpipe.evaluation.metrics.accuracy import Accuracy
from kpipe.evaluation.metrics.calibration import Calibration
from kpipe.evaluation.metrics.f1 import F1
from kpipe.evaluation.metrics.loss import Loss
from kpipe.evaluation.metrics.precision import Precision
from kpipe.evaluation.metrics.r2 import R2
from kpipe.evaluation.metrics.recall import Recall
from kpipe.evaluation.metrics.rmse import Rmse
from kpipe.evaluation.metrics.roc_auc import RocAuc
from kpipe.evaluation.metrics.top_k_accuracy import TopKAccuracy
from kpipe.evaluation.per_output import metric_names

Make = Callable[..., Evidence]
guesses = given(size=st.integers(2, 60), outputs=st.integers(2, 6), seed=st.integers(0, 10_000))
quickly = settings(max_examples=25, deadline=None)


def of_classes(make: Make, size: int, outputs: int, seed: int) -> Evidence:
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, outputs, size).astype("int32")
    return make("classes", targets, generator.normal(size=(size, outputs)) + np.eye(outputs)[targets])


def of_labels(make: Make, size: int, outputs: int, seed: int) -> Evidence:
    generator = np.random.default_rng(seed)
    targets = np.float32(generator.random((size, outputs)) < 0.4)
    return make("labels", targets, generator.normal(size=(size, outputs)) + targets)


@quickly
@guesses
def test_classes_by_hand(make: Make, size: int, outputs: int, seed: int) -> None:
    evidence = of_classes(make, size, outputs, seed)
    read = evidence.outputs.argmax(axis=1)
    assert Accuracy().compute(evidence)["accuracy"] == pytest.approx((read == evidence.targets).mean())
    truth = np.take_along_axis(evidence.outputs, evidence.targets[:, None], axis=1)
    assert Loss().compute(evidence)["loss"] == pytest.approx(-np.log(truth).mean())
    f1, precision, recall = (metric.compute(evidence) for metric in (F1(), Precision(), Recall()))
    means = []
    for name in range(outputs):
        is_it, read_so = evidence.targets == name, read == name
        if not is_it.any():
            assert not {f"f1/{name}", f"precision/{name}", f"recall/{name}"} & (f1 | precision | recall).keys()
            continue
        both = (is_it & read_so).sum()
        means.append(2 * both / (is_it.sum() + read_so.sum()))
        assert recall[f"recall/{name}"] == pytest.approx(both / is_it.sum())
        assert f1[f"f1/{name}"] == pytest.approx(means[-1])
        assert (f"precision/{name}" in precision) == read_so.any()
        if read_so.any():
            assert precision[f"precision/{name}"] == pytest.approx(both / read_so.sum())
    assert f1["macro_f1"] == pytest.approx(np.mean(means))


@quickly
@guesses
def test_labels_against_scikit_learn(make: Make, size: int, outputs: int, seed: int) -> None:
    evidence = of_labels(make, size, outputs, seed)
    read = np.int32(evidence.outputs >= 0.5)
    accuracy, f1 = Accuracy().compute(evidence), F1().compute(evidence)
    assert accuracy["accuracy"] == pytest.approx((read == evidence.targets).mean())
    assert accuracy["subset_accuracy"] == pytest.approx(
        sklearn.metrics.accuracy_score(np.int32(evidence.targets), read)
    )
    for label in range(outputs):
        if evidence.targets[:, label].any():
            expected = sklearn.metrics.f1_score(evidence.targets[:, label], read[:, label], zero_division=0)
            assert f1[f"f1/{label}"] == pytest.approx(expected)


@quickly
@guesses
def test_roc_auc_is_the_chance_of_the_right_order(make: Make, size: int, outputs: int, seed: int) -> None:
    evidence = of_classes(make, size, outputs, seed)
    values = RocAuc().compute(evidence)
    for name in range(outputs):
        inside = evidence.outputs[evidence.targets == name, name]
        outside = evidence.outputs[evidence.targets != name, name]
        if not len(inside) or not len(outside):
            assert f"roc_auc/{name}" not in values
            continue
        order = inside[:, None] - outside
        assert values[f"roc_auc/{name}"] == pytest.approx(((order > 0) + 0.5 * (order == 0)).mean())


@quickly
@given(size=st.integers(2, 60), outputs=st.integers(1, 3), seed=st.integers(0, 10_000))
def test_values_by_hand(make: Make, size: int, outputs: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    targets = np.float32(generator.normal(size=(size, outputs)) * 10 + 100)
    evidence = make("values", targets, targets + generator.normal(size=(size, outputs)))
    off, around = evidence.outputs - targets, targets - targets.mean(axis=0)
    assert Rmse().compute(evidence)["rmse"] == pytest.approx(np.sqrt((off**2).mean(axis=0)).mean(), rel=1e-5)
    assert R2().compute(evidence)["r2"] == pytest.approx(
        (1 - (off**2).sum(axis=0) / (around**2).sum(axis=0)).mean(), rel=1e-3, abs=1e-4
    )
    assert Loss().compute(evidence)["loss"] == pytest.approx((off**2).mean(), rel=1e-5)
    assert len(Rmse().compute(evidence)) == (1 if outputs == 1 else outputs + 1)


@quickly
@guesses
def test_calibration_error_by_hand(make: Make, size: int, outputs: int, seed: int) -> None:
    evidence = of_classes(make, size, outputs, seed)
    stated, right = evidence.outputs.max(axis=1), evidence.predicted == evidence.targets
    expected = 0.0
    for bin_ in range(10):
        inside = (stated > bin_ / 10) & (stated <= (bin_ + 1) / 10)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - stated[inside].mean())
    assert Calibration().compute(evidence)["calibration_error"] == pytest.approx(expected)


def test_calibration_error_is_zero_when_stated_probabilities_come_true(make: Make) -> None:
    targets = np.float32([[1], [1], [1], [0]])
    evidence = make("labels", targets, np.full((4, 1), np.log(3.0)))
    assert Calibration().compute(evidence)["calibration_error"] == pytest.approx(0.0, abs=1e-9)


def test_top_k_looks_at_k_classes(make: Make) -> None:
    evidence = make("classes", np.int32([0, 1, 2, 3]), np.array([[3.0, 2, 1, 0]] * 4))
    assert TopKAccuracy(k=2).compute(evidence) == {"top_2_accuracy": 0.5}
    assert TopKAccuracy(k=3).compute(evidence) == {"top_3_accuracy": 0.75}
    assert TopKAccuracy(k=4).compute(evidence) == {}
    assert TopKAccuracy(k=4).left_out(evidence) == {"top_4_accuracy": "always 1 with 4 classes"}


def test_a_class_never_read_counts_zero_in_the_mean_of_precision(make: Make) -> None:
    evidence = make("classes", np.int32([0, 0, 1]), np.array([[1.0, 0]] * 3), ("cat", "dog"))
    assert Precision().compute(evidence) == pytest.approx({"macro_precision": 1 / 3, "precision/cat": 2 / 3})
    assert Precision().left_out(evidence) == {"precision/dog": "nothing was read as dog"}
    assert Recall().left_out(evidence) == {}


def test_a_class_absent_is_left_out_with_a_reason(make: Make) -> None:
    evidence = make("classes", np.int32([0, 1, 0]), np.eye(3)[[0, 1, 2]] * 9, ("cat", "dog", "emu"))
    assert F1().compute(evidence) == pytest.approx({"macro_f1": (2 / 3 + 1) / 2, "f1/cat": 2 / 3, "f1/dog": 1.0})
    assert F1().left_out(evidence) == {"f1/emu": "no test example is emu"}
    assert F1(per_class=False).compute(evidence).keys() == {"macro_f1"}
    assert F1(per_class=False).left_out(evidence) == {}


def test_one_class_alone_has_no_roc_auc(make: Make) -> None:
    evidence = make("classes", np.int32([0, 0]), np.eye(2), ("cat", "dog"))
    assert RocAuc().compute(evidence) == {}
    assert RocAuc().left_out(evidence) == {
        "roc_auc": "there is nothing to take the mean of",
        "roc_auc/cat": "every test example is cat",
        "roc_auc/dog": "no test example is dog",
    }


def test_constant_targets_have_no_r2(make: Make) -> None:
    evidence = make("values", np.float32([[1, 5], [2, 5], [3, 5]]), np.array([[1.0, 5], [2, 5], [3, 4]]), ("a", "b"))
    assert R2().compute(evidence) == pytest.approx({"r2": 1.0, "r2/a": 1.0})
    assert R2().left_out(evidence) == {"r2/b": "every test example has the same b"}


def test_a_single_label_is_scored_as_being_there(make: Make) -> None:
    evidence = make("labels", np.float32([[1], [1], [0]]), np.array([[9.0], [-9.0], [-9.0]]), ("rain",))
    assert Recall().compute(evidence) == {"macro_recall": 0.5, "recall/rain": 0.5}
    assert Precision().compute(evidence) == {"macro_precision": 1.0, "precision/rain": 1.0}


@pytest.mark.parametrize(
    ("outputs", "names"),
    [
        (("7", "dog"), ("f1/7", "f1/dog")),
        (("a/b", "Wüste", ".."), ("f1/a_b", "f1/W_ste", "f1/_")),
        (("a/b", "a_b", "c"), ("f1/a_b:0", "f1/a_b:1", "f1/c")),
    ],
)
def test_names_are_ones_that_mlflow_takes(outputs: tuple[str, ...], names: tuple[str, ...]) -> None:
    assert metric_names("f1", outputs) == names
