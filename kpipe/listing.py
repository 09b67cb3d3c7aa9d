"""Listing: every component that a pipeline can name, with its one line, from the specs themselves."""

from __future__ import annotations

from kpipe.errors import WrongInput
from kpipe.models.architecture import Architecture
from kpipe.spec import keras_source
from kpipe.spec.keras_object import NOUNS
from kpipe.spec.keras_source import Kind
from kpipe.spec.mistake import nearest
from kpipe.spec.one_of import components
from kpipe.spec.spec import Component

PACKAGES = {
    "data": "kpipe.data",
    "models": "kpipe.models",
    "training": "kpipe.training",
    "schedules": "kpipe.training.schedules",
    "decoding": "kpipe.decoding",
    "tuning": "kpipe.tuning",
    "tokenization": "kpipe.tokenization",
    "metrics": "kpipe.evaluation.metrics",
    "plots": "kpipe.evaluation.plots",
}
"""Where the components of a section live. The first words of `kpipe list`; Keras's own kinds follow."""


def sections() -> tuple[str, ...]:
    """Every word that ``kpipe list`` takes."""
    return tuple(dict.fromkeys((*PACKAGES, *NOUNS)))


def listing(section: str | None = None) -> dict[str, dict[str, str]]:
    """Title -> name -> description, for one section; without one: all of kpipe's, and Keras's kinds in a line each.

    Raises: WrongInput: there is no such section.
    """
    if section is None:
        keras: dict[str, str] = {kind: f"{len(keras_source.names(kind))} by name: kpipe list {kind}" for kind in NOUNS}
        return {name: of_package(package) for name, package in PACKAGES.items()} | {"Keras objects": keras}
    if section not in sections():
        near = nearest(section, sections())
        meant = f"did you mean `{near}`? " if near else ""
        raise WrongInput(f"no section `{section}`", f"{meant}one of: {', '.join(sections())}")
    found = {section: of_package(PACKAGES[section])} if section in PACKAGES else {}
    return found | {f"Keras {kind}": of_keras(kind) for kind in NOUNS if kind == section}


def of_package(package: str) -> dict[str, str]:
    return {name: described(component) for name, component in components(package).items()}


def described(component: type[Component]) -> str:
    """The component's one line; of an architecture also what it learns from which inputs."""
    lines = [component.summary()]
    if issubclass(component, Architecture):
        lines += [f"{kind} -> {', '.join(sorted(tasks))}" for kind, tasks in component.pairs.items()]
    return "\n".join(lines)


def of_keras(kind: Kind) -> dict[str, str]:
    return {name: keras_source.public(kind, name).summary for name in keras_source.names(kind)}
