"""Folders of runs that may come from anybody: read, or refused in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from kpipe import finding, groups, runs, serving
from kpipe.compare.rows import sections
from kpipe.compare.sides import chosen
from kpipe.data.splits import Splits
from kpipe.pipeline import Pipeline, effective_yaml
from kpipe.record import shares_from, step_of
from kpipe.runs import Run
from kpipe.tracking import journal
from kpipe.tracking.journal import Journal
from kpipe.tracking.sender import Sender
from kpipe.training.loop.checkpoint import Checkpoint, Checkpoints
from kpipe.training.loop.progress import Progress

Files = Callable[[bytes], st.SearchStrategy[bytes]]
NUMBERS = st.sampled_from([-1, 0, 1, 3, 10**6, 10**12, 2**63, 10**400, 0.5, -0.5, 1e300, float("nan"), float("inf")])
WORDS = st.sampled_from(["", "a", "../../x", "/etc/passwd", "2024-01-01T00:00:00", "<b>", "\x1b[2J", "words", "image"])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)


def places(data: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*above, key)
        yield from places(value, (*above, key))


@st.composite
def changed(draw: st.DrawFn, text: str) -> bytes:
    """JSON with other values in one or two places."""
    data = json.loads(text)
    for _ in range(draw(st.integers(1, 2))):
        *path, last = draw(st.sampled_from(list(places(data)) or [("x",)]))
        at = data
        for key in path:
            at = at[key]
        at[last] = draw(VALUES)
    return json.dumps(data).encode()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    found = runs.create(tmp_path / "mlruns", "digits", "cnn")
    found.free()
    return found


def test_a_record_of_any_content(run: Run, fuzz: Any, files: Files) -> None:
    other = runs.create(run.root, "digits", "cnn")
    whole = (run.folder / "run.json").read_bytes()

    def look(raw: bytes) -> None:
        (run.folder / "run.json").write_bytes(raw)
        assert other.name in [found.name for found in runs.runs(run.root)]
        found = finding.find(run.root, run.name)
        _ = found.status, found.mlflow_run_id, finding.with_model(found), shares_from(found, "jax", 3)

    look(whole)
    fuzz(300, files(whole) | changed(whole.decode()), look)


def test_what_a_search_left_of_any_content(run: Run, fuzz: Any, files: Files) -> None:
    run.update(kind="search")
    trial = runs.create_trial(run, "07")
    texts = {"best.json": '{"trial": "07"}', "trials/07/sent.json": '{"run_id": "a", "offset": 3}'}

    def look(case: tuple[str, bytes]) -> None:
        name, raw = case
        (run.folder / name).write_bytes(raw)
        _ = trial.mlflow_run_id, Sender(trial).behind, finding.with_model(run)

    cases = [st.tuples(st.just(name), files(text.encode()) | changed(text)) for name, text in texts.items()]
    fuzz(300, st.one_of(cases), look)


def test_a_journal_of_any_content(tmp_path: Path, fuzz: Any, files: Files) -> None:
    path = tmp_path / "journal.jsonl"
    writer = Journal(path)
    writer.params({"a": "1"})
    writer.metrics({"train/loss": 0.5, "b": float("nan")}, 3)
    writer.dataset("train", "digits", "ab", "sklearn", {"examples": 3})
    writer.artifact(tmp_path / "a.png", "pictures")
    writer.model(tmp_path / "model")
    writer.register("digits", "champion")
    writer.end("FINISHED")
    writer.close()
    whole = path.read_bytes()
    lines = st.lists(st.one_of([changed(line.decode()) for line in whole.splitlines()]), max_size=4)

    def look(raw: bytes) -> None:
        path.write_bytes(raw)
        journal.read(path, 7)
        Journal(path).close()

    look(whole)
    assert len(journal.read(path)) == 8
    fuzz(400, files(whole) | lines.map(b"\n".join), look)


def test_what_is_compared_of_any_content(run: Run, fuzz: Any, files: Files) -> None:
    other = runs.create(run.root, "digits", "cnn")
    for place in (run, other):
        writer = Journal(place.journal)
        writer.tags({"backend": "jax", "version.keras": "3.13", "git.commit": "ab", "expected": "met"})
        writer.dataset("train", "digits", "ab", "sklearn", {"examples": 3})
        writer.metrics({"val/loss": 0.5, "progress/epoch": 1}, 3)
        writer.metrics({"test/accuracy": 0.5, "test/f1": 0.25}, 3)
        writer.close()
    lines = [st.just(line) | changed(line.decode()) for line in run.journal.read_bytes().splitlines()]
    pipeline = b"name: a\ndata: {type: sklearn, dataset: digits}\nmodel: cnn\ntrain: fit\nseed: 3\n"
    texts = {
        "fingerprint": b"ab12",
        "artifacts/environment.txt": b"# linux, x86\nkeras==3.13\n",
        "resolved.yaml": pipeline,
    }
    journals = files(run.journal.read_bytes()) | st.tuples(*lines).map(b"\n".join)
    for name, text in texts.items():
        (other.folder / name).write_bytes(text)

    def look(case: tuple[str, bytes]) -> None:
        for name, text in texts.items():
            (run.folder / name).write_bytes(text)
        (run.folder / case[0]).write_bytes(case[1])
        sides = chosen(run.root, [run.name, other.name])
        assert sections(sides)
        _ = [kept.curves for side in sides for kept in side.runs]

    look(("x", b""))
    cases = [st.tuples(st.just(name), files(text)) for name, text in texts.items()]
    fuzz(400, st.one_of(*cases, st.tuples(st.just("journal.jsonl"), journals)), look)


def test_a_group_of_any_content(run: Run, fuzz: Any, files: Files) -> None:
    group = groups.create(run.root, "digits", 0, 3)
    run.update(group=group.name, seed=1)
    (run.folder / "resolved.yaml").write_text("name: a\n", encoding="utf-8")
    whole = (group.folder / "group.json").read_bytes()

    def look(raw: bytes) -> None:
        (group.folder / "group.json").write_bytes(raw)
        _ = chosen(run.root, [group.name, group.name])

    assert list(group.runs) == [1]
    fuzz(300, files(whole) | changed(whole.decode()), look)


def test_a_checkpoint_of_any_content(tmp_path: Path, run: Run, fuzz: Any, files: Files) -> None:
    record = json.dumps(Progress(epoch=1, step=2).record())
    checkpoints = Checkpoints(run.checkpoints, 0)
    checkpoints.save(Checkpoint({"model/kernel": np.ones((3, 2), np.float32)}, json.loads(record)))
    path = checkpoints.paths()[-1]
    whole = path.read_bytes()

    def go_on() -> None:
        _ = step_of(run)
        found = checkpoints.newest()
        assert found is not None
        Progress.of(found.record)

    def look(case: bytes | tuple[bytes, dict[str, np.ndarray]]) -> None:
        if isinstance(case, bytes):
            path.write_bytes(case)
        else:
            arrays = {"record": np.frombuffer(case[0], np.uint8), **case[1]}
            np.savez(path, allow_pickle=False, **arrays)
        go_on()

    whole_record = json.dumps({"arrays": ["a"], "record": json.loads(record)})
    arrays = st.dictionaries(st.sampled_from(["a", "b", "record2"]), st.just(np.zeros(2)), max_size=2)
    go_on()
    fuzz(400, files(whole) | st.tuples(changed(whole_record), arrays), look)


MODELS: list[tuple[dict[str, Any], dict[str, Any], Any]] = [
    ({"type": "sklearn", "dataset": "digits"}, {"type": "cnn"}, np.zeros((1, 8, 8, 1), np.uint8)),
    ({"type": "procedural", "dataset": "dates", "examples": 60}, {"type": "encoder_decoder"}, ["3rd of May 2024"]),
    ({"type": "sklearn", "dataset": "iris"}, {"type": "mlp"}, np.zeros((1, 4))),
]


@pytest.mark.parametrize("place", range(len(MODELS)), ids=["image", "text", "vector"])
def test_a_saved_model_of_any_content(place: int, tmp_path: Path, fuzz: Any, files: Files) -> None:
    data, model, raw_input = MODELS[place]
    written = {"name": "x", "data": data, "model": model, "train": {"type": "fit"}}
    pipeline = Pipeline.model_validate(written)
    splits: Splits = pipeline.data.load(0)
    texts = {
        "resolved.yaml": effective_yaml(pipeline),
        "signature.json": splits.signature.model_dump_json(),
        "preparation.json": splits.preparation.fitted(splits.signature).model_dump_json(),
    }

    def look(case: tuple[str, bytes]) -> None:
        for name, text in texts.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / case[0]).write_bytes(case[1])
        _, _, preparation = serving.described(tmp_path)
        preparation.prepare(raw_input)

    look(("x", b""))
    cases = [st.tuples(st.just(name), files(text.encode())) for name, text in texts.items()]
    cases += [st.tuples(st.just(name), changed(text)) for name, text in texts.items() if name.endswith("json")] * 2
    fuzz(200, st.one_of(cases), look)


def test_a_manifest_of_any_content(tmp_path: Path, fuzz: Any, files: Files) -> None:
    for name in serving.FILES:
        (tmp_path / name).write_bytes(b"")
    hashes = {name: serving.sha256(tmp_path / name) for name in serving.FILES}
    whole = json.dumps({"format": 1, "kpipe": "0.1", "keras": "3", "backend": "jax", "files": hashes})

    def look(raw: bytes) -> None:
        (tmp_path / "manifest.json").write_bytes(raw)
        serving.checked_manifest(tmp_path)

    look(whole.encode())
    fuzz(200, files(whole.encode()) | changed(whole), look)
