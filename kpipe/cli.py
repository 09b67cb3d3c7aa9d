"""The commands, each a few lines: read, call the verb, print. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from kpipe.errors import KpipeError, KpipeWarning, SpecError
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

File = Annotated[Path, typer.Argument(metavar="FILE", help="a pipeline's YAML file")]
Overrides = Annotated[
    Optional[list[str]],
    typer.Option("--set", metavar="PATH=VALUE", help="override a value, e.g. --set train.epochs=3 (repeatable)"),
]
BackendOption = Annotated[Optional[str], typer.Option("--backend", metavar="B", help="tensorflow, jax or torch")]
RunName = Annotated[
    str, typer.Argument(metavar="RUN", help="a run's name, a unique beginning of it, its MLflow id, or `last`")
]


def load(file: Path, overrides: list[str] | None) -> tuple[Any, Any]:
    from kpipe.pipeline import Pipeline
    from kpipe.spec.check import checked
    from kpipe.spec.document import read

    document = read(file, overrides or ())
    return checked(Pipeline, document), document


def as_typed(text: str, overrides: list[str] | None) -> str:
    """The file's text as it is kept with the run, headed by what ``--set`` put in its place."""
    return "".join(f"# --set {override}\n" for override in overrides or ()) + text


@app.command(epilog="Example: kpipe check pipelines/*.yaml")
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="pipelines to check")],
    overrides: Overrides = None,
) -> None:
    """Check pipelines: all mistakes at once, with their place and the nearest right name."""
    from kpipe.terminal import errors, output

    count = wrong = 0
    for file in files:
        try:
            pipeline, _ = load(file, overrides)
        except SpecError as error:
            errors.print(str(error), style=None)
            count, wrong = count + len(error.mistakes), wrong + 1
        else:
            output.print(f"{file}  ok  {pipeline.name}: {pipeline.data.type} -> {pipeline.model.type}")
    if count:
        errors.print(f"{count} mistake{'s' * (count > 1)} in {wrong} file{'s' * (wrong > 1)}")
        raise typer.Exit(2)


@app.command(epilog="Example: kpipe show pipelines/cnn_gap.yaml --full")
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


@app.command(epilog="Example: kpipe run pipelines/cnn_gap.yaml --backend jax --set train.epochs=3")
def run(
    file: Annotated[
        Optional[Path], typer.Argument(metavar="[FILE]", help="a pipeline's YAML file; not with --resume")
    ] = None,
    backend: BackendOption = None,
    overrides: Overrides = None,
    resume: Annotated[Optional[str], typer.Option("--resume", metavar="RUN", help="go on with a stopped run")] = None,
) -> None:
    """Train, evaluate and record a pipeline; Ctrl-C saves, and --resume goes on."""
    from kpipe import run as story
    from kpipe.progress import ProgressLine
    from kpipe.summary import print_summary
    from kpipe.terminal import output

    if (file is None) == (resume is None):
        raise typer.BadParameter("give a pipeline FILE, or --resume RUN (which has its own)")
    with ProgressLine(output) as progress:
        if resume is not None:
            if overrides:
                raise typer.BadParameter("a resumed run goes on as it began: --set does not go with --resume")
            finished = story.resume(resume, backend, [progress], say=output.print)
        else:
            assert file is not None
            pipeline, document = load(file, overrides)
            finished = story.run(pipeline, as_typed(document.text, overrides), backend, [progress], say=output.print)
    print_summary(finished, output)


@app.command(epilog="Example: kpipe predict last image.png folder/ --output predictions.csv")
def predict(
    run_name: RunName,
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUT...", help="an image, a folder, .npy, .npz, .csv or .parquet")
    ],
    backend: BackendOption = None,
    file: Annotated[
        Optional[Path], typer.Option("--output", "-o", metavar="FILE", help="write all of it to a .csv or .json file")
    ] = None,
) -> None:
    """Predict from raw input, prepared as in training: labels with probabilities, or values."""
    from kpipe.predict import predict_files
    from kpipe.summary import print_predictions, require_format, write_predictions
    from kpipe.terminal import output

    if file is not None:
        require_format(file)
    predictions = predict_files(run_name, inputs, backend)
    if file is None:
        print_predictions(predictions, output)
    else:
        write_predictions(predictions, file)
        output.print(f"predictions written to {file}: {len(predictions)}", soft_wrap=True)


@app.command(epilog="Example: kpipe evaluate last --split validation")
def evaluate(
    run_name: RunName,
    split: Annotated[Optional[str], typer.Option("--split", help="train, validation or test (the default)")] = None,
    data: Annotated[
        Optional[Path], typer.Option("--data", metavar="FILE", help="labelled data of your own instead of a split")
    ] = None,
    backend: BackendOption = None,
) -> None:
    """Measure a run's model on one of its splits, or on labelled data of your own."""
    from kpipe.predict import evaluate_run
    from kpipe.summary import print_metrics
    from kpipe.terminal import output

    if split is not None and data is not None:
        raise typer.BadParameter("give --split or --data, not both")
    print_metrics(evaluate_run(run_name, split or "test", data, backend), output)


@app.command("list", epilog="Example: kpipe list models")
def list_(
    section: Annotated[
        Optional[str], typer.Argument(metavar="[SECTION]", help="data, models, training, metrics, optimizers ...")
    ] = None,
) -> None:
    """List every component with its one-line description."""
    from kpipe.listing import listing
    from kpipe.summary import print_listing
    from kpipe.terminal import output

    print_listing(listing(section), output)


@app.command(epilog="Example: kpipe init image_folder flowers.yaml")
def init(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="[TEMPLATE] FILE",
            help="the file to write; TEMPLATE: digits (default), image_folder, npz, table, tfds",
        ),
    ],
) -> None:
    """Write a commented starter pipeline."""
    from kpipe.starter import write
    from kpipe.terminal import output

    if len(arguments) > 2:
        raise typer.BadParameter("give [TEMPLATE] FILE")
    template, file = arguments if len(arguments) == 2 else ("digits", arguments[0])
    write(template, Path(file))
    output.print(f"{file} written. Go on with:", soft_wrap=True)
    for verb in ("check", "show", "run"):
        output.print(f"  kpipe {verb} {file}", soft_wrap=True)


@app.command(epilog="Example: kpipe schema > kpipe.schema.json")
def schema() -> None:
    """Print the JSON Schema of a pipeline file, for editors."""
    import json

    from kpipe.pipeline import Pipeline
    from kpipe.spec.schema import json_schema

    typer.echo(json.dumps(json_schema(Pipeline), indent=1))


@app.command(epilog="Example: kpipe sync")
def sync(
    names: Annotated[
        Optional[list[str]],
        typer.Argument(metavar="[RUN...]", help="runs to send; by default all with something unsent"),
    ] = None,
) -> None:
    """Send to MLflow what could not be sent while the server was away."""
    from kpipe.runs import ROOT
    from kpipe.terminal import output
    from kpipe.tracking import tracking

    outcomes = tracking.sync(ROOT, names or ())
    for outcome in outcomes:
        output.print(outcome)
    if not outcomes:
        output.print("nothing to send: MLflow has everything")
    if not all(outcome.sent for outcome in outcomes):
        raise typer.Exit(1)


@app.command("ui", epilog="Example: kpipe ui --port 5000")
def ui_(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="where to listen, on this machine only")] = 5000,
) -> None:
    """Start the MLflow UI on this project's runs."""
    from kpipe.runs import ROOT
    from kpipe.terminal import output
    from kpipe.tracking import ui

    ui.serve(ROOT, port, lambda line: output.print(line, soft_wrap=True))


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
        hint = "what was saved before is kept; a stopped run goes on with: kpipe run --resume last"
        print_error(KpipeError(f"{place}{error.strerror or error}", hint))
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        from kpipe.terminal import print_bug

        print_bug(error)
        sys.exit(1)
