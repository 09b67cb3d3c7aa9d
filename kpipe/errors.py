"""Everything that can go wrong, as one tree.

KpipeError                 exit code 1
├── WrongInput             exit code 2: what the person wrote or pointed at
│   ├── SpecError          mistakes in a pipeline file, ``--set`` or ``extends``; holds all of them
│   ├── DataError          the data cannot be read or does not hold what the pipeline says
│   ├── MissingExtra       a package that this pipeline needs is not installed
│   └── RunNotFound        no run of that name
└── RunFailed              exit code 1: the input was right, the run went wrong
    ├── Diverged           the loss became NaN or infinite
    ├── NotSaved           a file of the run cannot be written; what was saved before is still there
    ├── TrackingError      the MLflow server or store refuses
    └── Interrupted        Ctrl-C or SIGTERM, after saving; exit code 128 + signal
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kpipe.spec.mistake import Mistake


class KpipeError(Exception):
    """An error with a message for the person at the terminal and a hint on how to go on."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class KpipeWarning(UserWarning):
    """Something went wrong that kpipe could mend; the run goes on."""


class WrongInput(KpipeError):
    exit_code = 2


class SpecError(WrongInput):
    """All the mistakes found in one pipeline."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("\n".join(mistake.render() for mistake in mistakes))
        self.mistakes = mistakes


class DataError(WrongInput):
    pass


class MissingExtra(WrongInput):
    pass


class RunNotFound(WrongInput):
    pass


class RunFailed(KpipeError):
    exit_code = 1


class Diverged(RunFailed):
    pass


class NotSaved(RunFailed):
    pass


class TrackingError(RunFailed):
    pass


class Interrupted(RunFailed):
    """The run was asked to stop; it has saved its state."""

    def __init__(self, message: str, hint: str = "", signal: int = 2) -> None:
        super().__init__(message, hint)
        self.exit_code = 128 + signal
