"""kpipe.train: what a run gives, with nothing recorded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

import kpipe
from kpipe.errors import DataError, SpecError, WrongInput
from kpipe.run import run
from kpipe.trained import pipeline_of

FILE = Path(__file__).parents[1] / "pipelines" / "cnn_gap.yaml"
SMALL = ["train.epochs=2", "model.filters=[4, 8]", "model.pooling=max"]


def test_it_is_what_a_run_gives(backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    trained = kpipe.train(FILE, SMALL, backend=backend)
    assert not list(tmp_path.iterdir())
    assert trained.metrics == run(pipeline_of(FILE, SMALL), option=backend, root=tmp_path / "store").metrics
    assert [epoch.epoch for epoch in trained.evidence.history] == [1, 2]
    assert repr(trained).startswith("Trained(cnn-gap-digits: accuracy ")
    assert trained.answers([]) == []
    with pytest.raises(DataError, match="one text is no list"):
        trained.answers("a text")
    other = "jax" if backend != "jax" else "torch"
    with pytest.raises(WrongInput, match=f"Keras already runs on {backend}"):
        kpipe.train(FILE, [*SMALL, f"backend={other}"])
    pixels = (load_digits().images[:20] * 255 / 16).astype("uint8")
    scores = trained.model.predict(pixels[..., None], verbose=0)
    assert [answer["label"] for answer in trained.answers(pixels)] == [str(best) for best in np.argmax(scores, axis=1)]


def test_bad_input_gets_its_error(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="epohcs"):
        kpipe.train(FILE, ["train.epohcs=2"])
    with pytest.raises(SpecError, match="batchsize"):
        kpipe.train({"name": "x", "data": {"type": "sklearn", "batchsize": 3}, "model": "cnn", "train": "fit"})
    with pytest.raises(WrongInput, match="devices: 2 of them"):
        kpipe.train(FILE, ["devices=2"])
    with pytest.raises(WrongInput, match="takes no overrides"):
        kpipe.train(pipeline_of(FILE), SMALL)
    with pytest.raises(WrongInput, match="a list of texts, not 'train"):
        kpipe.train(FILE, "train.epochs=1")
    with pytest.raises(WrongInput, match=r"a list of texts, not \[1\]"):
        kpipe.train(FILE, [1])  # type: ignore[list-item]
    with pytest.raises(WrongInput, match="not None"):
        kpipe.train(None)  # type: ignore[arg-type]
