"""What Keras calls its objects and their arguments, read from its source text: Keras itself is not imported."""

from __future__ import annotations

import ast
import functools
import importlib.util
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from kpipe.errors import MissingExtra

Kind = Literal["optimizers", "schedules", "losses", "metrics", "activations", "initializers", "regularizers", "layers"]

MODULES: Final[dict[Kind, str]] = {
    "optimizers": "keras.optimizers",
    "schedules": "keras.optimizers.schedules",
    "losses": "keras.losses",
    "metrics": "keras.metrics",
    "activations": "keras.activations",
    "initializers": "keras.initializers",
    "regularizers": "keras.regularizers",
    "layers": "keras.layers",
}

PYTHON_ONLY: Final = (
    "Optimizer LossScaleOptimizer MultiOptimizer OptimizerMap Loss LearningRateSchedule Metric Mean MeanMetricWrapper "
    "Sum Initializer Regularizer Layer Lambda Wrapper RNN TFSMLayer TorchModuleWrapper JaxLayer FlaxLayer "
    "StackedRNNCells AbstractRNNCell Input InputLayer InputSpec Pipeline"
)
"""Public names that need Python objects or code, or are no object of their own."""


class Unknown:
    """The default of an argument is not a literal."""


@dataclass(frozen=True)
class Argument:
    name: str
    required: bool
    default: Any = None


@dataclass(frozen=True)
class Found:
    """A class or function in Keras's source, and the module it stands in."""

    node: ast.ClassDef | ast.FunctionDef
    module: str

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return (ast.get_docstring(self.node) or "").split("\n", 1)[0]


@functools.cache
def keras_folder() -> Path:
    """Raises: MissingExtra: Keras is not installed."""
    spec = importlib.util.find_spec("keras")
    if spec is None or spec.origin is None:
        raise MissingExtra("keras is not installed", "pip install keras")
    return Path(spec.origin).parent


def source_of(module: str) -> Path | None:
    """The file of a module below ``keras``."""
    place = keras_folder().parent.joinpath(*module.split("."))
    for file in (place.with_suffix(".py"), place / "__init__.py"):
        if file.is_file():
            return file
    return None


@functools.cache
def tree(module: str) -> ast.Module:
    file = source_of(module)
    return ast.parse(file.read_text(encoding="utf-8")) if file else ast.Module([], [])


@functools.cache
def imported(module: str) -> dict[str, tuple[str, str]]:
    """The names a module imports from others: ``{"AdamW": ("keras.src.optimizers.adamw", "AdamW")}``."""
    return {
        alias.asname or alias.name: (statement.module or "", alias.name)
        for statement in tree(module).body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }


@functools.cache
def names(kind: Kind) -> tuple[str, ...]:
    """The public names of a kind that a YAML can give: classes in CamelCase, activations as functions."""
    public = imported(MODULES[kind])
    if kind == "activations":
        return tuple(sorted(name for name in public if name not in ("get", "serialize", "deserialize")))
    return tuple(sorted(name for name in public if name[0].isupper() and name not in PYTHON_ONLY.split()))


@functools.cache
def aliases(kind: Kind) -> frozenset[str]:
    """Every word that Keras itself takes for an object of this kind, as ``glorot_uniform``."""
    return frozenset(imported(MODULES[kind])) - {"get", "serialize", "deserialize"}


@functools.cache
def find(module: str, name: str) -> Found | None:
    """The class or function ``name`` of a module, through re-exports."""
    for statement in tree(module).body:
        if isinstance(statement, (ast.ClassDef, ast.FunctionDef)) and statement.name == name:
            return Found(statement, module)
    if name in imported(module):
        return find(*imported(module)[name])
    return None


def public(kind: Kind, name: str) -> Found:
    """The class or function behind a public name. Raises: KeyError: there is none."""
    found = find(MODULES[kind], name)
    if found is None:
        raise KeyError(f"{MODULES[kind]}.{name}")
    return found


@functools.cache
def own_arguments(found: Found) -> tuple[tuple[Argument, ...], bool]:
    """The arguments of a class, without ``self``, and whether it takes more through ``**kwargs``."""
    constructor = constructor_of(found)
    if constructor is None:
        return (), False
    spec = constructor.args
    positional = spec.posonlyargs + spec.args
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(spec.defaults)) + list(spec.defaults)
    pairs = [*zip(positional, defaults, strict=True), *zip(spec.kwonlyargs, spec.kw_defaults, strict=True)]
    return tuple(Argument(arg.arg, value is None, literal(value)) for arg, value in pairs[1:]), spec.kwarg is not None


def constructor_of(found: Found) -> ast.FunctionDef | None:
    """The nearest ``__init__`` of a class or of those above it."""
    for statement in found.node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            return statement
    return next((init for base in bases(found) if (init := constructor_of(base)) is not None), None)


def literal(value: ast.expr | None) -> Any:
    try:
        return None if value is None else ast.literal_eval(value)
    except ValueError:
        return Unknown


def bases(found: Found) -> list[Found]:
    """The classes directly above, as far as they stand in Keras's own source."""
    above: list[Found | None] = []
    for base in found.node.bases if isinstance(found.node, ast.ClassDef) else ():
        if isinstance(base, ast.Name):
            above.append(find(found.module, base.id))
        elif isinstance(base, ast.Attribute) and isinstance(base.value, ast.Name):
            package, module = imported(found.module).get(base.value.id, ("", ""))
            above.append(find(f"{package}.{module}", base.attr))
    return [base for base in above if base is not None]


def arguments_for(found: Found, written: Collection[str]) -> dict[str, Argument]:
    """Enough of the arguments to judge what was written: those of the classes above only where its own do not do."""
    own = {argument.name: argument for argument in own_arguments(found)[0]}
    return own if set(written) <= set(own) else arguments(found)


@functools.cache
def arguments(found: Found) -> dict[str, Argument]:
    """Every argument by name; where ``**kwargs`` hands on to the classes above, theirs too."""
    own, takes_more = own_arguments(found)
    result = {argument.name: argument for argument in own}
    for base in bases(found) if takes_more else ():
        for name, argument in arguments(base).items():
            result.setdefault(name, Argument(name, required=False, default=argument.default))
    return result
