"""The program ``kpipe``: its commands, and the last door for errors."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Annotated

import typer

from kpipe.commands.bench import bench
from kpipe.commands.check import check
from kpipe.commands.compare import compare
from kpipe.commands.diff import diff
from kpipe.commands.eject import eject
from kpipe.commands.evaluate import evaluate
from kpipe.commands.export import export
from kpipe.commands.init import init
from kpipe.commands.listing import listing
from kpipe.commands.parity import parity
from kpipe.commands.predict import predict
from kpipe.commands.run import run
from kpipe.commands.schema import schema
from kpipe.commands.show import show
from kpipe.commands.sync import sync
from kpipe.commands.tune import tune
from kpipe.commands.ui import ui
from kpipe.errors import KpipeError, KpipeWarning
from kpipe.version import __version__

app = typer.Typer(
    name="kpipe",
    help="One YAML file describes a deep-learning pipeline; kpipe trains it on TensorFlow, JAX or PyTorch.",
    epilog="Start with: kpipe init my.yaml, kpipe check my.yaml, kpipe run my.yaml.  "
    "Any command takes --debug for tracebacks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMANDS: Mapping[str, tuple[Callable[..., None], str]] = {
    "check": (check, "kpipe check pipelines/*.yaml"),
    "show": (show, "kpipe show pipelines/cnn_gap.yaml --full"),
    "run": (run, "kpipe run pipelines/cnn_gap.yaml --backend jax --set train.epochs=3"),
    "bench": (bench, "kpipe bench pipelines/cnn_gap.yaml --backends jax,torch"),
    "tune": (tune, "kpipe tune pipelines/tune_cnn_gap.yaml --workers 2"),
    "compare": (compare, "kpipe compare brisk-otter-412 calm-fox-9"),
    "diff": (diff, "kpipe diff pipelines/cnn_gap.yaml last"),
    "predict": (predict, "kpipe predict last image.png folder/ --output predictions.csv"),
    "evaluate": (evaluate, "kpipe evaluate last --split validation"),
    "export": (export, "kpipe export last --format onnx --format litert --int8"),
    "eject": (eject, "kpipe eject pipelines/cnn_gap.yaml --output cnn_gap.py"),
    "parity": (parity, "kpipe parity pipelines/rnn_digits.yaml --steps 50"),
    "list": (listing, "kpipe list models"),
    "init": (init, "kpipe init image_folder flowers.yaml"),
    "schema": (schema, "kpipe schema > kpipe.schema.json"),
    "sync": (sync, "kpipe sync"),
    "ui": (ui, "kpipe ui --port 5000"),
}
"""Every command with an example of it."""

for name, (command, example) in COMMANDS.items():
    app.command(name, epilog=f"Example: {example}")(command)


def version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kpipe {__version__}")
        raise typer.Exit


@app.callback()
def top(
    _version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="print the version and exit")
    ] = False,
) -> None:
    pass


def show_warning(message: Warning | str, category: type[Warning], *_place: object) -> None:
    """kpipe's own warnings as one line; those of other packages are for ``--debug``."""
    if issubclass(category, KpipeWarning):
        from kpipe.terminal import errors

        errors.print(f"warning  {message}")


def main() -> None:
    """The console script: a person's mistake is one clear error; only --debug shows a traceback."""
    debug = "--debug" in sys.argv
    sys.argv = [word for word in sys.argv if word != "--debug"]
    if not debug:
        warnings.showwarning = show_warning  # type: ignore[assignment]
    try:
        app()
    except KpipeError as error:
        if debug:
            raise
        from kpipe.terminal import print_error

        print_error(error)
        sys.exit(error.exit_code)
    except OSError as error:
        if debug:
            raise
        from kpipe.terminal import print_error

        place = f"{error.filename}: " if error.filename else ""
        hint = "what was saved before is kept"
        if sys.argv[1:2] in (["run"], ["tune"]):
            hint += "; a run goes on with: kpipe run --resume last, a search by itself"
        print_error(KpipeError(f"{place}{error.strerror or error}", hint))
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        from kpipe.terminal import print_bug

        print_bug(error)
        sys.exit(1)
