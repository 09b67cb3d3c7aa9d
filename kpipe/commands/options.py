"""Options and arguments that several commands take, and the reading of a pipeline with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

if TYPE_CHECKING:
    from kpipe.pipeline import Pipeline
    from kpipe.spec.document import Document

File = Annotated[Path, typer.Argument(metavar="FILE", help="a pipeline's YAML file")]
Overrides = Annotated[
    Optional[list[str]],
    typer.Option("--set", metavar="PATH=VALUE", help="override a value, e.g. --set train.epochs=3 (repeatable)"),
]
BackendOption = Annotated[Optional[str], typer.Option("--backend", metavar="B", help="tensorflow, jax or torch")]
WishOption = Annotated[
    Optional[str], typer.Option("--backend", metavar="B", help="tensorflow, jax, torch, or fastest, which is measured")
]
RunName = Annotated[
    str, typer.Argument(metavar="RUN", help="a run's name, a unique beginning of it, its MLflow id, or `last`")
]


def load(file: Path, overrides: list[str] | None) -> tuple[Pipeline, Document]:
    """The checked pipeline, and the document it was read from. Raises: SpecError."""
    from kpipe.pipeline import Pipeline
    from kpipe.spec.check import checked
    from kpipe.spec.document import read

    document = read(file, overrides or ())
    return checked(Pipeline, document), document
