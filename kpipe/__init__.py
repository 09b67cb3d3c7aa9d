"""kpipe: one YAML file describes a deep-learning pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kpipe.version import __version__

if TYPE_CHECKING:
    import pandas as pd

    from kpipe.trained import Given, Trained

__all__ = ["__version__", "train", "tune"]


def train(pipeline: Given, overrides: Sequence[str] = (), *, backend: str | None = None) -> Trained:
    """Trains and evaluates a pipeline in this process, and records nothing, as a notebook wants it.

    ``pipeline`` is a YAML file, or the same as a mapping or as a checked Pipeline; ``overrides`` are written as after
    ``--set``: ``["model.layers=2"]``. One process has one backend: the first call settles it.

    Raises: SpecError: the pipeline is wrong. DataError. WrongInput: Keras runs on another backend here already.
    """
    from kpipe import trained

    return trained.train(pipeline, overrides, backend)


def tune(
    pipeline: Given,
    *,
    backend: str | None = None,
    workers: int | None = None,
    ray: str | None = None,
    resume: bool = False,
    fresh: bool = False,
    register: str | None = None,
    root: Path | str = "mlruns",
    quiet: bool = False,
) -> pd.DataFrame:
    """Carries out the search of a pipeline, and returns the table of its trials, the best first.

    ``pipeline`` is a YAML file, or the same as a mapping or as a checked Pipeline; ``root`` is the store. The others
    are the options of ``kpipe tune``. The trials are shown as they end, unless ``quiet``.

    Raises: SpecError: the pipeline is wrong. WrongInput: it has no `tune` section.
    """
    from kpipe.search import story
    from kpipe.search.table import TrialTable
    from kpipe.terminal import output
    from kpipe.trained import pipeline_of

    pipeline = pipeline_of(pipeline)
    options = (backend, workers, ray, resume, fresh, register)
    if quiet:
        return story.tune(pipeline, "", *options, root=Path(root)).frame
    with TrialTable(story.searched(pipeline), output) as table:
        return story.tune(pipeline, "", *options, [table], Path(root), output.print).frame
