"""Data files of any content: read, or refused in words."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet_of
import pytest
from hypothesis import strategies as st
from PIL import Image

from kpipe.data.source import Source
from kpipe.errors import DataError
from kpipe.spec.one_of import components

GENERATOR = np.random.default_rng(0)
CSV = "mass,island,kind\n" + "".join(f"{i / 2},{'ns'[i % 2]},{'ab'[i % 3 > 0]}\n" for i in range(24))
REVIEWS = "text,kind\n" + "".join(f"a good film {i % 5},{'ab'[i % 2]}\n" for i in range(24))
JSONL = "".join(f'{{"text": "a film {i % 5}", "kind": "{"ab"[i % 2]}", "n": [{i}]}}\n' for i in range(24))
CONLLU = "".join("# id\n1\tthe\tthe\tDET\n2\tdog\tdog\tNOUN\n3\tbarks\tbark\tVERB\n\n" for _ in range(20))
SERIES = "date,load\n" + "".join(f"2024-01-{1 + i // 24:02}T{i % 24:02}:00,{i % 7}\n" for i in range(72))
BOOK = "to be, or not to be\n" * 30


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def parquet(text: str) -> bytes:
    file = io.BytesIO()
    pd.read_csv(io.StringIO(text)).to_parquet(file)
    return file.getvalue()


def image(form: str) -> bytes:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(GENERATOR.integers(0, 256, (6, 5, 3), dtype=np.uint8)).save(file, form, exif=exif)
    return file.getvalue()


FORMS: dict[str, tuple[str, bytes, dict[str, Any], int]] = {
    "npz": ("d.npz", npz(x=GENERATOR.normal(size=(20, 3)), y=np.arange(20) % 2), {"type": "npz"}, 300),
    "csv": ("d.csv", CSV.encode(), {"type": "table", "target": "kind", "missing": "mean"}, 500),
    "csv.gz": ("d.csv.gz", gzip.compress(CSV.encode(), mtime=0), {"type": "table", "target": "kind"}, 200),
    "parquet": ("d.parquet", parquet(CSV), {"type": "table", "target": "kind"}, 300),
    "texts in parquet": ("d.parquet", parquet(REVIEWS), {"type": "text_table", "target": "kind"}, 200),
    "texts": ("d.csv", REVIEWS.encode(), {"type": "text_table", "target": "kind"}, 400),
    "translations": ("d.tsv", REVIEWS.replace(",", "\t").encode(), {"type": "text_table", "target_text": "kind"}, 200),
    "json lines": ("d.jsonl", JSONL.encode(), {"type": "text_table", "target": "kind"}, 400),
    "conll": ("d.conllu", CONLLU.encode(), {"type": "conll"}, 400),
    "text": ("d.txt", BOOK.encode(), {"type": "text", "context": 8}, 200),
    "series": ("d.csv", SERIES.encode(), {"type": "time_series", "time": "date", "context": 4, "horizon": 2}, 400),
}  # fmt: skip
"""The file's name, a whole one, the source's fields, how many cases."""


def source(fields: dict[str, Any]) -> Source:
    found = components("kpipe.data")[fields["type"]].model_validate(fields)
    assert isinstance(found, Source)
    return found


def use(found: Source) -> None:
    """What a run does with data before it trains."""
    splits = found.load(0)
    splits.signature.model_dump_json()
    splits.preparation.fitted(splits.signature).model_dump_json()
    for _, split in splits:
        split.take(np.arange(min(3, len(split))))


@pytest.mark.parametrize("form", FORMS)
def test_a_file_of_any_content(
    form: str, tmp_path: Path, fuzz: Any, files: Callable[[bytes], st.SearchStrategy[bytes]]
) -> None:
    name, whole, fields, cases = FORMS[form]
    path = tmp_path / name

    def load(raw: bytes) -> None:
        path.write_bytes(raw)
        use(source({**fields, "path": str(path)}))

    load(whole)
    fuzz(cases, files(whole), load)


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_an_image_of_any_content(
    form: str, tmp_path: Path, fuzz: Any, files: Callable[[bytes], st.SearchStrategy[bytes]]
) -> None:
    whole = image(form)
    for place in range(8):
        folder = tmp_path / "images" / "ab"[place % 2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{place}.png").write_bytes(whole)
    fields = {"type": "image_folder", "path": str(tmp_path / "images")}

    def load(raw: bytes) -> None:
        (tmp_path / "images" / "a" / "4.png").write_bytes(raw)
        use(source(fields))

    load(whole)
    fuzz(150, files(whole), load)


DTYPES = [
    *("<f8", "<f4", "<f2", "|u1", "<i8", ">i2", "|b1", "<U3", "|S2", "<U0", "|S0", "|V2", "<c16", "<M8[ns]", "<m8[s]"),
    "|O",
]
SIDES = st.sampled_from([0, 1, 2, 3, 12, 20, 10**6, 10**12, 2**62, -1])
EVIL = [
    "-" * 5000 + "1",
    "(" * 150 + ")" * 150,
    "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2,)}",
    "[]",
    "\0",
]


@st.composite
def array_file(draw: st.DrawFn) -> bytes:
    """An .npy file whose header and content need not agree."""
    shape = tuple(draw(st.lists(SIDES, max_size=4)))
    told = str({"descr": draw(st.sampled_from(DTYPES)), "fortran_order": draw(st.booleans()), "shape": shape})
    header = draw(st.sampled_from([told] * 12 + EVIL)).encode() + b"\n"
    body = draw(st.binary(max_size=64)) * draw(st.sampled_from([0, 1, 1, 10, 100]))
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + body


@st.composite
def typed_array(draw: st.DrawFn) -> bytes:
    """A whole .npy file of any dtype and a small shape."""
    kind = np.dtype(draw(st.sampled_from([name for name in DTYPES if name not in ("|O", "|S0", "<U0")])))
    shape = (20, *draw(st.lists(st.sampled_from([0, 1, 2, 3]), max_size=4)))
    if draw(st.booleans()) and kind.kind in "biufU":
        array = GENERATOR.integers(0, 2, shape).astype(kind)
    else:
        size = int(np.prod(shape)) * kind.itemsize
        array = np.frombuffer((draw(st.binary(min_size=1, max_size=40)) * (size + 1))[:size], kind)
        array = array.reshape(shape)
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def zipped(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, raw in parts.items():
            archive.writestr(name, raw)
    return file.getvalue()


def test_arrays_of_any_kind(tmp_path: Path, fuzz: Any) -> None:
    path = tmp_path / "d.npz"
    good = [st.just(saved(GENERATOR.normal(size=(20, 3)))), st.just(saved(np.arange(20) % 2))]
    names = st.sampled_from(["x.npy", "x", "y.npy", "y", "x_train.npy", "x_test.npy", "../x.npy"])
    pair = [st.one_of(array_file(), typed_array(), one) for one in good]
    arrays = st.fixed_dictionaries({"x.npy": pair[0], "y.npy": pair[1]})
    others = st.dictionaries(names, st.one_of(array_file(), typed_array(), st.binary(max_size=50)), max_size=3)

    def load(parts: dict[str, bytes]) -> None:
        path.write_bytes(zipped(parts))
        use(source({"type": "npz", "path": str(path)}))

    fuzz(500, st.one_of(arrays, arrays, others), load)


def saved(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.binary(max_size=5), st.datetimes(),
    st.decimals(places=2), st.lists(st.integers(0, 3), max_size=2), st.dictionaries(st.just("a"), st.integers(0, 3)),
)  # fmt: skip
KINDS = [
    *(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=8), st.binary(max_size=5)),
    *(st.datetimes(), st.dates(), st.timedeltas(), st.decimals(-(10**6), 10**6, places=2)),
    *(st.lists(st.floats(), max_size=2), st.fixed_dictionaries({"a": st.integers(0, 9)})),
]


@st.composite
def columns(draw: st.DrawFn) -> dict[str, list[Any]]:
    """Named columns, each of one kind with gaps in it."""
    names = draw(st.lists(st.sampled_from(["text", "kind", "date", "load", "kind ", ""]), min_size=1, unique=True))
    rows = draw(st.integers(0, 14))
    kinds = [st.none() | draw(st.sampled_from(KINDS)) for _ in names]
    return {name: draw(st.lists(kind, min_size=rows, max_size=rows)) for name, kind in zip(names, kinds, strict=True)}


TABLES = [
    *({"type": "table", "target": "kind", "missing": missing} for missing in ("error", "drop", "median")),
    {"type": "table", "target": ["kind", "load"]},
    {"type": "text_table", "target": "kind"},
    {"type": "text_table", "target_text": "kind", "tokenizer": "characters"},
    {"type": "time_series", "time": "date", "context": 2, "horizon": 1},
    {"type": "time_series", "time": "date", "context": 1, "horizon": 1, "missing": "last", "target": "load"},
]


def test_parquet_of_any_kind(tmp_path: Path, fuzz: Any) -> None:
    path = tmp_path / "d.parquet"

    def load(case: tuple[dict[str, list[Any]], dict[str, Any]]) -> None:
        try:
            table = pa.table(case[0])
        except (pa.ArrowException, OverflowError):
            return
        parquet_of.write_table(table, path)
        use(source({**case[1], "path": str(path)}))

    fuzz(400, st.tuples(columns(), st.sampled_from(TABLES)), load)


def test_words_in_bytes(tmp_path: Path) -> None:
    frame = pd.DataFrame({"load": np.arange(40.0), "kind": [b"\x80", b"cat"] * 20})
    frame.to_parquet(tmp_path / "d.parquet")
    with pytest.raises(DataError, match="targets are bytes"):
        use(source({"type": "table", "target": "kind", "path": str(tmp_path / "d.parquet")}))


def test_signs_that_are_in_no_alphabet(tmp_path: Path) -> None:
    words = np.full(20, 2**24, np.uint32).view("<U1")
    np.savez(tmp_path / "d.npz", x=np.zeros((20, 3)), y=words)
    with pytest.raises(DataError, match="signs that are in no alphabet"):
        use(source({"type": "npz", "path": str(tmp_path / "d.npz")}))


def test_what_pandas_left_in_a_parquet_file_is_damaged(tmp_path: Path) -> None:
    table = pa.table({"load": np.arange(40.0), "kind": ["a", "b"] * 20}).replace_schema_metadata({"pandas": b"\xfa"})
    parquet_of.write_table(table, tmp_path / "d.parquet")
    with pytest.raises(DataError, match="utf-8"):
        use(source({"type": "table", "target": "kind", "path": str(tmp_path / "d.parquet")}))


def test_json_of_any_kind(tmp_path: Path, fuzz: Any) -> None:
    path = tmp_path / "d.jsonl"
    names = st.sampled_from(["text", "kind", "date", "load"])
    anything = st.recursive(CELLS.filter(lambda cell: not isinstance(cell, (bytes, dt.datetime, Decimal))), st.lists)

    def load(case: tuple[list[dict[str, Any]], dict[str, Any]]) -> None:
        path.write_text("".join(json.dumps(row) + "\n" for row in case[0]), encoding="utf-8")
        use(source({**case[1], "path": str(path)}))

    rows = st.lists(st.dictionaries(names, anything, max_size=4), max_size=12)
    fuzz(400, st.tuples(rows, st.sampled_from(TABLES[4:])), load)


def test_cells_of_any_kind(tmp_path: Path, fuzz: Any) -> None:
    path = tmp_path / "d.csv"
    words = [
        *("", "a", "b", "0", "1", "-1", "0.5", "nan", "inf", "1e400", "9" * 25, "true", "0x1", "1,5", "é", "\x00"),
        *("2024-01-01", "2024-01-02T03:04", "1700-01-01", "9999-12-31 23:59+14:00", "2024-01-01Z", "=1+1", "\x1b[2J"),
    ]
    cell = st.sampled_from(words)
    rows = st.lists(st.lists(cell, min_size=4, max_size=4), max_size=14)

    def load(case: tuple[list[list[str]], dict[str, Any]]) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["text", "kind", "date", "load"], *case[0]])
        use(source({**case[1], "path": str(path)}))

    fuzz(500, st.tuples(rows, st.sampled_from(TABLES)), load)


RAW = {
    "d.npy": st.one_of(array_file(), typed_array()),
    "d.npz": st.one_of(array_file(), typed_array()).map(lambda raw: zipped({"x.npy": raw, "y.npy": raw})),
    "d.csv": st.lists(st.sampled_from(["1,2", "0.5,x", "load,date", "a,b", "", "nan,inf", "2024-01-01,3"])).map(
        lambda lines: "\n".join(lines).encode()
    ),
    "d.jsonl": st.just(JSONL.encode()),
    "d.txt": st.binary(max_size=80),
    "d.conllu": st.text(max_size=80).map(lambda text: f"{CONLLU}{text}".encode(errors="replace")),
    "d.png": st.binary(max_size=80),
}


def test_raw_input_of_any_content(tmp_path: Path, fuzz: Any) -> None:
    """What ``kpipe predict`` is given, for each kind of preparation."""
    prepared = [
        kind.model_validate({"type": name, **kind.example})
        for name, kind in components("kpipe.data.preparation").items()
    ]
    cases = [st.tuples(st.sampled_from(prepared), st.just(name), raw) for name, raw in RAW.items()]

    def read(case: tuple[Any, str, bytes]) -> None:
        preparation, name, raw = case
        (tmp_path / name).write_bytes(raw)
        preparation.read([tmp_path / name])

    fuzz(500, st.one_of(cases), read)
