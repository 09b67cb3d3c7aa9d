"""kpipe show: what would be built."""

from __future__ import annotations

from typing import Annotated

import typer

from kpipe.commands.options import BackendOption, File, Overrides, load


def show(
    file: File,
    backend: BackendOption = None,
    overrides: Overrides = None,
    full: Annotated[bool, typer.Option("--full", help="print the effective YAML with every default too")] = False,
) -> None:
    """Show what would be built, without training: data, layers, arithmetic, parameters, memory, steps."""
    from kpipe import backend as engine
    from kpipe.show import plan, render
    from kpipe.terminal import output

    pipeline, _ = load(file, overrides)
    render(plan(pipeline, engine.choose(backend, pipeline.backend)), output, full=full)
