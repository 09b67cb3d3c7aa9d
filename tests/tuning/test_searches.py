"""Every way of searching, held to the same small checks; nothing here imports Keras."""

from __future__ import annotations

import inspect
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml

from kpipe.pipeline import Pipeline, axes, effective_yaml
from kpipe.spec.check import checked
from kpipe.spec.document import document_of, read
from kpipe.spec.one_of import components, noun
from kpipe.tuning.search import Search

SEARCHES = components("kpipe.tuning")
by_search = pytest.mark.parametrize("name", SEARCHES)
DIGITS = {
    "name": "digits",
    "data": {"type": "sklearn", "dataset": "digits"},
    "model": {"type": "cnn", "filters": [8, 16]},
    "train": {"type": "fit", "epochs": 3},
}


def example(name: str) -> dict[str, object]:
    text = inspect.getdoc(SEARCHES[name]) or ""
    written = yaml.safe_load(textwrap.dedent(text.split("Example:\n")[1].split("Reference:")[0]))
    found: dict[str, object] = written["tune"]
    return found


def test_there_are_four() -> None:
    assert SEARCHES.keys() == {"bayesian", "grid", "hyperband", "random"}
    assert noun("kpipe.tuning") == "search"


@by_search
def test_it_is_a_search_and_says_what_it_does(name: str) -> None:
    assert issubclass(SEARCHES[name], Search)
    text = inspect.getdoc(SEARCHES[name]) or ""
    assert text.split("\n", 1)[0].endswith(".") or ":" in text.split("\n", 1)[0]
    for heading in ("Raises:", "Example:", "Reference:"):
        assert heading in text, heading
    for field, info in SEARCHES[name].model_fields.items():
        assert field == "type" or info.description, field


@by_search
def test_its_example_fits_a_pipeline_of_digits(name: str) -> None:
    written = example(name)
    assert written["type"] == name
    pipeline = checked(Pipeline, document_of({**DIGITS, "tune": written}))
    assert pipeline.tune is not None
    assert [axis.path for axis in axes(pipeline)] == list(pipeline.tune.space)


@by_search
def test_the_effective_yaml_reads_back_to_the_same(name: str, tmp_path: Path) -> None:
    pipeline = checked(Pipeline, document_of({**DIGITS, "tune": example(name)}))
    file = tmp_path / "effective.yaml"
    file.write_text(effective_yaml(pipeline), encoding="utf-8")
    assert checked(Pipeline, read(file)) == pipeline


def test_without_a_search_the_effective_yaml_does_not_speak_of_one() -> None:
    assert "tune" not in yaml.safe_load(effective_yaml(checked(Pipeline, document_of(DIGITS))))
    assert "tune" not in yaml.safe_load(effective_yaml(checked(Pipeline, document_of({**DIGITS, "tune": None}))))


CHECK = """
import sys
from kpipe.listing import listing
from kpipe.pipeline import Pipeline, axes, with_values
from kpipe.spec.check import checked
from kpipe.spec.document import read
pipeline = checked(Pipeline, read(sys.argv[1]))
assert axes(pipeline)
with_values(pipeline, {"model.dropout": 0.1})
listing("tuning")
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


@by_search
def test_checking_a_search_imports_nothing_heavy(name: str, tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(yaml.safe_dump({**DIGITS, "tune": example(name)}), encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", CHECK, file], capture_output=True, text=True, check=True)
    heavy = {"keras", "keras_tuner", "tensorflow", "jax", "torch", "mlflow", "matplotlib", "sklearn", "numpy", "scipy"}
    assert set(done.stdout.split()).isdisjoint(heavy)
