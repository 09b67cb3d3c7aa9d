"""Pipelines of any content: checked, or refused in words; and whatever they say, checking them changes nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from kpipe.pipeline import Pipeline
from kpipe.spec.check import checked
from kpipe.spec.document import read
from kpipe.spec.yaml import dump, parse

ROOT = Path(__file__).parents[2]
WRITES = (
    *("subprocess.Popen", "socket.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.remove", "os.rename"),
    *("os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.chmod", "shutil.", "ctypes.dlopen", "pickle."),
)
events: list[str] | None = None


def listen(name: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: Python tells it of each file that is opened, and of each process."""
    if events is None:
        return
    if name.startswith(WRITES) or (name == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
        events.append(f"{name} {arguments}"[:200])


@pytest.fixture(scope="module")
def without_effect() -> Callable[[Callable[[], Any]], None]:
    """Runs something that must write no file, start no process and ask no server."""
    sys.addaudithook(listen)

    def run(action: Callable[[], Any]) -> None:
        global events
        events = found = []
        try:
            action()
        finally:
            events = None
            assert found == []

    return run


VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([10**9, 2**63, 10**30, 10**300, -(10**18)]),
        st.floats(), st.text(max_size=6),
        st.sampled_from(["/etc/passwd", "../../x", "~/x", "cnn", "fit", "adam", "Lambda", "os.system",
                         "!!python/object/apply:os.system [id]", "__class__", "{0.__class__}", "<script>", "a" * 3000]),
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    | st.dictionaries(st.sampled_from(["type", "class_name", "module", "config", "Lambda", "AdamW", "Cast"]), inner),
    max_leaves=6,
)  # fmt: skip


def places(data: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every path in the data."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*above, key)
        yield from places(value, (*above, key))


@st.composite
def changed(draw: st.DrawFn, whole: dict[str, Any]) -> dict[str, Any]:
    """A pipeline with other values in one to three places, or more of them."""
    data = parse(dump(whole), "p").root.plain  # type: ignore[union-attr]
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(list(places(data)) or [("name",)]))
        at = data
        for key in path:
            at = at[key]
        if draw(st.booleans()) and isinstance(at, dict):
            last = draw(
                st.sampled_from(["type", "path", "name", "extends", "optimizer", "loss", "x", "split", "decode"])
            )
        at[last] = draw(VALUES)
    return dict(data)


Quietly = Callable[[Callable[[], Any]], None]


def test_text_of_any_kind(
    tmp_path: Path, fuzz: Any, files: Callable[[bytes], st.SearchStrategy[bytes]], without_effect: Quietly
) -> None:
    path = tmp_path / "p.yaml"
    base = (ROOT / "pipelines" / "cnn_gap.yaml").read_bytes()
    (tmp_path / "base.yaml").write_bytes(base)
    texts = [base, b"extends: base.yaml\nmodel: {dropout: 0.1}\n"]
    checked(Pipeline, read(tmp_path / "base.yaml"))

    def check(raw: bytes) -> None:
        path.write_bytes(raw)
        without_effect(lambda: checked(Pipeline, read(path)))

    fuzz(1000, st.one_of(*map(files, texts), st.text(max_size=60).map(str.encode)), check)


@pytest.mark.parametrize("name", ["cnn_gap", "encoder_decoder_dates", "tune_cnn_gap"])
def test_values_of_any_kind(name: str, tmp_path: Path, fuzz: Any, without_effect: Quietly) -> None:
    path = tmp_path / "p.yaml"
    root = parse((ROOT / "pipelines" / f"{name}.yaml").read_bytes(), name).root
    assert root is not None

    def check(data: dict[str, Any]) -> None:
        path.write_text(dump(data), encoding="utf-8", errors="backslashreplace")
        without_effect(lambda: checked(Pipeline, read(path)))

    check(root.plain)
    fuzz(300, changed(root.plain), check)


def test_overrides_of_any_kind(fuzz: Any, without_effect: Quietly) -> None:
    file = ROOT / "pipelines" / "cnn_gap.yaml"
    paths = st.sampled_from(
        ["model.filters", "train.optimizer.AdamW", "train.0.epochs", "data", "model.type", "..", "a.b.c"]
    )
    texts = st.tuples(paths | st.text(max_size=12), st.text(max_size=12) | VALUES.map(str))
    wanted = st.lists(texts.map("=".join) | st.text(max_size=12), min_size=1, max_size=3)
    checked(Pipeline, read(file, ["train.epochs=3"]))
    fuzz(400, wanted, lambda overrides: without_effect(lambda: checked(Pipeline, read(file, overrides))))
