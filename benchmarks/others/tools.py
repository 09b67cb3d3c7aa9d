"""What is compared: each tool's files, its commands, and where a test may find its accuracy."""

from __future__ import annotations

from dataclasses import dataclass

NUMBER = r"(0?\.\d+|1\.0*|1|0)\b"


@dataclass(frozen=True)
class Tool:
    """``written`` are the files that a user writes, ``others`` what else the commands need, ``unwanted`` what has to go
    from the environment's packages; ``typo`` is a field, that loses its last letter."""

    name: str
    package: str
    written: tuple[str, ...]
    help: str
    work: str
    accuracy: str
    typo: str = "epochs"
    others: tuple[str, ...] = ()
    unwanted: str = ""


TOOLS = {
    "kpipe": Tool(
        name="kpipe",
        package="kpipe",
        written=("../../../pipelines/cnn_gap.yaml",),
        help="kpipe --help",
        work="kpipe run cnn_gap.yaml",
        accuracy=rf"^test +accuracy {NUMBER}",
    ),
    "plain_keras": Tool(
        name="plain Keras",
        package="keras",
        written=("digits.py",),
        help='python -c "import keras"',
        work="python digits.py",
        accuracy=rf"^test accuracy {NUMBER}",
    ),
    "ludwig": Tool(
        name="Ludwig",
        package="ludwig",
        written=("digits.yaml",),
        help="python start.py --help",
        work="python start.py experiment --config digits.yaml --dataset digits.csv",
        accuracy=rf"'token_accuracy': {NUMBER}",
        others=("start.py",),
        unwanted="torchaudio/lib",  # built for CUDA; torchaudio goes without it, but not if it cannot be loaded
    ),
    "lightning": Tool(
        name="LightningCLI",
        package="lightning",
        written=("digits.yaml", "digits.py"),
        help="python digits.py --help",
        work="python digits.py --config digits.yaml",
        accuracy=rf"test_accuracy\W+{NUMBER}",
        typo="max_epochs",
    ),
    "autokeras": Tool(
        name="AutoKeras",
        package="autokeras",
        written=("digits.py",),
        help='python -c "import autokeras"',
        work="python digits.py",
        accuracy=rf"^test accuracy {NUMBER}",
    ),
}
