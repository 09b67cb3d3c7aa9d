"""Sent: how far MLflow was told of a run."""

from __future__ import annotations

from kpipe.spec.spec import Spec


class Sent(Spec):
    """What ``sent.json`` holds: where in MLflow the run is, how far in the journal it was told, how much it refused."""

    experiment_id: str = ""
    run_id: str = ""
    offset: int = 0
    model_id: str | None = None
    skipped: int = 0
