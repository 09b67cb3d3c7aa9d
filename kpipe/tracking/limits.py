"""Limits: the names and lengths that MLflow takes."""

from __future__ import annotations

import posixpath
import re

from kpipe.errors import WrongInput

MAX_PARAM, MAX_TAG, MAX_KEY, MAX_DIGEST = 6000, 8000, 250, 8
METRICS_A_BATCH, OTHERS_A_BATCH = 800, 100


def key_of(name: str) -> str:
    """A name that MLflow takes for a param, metric or tag: letters, digits and ``/_-. :``."""
    clean = posixpath.normpath(re.sub(r"[^/\w.\- :]", "_", name)).lstrip("/.")
    return clean[:MAX_KEY].rstrip("/") or "_"


def cut(value: str, limit: int) -> str:
    return value if len(value) <= limit else value[: limit - 3] + "..."


def require_model_name(name: str) -> str:
    """A name for a registered model, also one that an address can hold: ``models:/NAME@champion``.

    Raises: WrongInput: MLflow would not take it.
    """
    if not re.fullmatch(r"[\w.-][\w. -]*", name) or name != posixpath.normpath(name) or name in (".", ".."):
        raise WrongInput(
            f"`{name}` cannot be the name of a registered model", "take letters, digits and any of `_ . -`"
        )
    return name
