"""kpipe: one YAML file describes a deep-learning pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpipe.version import __version__

if TYPE_CHECKING:
    import pandas as pd

    from kpipe.pipeline import Pipeline

__all__ = ["__version__", "tune"]


def tune(
    pipeline: Pipeline | Mapping[str, Any] | Path | str,
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
    from kpipe.pipeline import Pipeline
    from kpipe.search import story
    from kpipe.search.table import TrialTable
    from kpipe.spec.check import checked
    from kpipe.spec.document import document_of, read
    from kpipe.terminal import output

    if not isinstance(pipeline, Pipeline):
        document = document_of(pipeline) if isinstance(pipeline, Mapping) else read(pipeline)
        pipeline = checked(Pipeline, document)
    options = (backend, workers, ray, resume, fresh, register)
    if quiet:
        return story.tune(pipeline, "", *options, root=Path(root)).frame
    with TrialTable(story.searched(pipeline), output) as table:
        return story.tune(pipeline, "", *options, [table], Path(root), output.print).frame
