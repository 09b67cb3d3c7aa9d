"""A data set whose names are markup, formulas and signs that steer a terminal goes through a whole run."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from kpipe import finding
from kpipe.pipeline import Pipeline
from kpipe.run import run

NAMES = [
    "<script>alert(1)</script>",
    "$\\frac{$ $",
    "../../x",
    "\x1b[2J{{ 7*7 }}{% raw %}",
    "=HYPERLINK(1)",
    "'\"><img src=x>",
]


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)
        assert all((value or "").startswith("data:image/png") for name, value in attrs if name == "src")

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.filterwarnings("ignore::kpipe.errors.KpipeWarning")
def test_a_run_on_hostile_names(
    backend: str, tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "mlruns" / "mlflow.db").write_bytes(empty_database.read_bytes())
    rows = [[str(place % 7), NAMES[place % 5], NAMES[place % 6]] for place in range(120)]
    cells = [["number", NAMES[5], NAMES[0]], *rows]
    text = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in cells)
    (tmp_path / "d.csv").write_text(text, encoding="utf-8")
    pipeline = Pipeline.model_validate(
        {
            "name": "hostile",
            "data": {"type": "table", "path": "d.csv", "target": NAMES[0]},
            "model": {"type": "mlp", "units": [8]},
            "train": {"type": "fit", "epochs": 1},
            "track": {"experiment": "../../<b>x</b>", "tags": {NAMES[0]: NAMES[1]}},
        }
    )
    before = set(tmp_path.parent.iterdir())
    finished = run(pipeline)
    page = Tags((finished.run.artifacts / "report.html").read_text(encoding="utf-8"))
    assert not {"script", "iframe", "object", "embed", "link", "base", "form"} & set(page.tags)
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7*7 }}" in page.text
    metrics = json.loads((finished.run.artifacts / "metrics.json").read_text(encoding="utf-8"))["metrics"]
    assert any("script" in name for name in metrics)
    assert len(list((finished.run.artifacts / "pictures").glob("*.png"))) >= 2
    assert finding.find(Path("mlruns"), "last").mlflow_run_id is not None
    assert set(tmp_path.parent.iterdir()) == before
    assert {path.name for path in tmp_path.iterdir()} == {"mlruns", "d.csv"}
