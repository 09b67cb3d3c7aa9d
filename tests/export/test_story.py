"""kpipe export from the name of a run to the files: other backends in processes of their own, and clear refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from kpipe import backend as backends
from kpipe import runs
from kpipe.errors import MissingExtra, RunFailed, RunNotFound, WrongInput
from kpipe.export import prepared
from kpipe.export.exported import first_batch
from kpipe.export.prepared import PREPARATION, prepared_alike, raw_of
from kpipe.export.story import by_engine, chosen, export, formats, put
from kpipe.export.task import Task
from kpipe.pipeline import Pipeline, load_splits
from kpipe.runs import Run
from kpipe.spec.check import checked
from kpipe.spec.document import document_of

ELSEWHERE = {"tensorflow": "torch", "jax": "litert", "torch": "saved_model"}
"""For each backend a format that another one writes."""


def test_a_run_is_exported_through_the_backend_that_can(
    saved: Callable[..., Task], backend: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    form = formats()[ELSEWHERE[backend]]
    if form.engines[0] not in backends.installed():
        pytest.skip(f"{form.engines[0]} is not installed")
    task = saved("mlp")
    run = runs.create(tmp_path / "mlruns", "small", "small")
    for path in Path(task.run).iterdir():
        path.rename(run.folder / path.name)
    run.finish("FINISHED")
    said: list[str] = []
    done = export("last", ["keras", form.type], None, False, said.append)
    assert [row.error for row in done.files] == ["", ""]
    assert [row.backend for row in (done.model, *done.files)] == [backend, backend, form.engines[0]]
    assert said == [f"{backend}: keras", f"{form.engines[0]}: {form.type}"]
    assert done.folder == run.folder / "export"
    assert {path.name for path in done.folder.iterdir()} == set(done.names)
    assert_keeps_to_its_folder(run, tmp_path)
    record = json.loads((done.folder / "export.json").read_text(encoding="utf-8"))
    assert [row["format"] for row in record["rows"]] == ["model", "keras", form.type]


def assert_keeps_to_its_folder(run: Run, elsewhere: Path) -> None:
    """A link leads nowhere else, and what no export wrote is not written over."""
    mine = elsewhere / "saved_model" / "mine"
    mine.parent.mkdir()
    mine.write_text("mine", encoding="utf-8")
    with pytest.raises(WrongInput, match="saved_model exists already"):
        export(run.name, ["keras", "saved_model"], elsewhere, False)
    with pytest.raises(WrongInput, match="mine is a file"):
        export(run.name, ["keras"], mine, False)
    (run.folder / "out").symlink_to(elsewhere)
    with pytest.raises(WrongInput, match="leads out of the folder"):
        export(run.name, ["keras"], None, False)
    (run.folder / "out").unlink()
    assert mine.read_text(encoding="utf-8") == "mine"
    assert not (elsewhere / PREPARATION).exists()


def test_a_file_or_folder_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.pb").touch()
    put(tmp_path / "new", tmp_path / "old")
    assert [path.name for path in tmp_path.rglob("*.pb")] == ["new.pb"]


def test_a_format_that_is_not_there() -> None:
    with pytest.raises(WrongInput, match="no format `onx`") as raised:
        chosen(["keras", "onx"], int8=False)
    assert raised.value.hint == "did you mean `onnx`? one of: keras, litert, onnx, saved_model, torch"


def test_eight_bits_only_where_they_can_be_written() -> None:
    with pytest.raises(WrongInput, match="keras and torch cannot") as raised:
        chosen(["keras", "onnx", "torch"], int8=True)
    assert raised.value.hint == "formats that can: litert, onnx"


def test_an_extra_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kpipe.export.format.find_spec", lambda name: None if name == "tf2onnx" else object())
    with pytest.raises(MissingExtra, match="onnx needs tf2onnx") as raised:
        chosen(["onnx"], int8=False)
    assert raised.value.hint == "pip install 'kpipe[onnx]'"


def test_a_backend_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kpipe.backend.installed", lambda: ("jax",))
    with pytest.raises(MissingExtra, match="litert is written by tensorflow"):
        by_engine([formats()["keras"], formats()["litert"]], "jax")


def test_no_run_and_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunNotFound):
        export("last", ["keras"], None, False)
    runs.create(Path("mlruns"), "small", "small").finish("KILLED")
    with pytest.raises(WrongInput, match="is KILLED and has no model"):
        export("last", ["keras"], None, False)


def write_table(folder: Path) -> dict[str, Any]:
    frame = pd.DataFrame({"mass": [1.5, None, 3.5] * 20, "island": ["x", "y", "z"] * 20, "kind": ["a", "b"] * 30})
    frame.to_csv(folder / "table.csv", index=False)
    return {"type": "table", "path": "table.csv", "target": "kind", "missing": "mean"}


def write_sentences(folder: Path) -> dict[str, Any]:
    sentence = "1\tDon't\t_\tVERB\t_\t_\t_\t_\t_\t_\n2\trare{0}\t_\tNOUN\t_\t_\t_\t_\t_\t_\n\n"
    (folder / "some.conllu").write_text("".join(sentence.format(number) for number in range(60)), encoding="utf-8")
    return {"type": "conll", "path": "some.conllu"}


@pytest.mark.parametrize(("write", "model"), [(write_table, "mlp"), (write_sentences, "rnn")])
def test_raw_input_is_made_again_of_rows_and_words(
    write: Callable[[Path], dict[str, Any]], model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written = {"name": "small", "data": write(tmp_path), "model": model, "train": "fit"}
    splits = load_splits(checked(Pipeline, document_of(written)))
    (tmp_path / PREPARATION).write_text(splits.preparation.model_dump_json(), encoding="utf-8")
    batch = first_batch(splits.test, splits.signature, 8)
    predictor: Any = SimpleNamespace(preparation=splits.preparation, signature=splits.signature)
    assert prepared_alike(predictor, batch, tmp_path) == len(next(iter(batch.values())))
    if model == "mlp":
        (name,) = batch
        raw = raw_of(splits.preparation, splits.signature.input, batch[name])
        monkeypatch.setattr(prepared, "raw_of", lambda *_: raw)
        with pytest.raises(RunFailed, match="of 8 examples makes 0"):
            prepared_alike(predictor, {name: batch[name] + 1}, tmp_path)
