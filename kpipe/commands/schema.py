"""kpipe schema: the JSON Schema, for editors."""

from __future__ import annotations

import typer


def schema() -> None:
    """Print the JSON Schema of a pipeline file, for editors."""
    import json

    from kpipe.pipeline import Pipeline
    from kpipe.spec.schema import json_schema

    typer.echo(json.dumps(json_schema(Pipeline), indent=1))
