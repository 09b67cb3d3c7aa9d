"""kpipe show: what would be built."""

from __future__ import annotations

from typing import Annotated

import typer

from kpipe.commands.options import File, Overrides, WishOption, load


def show(
    file: File,
    backend: WishOption = None,
    overrides: Overrides = None,
    full: Annotated[bool, typer.Option("--full", help="print the effective YAML with every default too")] = False,
) -> None:
    """Show what would be built, without training: data, layers, arithmetic, parameters, memory, steps."""
    from kpipe import backend as engine
    from kpipe.show import plan, print_beside, render
    from kpipe.terminal import output

    pipeline, _ = load(file, overrides)
    if not engine.wants_fastest(backend, pipeline.backend):
        render(plan(pipeline, engine.choose(backend, pipeline.backend)), output, full=full)
        return
    from kpipe.bench.fastest import known
    from kpipe.pipeline import load_splits

    splits = load_splits(pipeline)
    found = known(pipeline, splits)
    shown = found.ranking[0].backend if found else engine.choose(next(iter(engine.installed()), "tensorflow"), None)
    render(plan(pipeline, shown, splits), output, full=full)
    later = f"not measured yet; kpipe run does it first, or kpipe bench. Shown for {shown}"
    print_beside("fastest", found.words if found else later, output)
