"""kpipe bench: how long a pipeline takes on each backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Optional

import typer

from kpipe.commands.options import File, Overrides, load

if TYPE_CHECKING:
    from kpipe.backend import Backend

STEPS = 25  # of kpipe.bench.fastest, which is not imported for `--help`


def bench(
    file: File,
    overrides: Overrides = None,
    backends: Annotated[
        Optional[str], typer.Option("--backends", metavar="B,B", help="which to time, by default all installed")
    ] = None,
    steps: Annotated[
        int, typer.Option("--steps", metavar="N", min=2, max=10_000, help="steps in an epoch that is timed, at most")
    ] = STEPS,
    fresh: Annotated[bool, typer.Option("--fresh", help="measure anew what was measured before")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Time some steps of a pipeline on each backend, and say what the whole run would take."""
    import json

    from kpipe.bench.fastest import bench as measure
    from kpipe.bench.fastest import require_one
    from kpipe.bench.table import TimingLine, print_bench, record
    from kpipe.pipeline import load_splits
    from kpipe.terminal import errors, output

    pipeline, _ = load(file, overrides)
    engines = chosen(backends)
    splits = load_splits(pipeline)
    with TimingLine(errors) as line:
        found = measure(pipeline, splits, engines, line.hear, steps, fresh)
    if as_json:
        typer.echo(json.dumps(record(found), indent=1))
    elif found.ranking:
        print_bench(found, output)
    require_one(found)


def chosen(words: str | None) -> list[Backend]:
    """The backends that are named, in that order. Raises: WrongInput, MissingExtra."""
    from kpipe import backend
    from kpipe.errors import MissingExtra, WrongInput

    if words is None:
        if not backend.installed():
            raise MissingExtra("no backend is installed", "pip install 'kpipe[jax]', or 'kpipe[torch]'")
        return list(backend.installed())
    names = [word.strip() for word in words.split(",") if word.strip()]
    for name in names:
        if name not in backend.BACKENDS:
            raise WrongInput(f"--backends: no backend `{name}`", f"choose from: {', '.join(backend.BACKENDS)}")
    if not names:
        raise WrongInput("--backends: no backend is named", f"choose from: {', '.join(backend.BACKENDS)}")
    return list(dict.fromkeys(backend.choose(name, None) for name in names))
