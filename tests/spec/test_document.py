from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kpipe.spec.document import Document, document_of, read


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, text: str) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def messages(document: Document) -> list[str]:
    return [mistake.message for mistake in document.mistakes]


def test_a_file_with_its_text_and_places(folder: Path) -> None:
    document = read(write("p.yaml", "# first\nname: x\nmodel:\n  filters: [8, 16]\n"))
    assert document.data == {"name": "x", "model": {"filters": [8, 16]}}
    assert document.mistakes == ()
    assert document.text.startswith("# first\n")
    assert str(document.place(("model", "filters", 1))) == "p.yaml:4:16"
    assert str(document.key_place(("model", "filters"))) == "p.yaml:4:3"


def test_what_is_not_there_is_pointed_at_by_the_section_that_lacks_it(folder: Path) -> None:
    document = read(write("p.yaml", "name: x\nmodel:\n  a: 1\nlist: [1]\n"))
    assert str(document.place(("model", "dropout"))) == "p.yaml:2:1"
    assert str(document.place(("model",))) == "p.yaml:2:1"
    assert str(document.place(("list",))) == "p.yaml:4:7"
    assert str(document.place(("missing",))) == "p.yaml:1:1"
    assert str(document.key_place(("missing", "too"))) == "p.yaml:1:1"


def test_extends_merges_deeply_and_relative_to_the_file(folder: Path) -> None:
    write("shared/base.yaml", "name: base\nmodel: {type: cnn, filters: [8, 8], dropout: 0.1}\nseed: 3\n")
    child = write("mine/child.yaml", "extends: ../shared/base.yaml\nname: child\nmodel: {filters: [4]}\n")
    document = read(child)
    assert document.data == {"name": "child", "model": {"type": "cnn", "filters": [4], "dropout": 0.1}, "seed": 3}
    assert document.place(("seed",)).source.endswith("base.yaml")
    assert document.place(("model", "filters")).source == "mine/child.yaml"
    assert [file.name for file in document.files] == ["child.yaml", "base.yaml"]


def test_of_several_extended_files_the_last_wins(folder: Path) -> None:
    write("a.yaml", "x: 1\ny: 1\nz: 1\n")
    write("b.yaml", "y: 2\nz: 2\n")
    assert read(write("c.yaml", "extends: [a.yaml, b.yaml]\nz: 3\n")).data == {"x": 1, "y": 2, "z": 3}


def test_a_diamond_is_read_once_and_is_no_cycle(folder: Path) -> None:
    write("top.yaml", "x: 1\n")
    write("left.yaml", "extends: top.yaml\nleft: 1\n")
    write("right.yaml", "extends: top.yaml\nright: 1\n")
    document = read(write("p.yaml", "extends: [left.yaml, right.yaml]\n"))
    assert document.data == {"x": 1, "left": 1, "right": 1}
    assert len(document.files) == 4


def test_a_wide_pile_of_files_stays_quick(folder: Path) -> None:
    write("f0.yaml", "x: 1\n")
    for number in range(1, 40):
        write(f"f{number}.yaml", f"extends: [{', '.join([f'f{number - 1}.yaml'] * 5)}]\n")
    assert read("f39.yaml").data == {"x": 1}


def test_cycles_are_refused(folder: Path) -> None:
    write("a.yaml", "extends: b.yaml\n")
    write("b.yaml", "extends: ./a.yaml\n")
    document = read("a.yaml")
    assert document.root is None
    assert messages(document) == ["a file that extends itself: a.yaml -> b.yaml -> a.yaml"]
    assert document.mistakes[0].place.source == "b.yaml"
    assert messages(read(write("self.yaml", "extends: self.yaml\n")))


def test_too_many_files_are_refused(folder: Path) -> None:
    for number in range(60):
        write(f"f{number}.yaml", f"extends: f{number + 1}.yaml\n")
    assert "more than 50 files" in messages(read("f0.yaml"))[0]


def test_files_that_cannot_be_read(folder: Path) -> None:
    write("digits.yaml", "name: x\n")
    assert read("digitz.yaml").mistakes[0].hint == "did you mean `digits.yaml`?"
    assert messages(read("nowhere/p.yaml")) == ["no such file"]
    assert messages(read(folder)) == ["a folder, not a file"]
    assert messages(read("p\0.yaml")) == ["not the name of a file"]
    assert messages(read(write("p.yaml", "extends: nowhere.yaml\n"))) == ["nowhere.yaml: no such file"]
    assert read("p.yaml").mistakes[0].path == ("extends",)


def test_an_endless_file_is_refused() -> None:
    assert messages(read("/dev/zero")) == ["larger than 1 MiB"]


@pytest.mark.parametrize(("text", "message"), [("", "the file is empty"), ("- a\n", "a list"), ("a\n", "text")])
def test_a_pipeline_is_a_mapping(folder: Path, text: str, message: str) -> None:
    (found,) = messages(read(write("p.yaml", text)))
    assert found.startswith(message)


def test_mistakes_of_several_files_are_gathered(folder: Path) -> None:
    write("a.yaml", "x: 1\nx: 2\n")
    document = read(write("p.yaml", "extends: [a.yaml, gone.yaml]\ny: 1\ny: 2\n"), ["x"])
    assert document.root is None
    assert len(document.mistakes) == 3


def test_overrides_are_put_in_and_tell_where_they_came_from(folder: Path) -> None:
    document = read(write("p.yaml", "model: {dropout: 0.1}\n"), ["model.dropout=1e-3", "track.tags.a=no"])
    assert document.data == {"model": {"dropout": 0.001}, "track": {"tags": {"a": "no"}}}
    assert str(document.place(("model", "dropout"))) == "--set model.dropout=1e-3"
    assert str(document.place(("model",))) == "p.yaml:1:8"


def test_a_pipeline_made_in_python() -> None:
    written: dict[str, Any] = {"name": "x", "model": {"filters": (8, 16)}}
    document = document_of(written, "notebook", ["model.filters.0=4"])
    assert document.data == {"name": "x", "model": {"filters": [4, 16]}}
    assert written["model"]["filters"] == (8, 16)
    assert document.place(("name",)).source == "notebook"
