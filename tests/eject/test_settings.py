"""Settings that meet in a script: each is followed, or the script is refused."""

from __future__ import annotations

import ast
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kpipe.eject.story import eject
from kpipe.eject.words import literal
from kpipe.errors import WrongInput
from kpipe.pipeline import Pipeline
from kpipe.spec.check import checked
from kpipe.spec.document import document_of, read

ROOT = Path(__file__).parents[2]
MLP = {"model": {"type": "mlp", "units": [4]}, "train": {"type": "fit", "epochs": 1}}


def script_of(document: dict[str, Any]) -> str:
    return eject(checked(Pipeline, document_of({"name": "settings", **document})), Path("settings.yaml"), "script.py")


def script_with(name: str, *overrides: str) -> str:
    file = ROOT / "pipelines" / f"{name}.yaml"
    return eject(checked(Pipeline, read(file, overrides)), file, "script.py")


@pytest.mark.parametrize(
    ("name", "overrides"),
    [
        ("rnn_adding", ["data.examples=100", "train.steps_per_epoch=3"]),
        ("rnn_sine", ["data.examples=200", "train.steps_per_epoch=3", "train.schedule={type: linear, warmup: 2}"]),
        ("encoder_decoder_dates", ["data.examples=100", "train.steps_per_epoch=3", "decode={type: beam}"]),
    ],
)
def test_no_constant_takes_the_name_of_another(backend: str, name: str, overrides: list[str]) -> None:
    beginning = script_with(name, *overrides).partition("def hashed")[0]
    targets = [target for node in ast.parse(beginning).body if isinstance(node, ast.Assign) for target in node.targets]
    names = Counter(one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name))
    assert names
    assert set(names.values()) == {1}


def test_the_share_of_true_tokens_falls_by_the_steps_that_an_epoch_has(backend: str) -> None:
    forcing = "train.teacher_forcing={type: exponential, rate: 0.5, every: 6}"
    script = script_with("encoder_decoder_dates", "data.examples=100", "train.steps_per_epoch=3", forcing)
    assert ".share.assign(0.5 ** (epoch * STEPS / 6))" in script
    assert "steps(x_train)" not in script


def test_several_stages_are_fed_true_tokens(backend: str) -> None:
    stages = "train=[{type: fit, teacher_forcing: 0.5}, {type: fit}]"
    with pytest.raises(WrongInput, match="`teacher_forcing` where `fit` comes several times cannot be ejected yet"):
        script_with("encoder_decoder_dates", "data.examples=100", stages)


def test_r2_of_what_is_always_the_same_in_test_is_refused(backend: str, tmp_path: Path) -> None:
    arrays = {f"x_{name}": np.random.default_rng(0).normal(size=(20, 3)) for name in ("train", "validation", "test")}
    values = {f"y_{name}": np.random.default_rng(1).normal(size=(20, 2)) for name in ("train", "validation", "test")}
    values["y_test"][:, 1] = 0.5
    np.savez(tmp_path / "same.npz", **arrays, **values)
    document = {"data": {"type": "npz", "path": str(tmp_path / "same.npz"), "target_task": "values"}, **MLP}
    with pytest.raises(WrongInput, match="`r2` of a value that is always the same in test cannot be ejected yet"):
        script_of(document)
    assert "r2_score" not in script_of({**document, "evaluate": {"metrics": ["mae"]}})


def test_metrics_have_the_names_that_kpipe_gives_them(backend: str, tmp_path: Path) -> None:
    labels = np.array(["a/b", "a_b", "c"])[np.arange(60) % 3]
    np.savez(tmp_path / "names.npz", x=np.random.default_rng(0).normal(size=(60, 3)), y=labels)
    script = script_of({"data": {"type": "npz", "path": str(tmp_path / "names.npz")}, **MLP})
    assert 'CLASSES = ["a/b", "a_b", "c"]' in script
    assert 'zip(["a_b:0", "a_b:1", "c"], scores, strict=True)' in script


def test_a_column_may_have_any_name(backend: str, tmp_path: Path) -> None:
    rows = [{"OPENED": text, "{target}": "yn"[place % 2]} for place, text in enumerate(["an owl", "two wrens"] * 30)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    data = {"type": "text_table", "path": str(tmp_path / "rows.jsonl"), "text": "OPENED", "target": "{target}"}
    script = script_of({"data": data, "model": {"type": "rnn", "units": [4]}, "train": "fit"})
    assert 'table["OPENED"]' in script


@pytest.mark.parametrize(
    "text", ["owl", "an 'owl'", 'an "owl"', "'\"", "\t\n", "\\", "\ud800", "\u2028", "{{ a }}", "é"]
)
def test_a_text_is_written_as_it_is_and_can_be_saved(text: str) -> None:
    assert ast.literal_eval(literal(text)) == text
    assert literal(text).encode().decode().isprintable()
