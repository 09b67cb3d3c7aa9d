"""kpipe predict: a trained model on raw input."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from kpipe.commands.options import BackendOption, RunName


def predict(
    run_name: RunName,
    inputs: Annotated[
        Optional[list[Path]],
        typer.Argument(
            metavar="[INPUT...]",
            help="images, folders, .npy, .npz, .csv, .parquet, .txt (a text a line); - reads texts from standard input",
        ),
    ] = None,
    texts: Annotated[Optional[list[str]], typer.Option("--text", help="a text itself (repeatable)")] = None,
    backend: BackendOption = None,
    overrides: Annotated[
        Optional[list[str]],
        typer.Option("--set", metavar="PATH=VALUE", help="another way of decoding text, e.g. --set decode=sampling"),
    ] = None,
    file: Annotated[
        Optional[Path], typer.Option("--output", "-o", metavar="FILE", help="write all of it to a .csv or .json file")
    ] = None,
) -> None:
    """Predict from raw input, prepared as in training: labels, values, tags, forecasts or text."""
    from kpipe.predict import predict_inputs
    from kpipe.summary import print_predictions, require_writable, write_predictions
    from kpipe.terminal import output

    paths = [path for path in inputs or () if str(path) != "-"]
    said = [*(texts or ()), *(read_lines() if len(paths) < len(inputs or ()) else ())]
    if not paths and not said:
        raise typer.BadParameter("give INPUT, --text or - for standard input")
    if file is not None:
        require_writable(file, paths)
    predictions = predict_inputs(run_name, paths, said, backend, overrides or ())
    if file is None:
        print_predictions(predictions, output)
    else:
        write_predictions(predictions, file)
        output.print(f"predictions written to {file}: {len(predictions)}", soft_wrap=True)


def read_lines() -> list[str]:
    """The lines of standard input, without empty ones."""
    from kpipe.errors import DataError

    try:
        lines = [line.rstrip("\r\n") for line in typer.get_text_stream("stdin", encoding="utf-8")]
    except UnicodeDecodeError as error:
        raise DataError(f"standard input is no UTF-8: {error.reason}", "iconv -f latin1 -t utf-8 makes it so") from None
    return [line for line in lines if line.strip()]
