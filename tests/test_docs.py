"""What the documentation shows is true: every YAML is a pipeline that checks, every example in a docstring too."""

from __future__ import annotations

import importlib.util
import inspect
import io
import itertools
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from kpipe.errors import SpecError
from kpipe.listing import PACKAGES
from kpipe.pipeline import Pipeline
from kpipe.show import plan, render
from kpipe.spec.check import checked
from kpipe.spec.document import document_of, read
from kpipe.spec.one_of import components
from kpipe.spec.yaml import parse

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TEXTS = {"type": "procedural", "dataset": "dates"}
DATA = [
    {"type": "sklearn", "dataset": "digits"},
    {"type": "sklearn", "dataset": "iris"},
    {"type": "sklearn", "dataset": "diabetes"},
    TEXTS,
    {"type": "procedural", "dataset": "sine_mix"},
    {"type": "text_table", "path": "reviews.csv", "target": "kind", "target_task": "classes"},
    {"type": "conll", "path": "sentences.conllu"},
    {"type": "text", "path": "book.txt"},
]
"""What an example that is no data is put beside: of each kind and task one."""
MODELS = [
    *({"type": name} for name in ("cnn", "mlp", "rnn", "encoder_decoder", "stacked_autoencoder")),
    {"type": "stacked_autoencoder", "output": "reconstruction"},
]
DEFAULTS = {
    "name": "example",
    "data": {"type": "sklearn", "dataset": "digits"},
    "model": {"type": "cnn"},
    "train": {"type": "fit"},
}


def blocks() -> list[tuple[str, str]]:
    """Every YAML block of the pages that is a whole pipeline."""
    found = []
    for page in PAGES:
        for text in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            found.append((page.name, text))
    return found


def examples() -> list[tuple[str, str]]:
    """The YAML under ``Example:`` in each component's docstring."""
    found = []
    for package in PACKAGES.values():
        for name, component in components(package).items():
            text = inspect.getdoc(component) or ""
            match = re.search(r"^Example:\n((?:    .*\n|\n)+)", text + "\n", re.MULTILINE)
            assert match, f"{package}.{name}: no Example in its docstring"
            found.append((f"{package}.{name}", inspect.cleandoc("\n" + match[1])))
    return found


def generated() -> list[tuple[str, str]]:
    """The YAML of the pages that are made when the site is built, where it is of no component's docstring."""
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    pages = {**reference.pages(), **{name: reference.architecture(name) for name in components("kpipe.models")}}
    known = {text.strip() for _, text in examples()}
    found = [(page, text) for page, made in pages.items() for text in re.findall(r"```yaml\n(.*?)```", made, re.DOTALL)]
    assert known <= {text.strip() for _, text in found}
    return [(page, text) for page, text in found if text.strip() not in known]


def tables() -> list[tuple[str, str, str]]:
    """What the pages show of `kpipe show`: page, file, the table of layers."""
    command, table = r"^    \$ kpipe show (\S+)\n(?:    .*\n|\n)*?", r"(    layer  .*\n(?:    .*\S  +[\d,]+\n)+)"
    shown = re.compile(command + table, re.MULTILINE)
    return [(page.name, *found) for page in PAGES for found in shown.findall(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(("page", "text"), blocks(), ids=lambda value: value[:20])
def test_yaml_in_the_pages_checks(page: str, text: str) -> None:
    parsed = parse(text, page)
    assert parsed.root is not None
    checked(Pipeline, document_of({**DEFAULTS, **parsed.root.plain}, page))


@pytest.mark.parametrize(("page", "text"), [block for block in blocks() if block[1].startswith("# pipelines/")])
def test_yaml_that_names_a_file_says_what_it_says(page: str, text: str) -> None:
    parsed = parse(text, page)
    assert parsed.root is not None
    file = ROOT / text.removeprefix("# ").split("\n")[0]
    assert checked(Pipeline, document_of(parsed.root.plain, page)) == checked(Pipeline, read(file))


@pytest.mark.parametrize(("name", "text"), [*examples(), *generated()], ids=lambda value: value[:40])
def test_examples_in_docstrings_check(name: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    parsed = parse(text, name)
    assert parsed.root is not None
    written = parsed.root.plain
    for file in re.findall(r"(?:path|data_dir): *([\w./-]+)", text):
        place = tmp_path / file
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.suffix:
            place.touch()
        else:
            place.mkdir()
    if "schedule" in written:
        written = {"train": {"type": "fit", **written}}
    if "augmentation" in written:
        written = {"model": {"type": "cnn", **written}}
    if "tokenizer" in written:
        written = {"data": {**TEXTS, **written}}
    for file in ("reviews.csv", "sentences.conllu", "book.txt"):
        (tmp_path / file).touch()
    fitting_pipeline(written, name)


def fitting_pipeline(written: dict[str, Any], name: str) -> Pipeline:
    """The example in a pipeline whose other sections fit it. Raises: SpecError: there is none."""
    errors: list[SpecError] = []
    for data, model in itertools.product(DATA, MODELS):
        try:
            return checked(Pipeline, document_of({**DEFAULTS, "data": data, "model": model, **written}, name))
        except SpecError as error:
            errors.append(error)
    raise min(errors, key=lambda error: len(error.mistakes))


@pytest.mark.parametrize(("page", "file", "table"), tables(), ids=lambda value: value.split("\n")[0])
def test_layers_in_the_pages_are_those_of_show(backend: str, page: str, file: str, table: str) -> None:
    console = Console(file=io.StringIO(), width=82, highlight=False, markup=False, no_color=True)
    render(plan(checked(Pipeline, read(ROOT / file)), backend), console)
    assert isinstance(console.file, io.StringIO)
    shown = [line.split() for line in console.file.getvalue().splitlines()]
    for line in table.splitlines():
        assert line.split() in shown, f"{page}: {file} has no such layer: {line}"
