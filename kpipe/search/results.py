"""Results: what a search leaves behind beside its trials, the table, the pictures and the report page."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from kpipe.files import write_atomic
from kpipe.pipeline import Pipeline, axes
from kpipe.search.finalists import Verdict
from kpipe.search.frame import csv, frame
from kpipe.search.report import draw, report_of, write
from kpipe.version import __version__

if TYPE_CHECKING:
    from kpipe.search.ledger import Ledger


def write_results(ledger: Ledger, pipeline: Pipeline, verdict: Verdict | None) -> None:
    """Writes everything into the search's folder, of however many trials there are."""
    search, run = ledger.search, ledger.state.run
    space = axes(pipeline)
    trials = [trial for trial in ledger.trials.values() if trial.is_asked]
    table = frame(trials, search.objective, search.best, [axis.path for axis in space])
    write_atomic(run.artifacts / "trials.csv", csv(table))
    pictures = draw(trials, space, search.objective, search.best)
    folder = run.artifacts / "pictures"
    folder.mkdir(exist_ok=True)
    for picture in pictures:
        (folder / f"{picture.name}.png").write_bytes(picture.png)
    best = run.folder / "best.yaml"
    page = report_of(
        trials,
        space,
        search.objective,
        search.best,
        search=run.name,
        pipeline=pipeline.name,
        status="FINISHED",
        pictures=pictures,
        scores=verdict.scores if verdict else None,
        statement=verdict.comparison.statement if verdict and verdict.comparison else "",
        logs={trial.name: f"{run.name}/trials/{trial.name}/log.txt" for trial in trials},
        best=best.read_text(encoding="utf-8") if best.exists() else "",
        yaml=(run.folder / "pipeline.yaml").read_text(encoding="utf-8"),
        environment={
            "kpipe": __version__,
            "keras": version("keras"),
            "keras-tuner": version("keras-tuner"),
            "backend": str(ledger.pipeline.backend or "several"),
            "started": f"{run.record.start:%Y-%m-%d %H:%M} UTC",
        },
    )
    write(run.artifacts / "report.html", page)
