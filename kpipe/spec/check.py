"""Check: a document becomes a spec, or all of its mistakes at once, each with its place, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from kpipe.errors import SpecError
from kpipe.spec.document import Document
from kpipe.spec.mistake import Mistake, Path, Place, Problem
from kpipe.spec.node import Node
from kpipe.spec.one_of import names_component
from kpipe.spec.shape import shapes_at
from kpipe.spec.wording import TYPE_MISTAKES, Wrong, explain

Checked = TypeVar("Checked", bound=BaseModel)

MOST: Final = 100
"""Mistakes that are explained; nobody reads more at once."""


def checked(spec_class: type[Checked], document: Document) -> Checked:
    """The pipeline that a document describes.

    Raises: SpecError: with all mistakes of the document, sorted by place.
    """
    mistakes = list(document.mistakes)
    if document.root is not None:
        try:
            spec = spec_class.model_validate(document.data)
        except ValidationError as error:
            mistakes += mistakes_of(spec_class, document, document.root, error)
        else:
            if not mistakes:
                return spec
    raise SpecError(tuple(in_order(mistakes, document)))


def mistakes_of(
    spec_class: type[BaseModel], document: Document, root: Node, error: ValidationError
) -> Iterator[Mistake]:
    """A mistake for each thing that is wrong."""
    errors = errors_of(root, error)
    for one in errors[:MOST]:
        for problem in problems_of(spec_class, root, one):
            yield of_problem(document, problem)
    if len(errors) > MOST:
        yield Mistake(Place(document.source), (), f"{len(errors) - MOST} more mistakes", "mend the ones above first")


def errors_of(root: Node, error: ValidationError) -> list[Located]:
    """Pydantic's errors, each with its place; without those that only follow from others."""
    located = [locate(root, details) for details in error.errors(include_url=False)]
    return [one for one in best_branches(located) if not is_consequence(one, root)]


def problems_of(spec_class: type[BaseModel], root: Node, error: Located) -> Iterator[Problem]:
    """An error in words; one that a validator found itself may hold several."""
    if error.kind != "problems":
        shapes = shapes_at(spec_class, error.path, root)
        yield explain(Wrong(spec_class, root, error.path, error.kind, error.input, error.context, shapes))
    for problem in error.problems:
        key = None if problem.key is None else (*error.path, *problem.key)
        yield Problem((*error.path, *problem.path), problem.message, problem.hint, key)


def of_problem(document: Document, problem: Problem) -> Mistake:
    """A problem at its place in the document."""
    place = document.place(problem.path) if problem.key is None else document.key_place(problem.key)
    return Mistake(place, problem.path, problem.message, problem.hint)


@dataclass(frozen=True)
class Located:
    """One of pydantic's errors with its path in the YAML, and the branches of unions it went through."""

    kind: str
    path: Path
    input: Any
    context: dict[str, Any]
    branches: tuple[tuple[Path, str], ...] = ()
    problems: tuple[Problem, ...] = field(default=())


def locate(root: Node, details: ErrorDetails) -> Located:
    """Follows an error's ``loc`` in the tree: what is neither a key nor a position there names a type, not a place."""
    kind, context = details["type"], details.get("ctx", {})
    path: list[str | int] = []
    branches: list[tuple[Path, str]] = []
    node: Node | None = root
    tag_taken = False
    for index, part in enumerate(details["loc"]):
        last = index == len(details["loc"]) - 1
        if not tag_taken and node is not None and names_component(node, part) and not (last and kind == "missing"):
            tag_taken = True
            continue
        below = node.child(part) if node is not None else None
        if below is not None or (last and kind == "missing"):
            path.append(part)
            node, tag_taken = below, False
        elif isinstance(part, str) and part != "[key]":
            branches.append((tuple(path), part))
    is_key = details["loc"][-1:] == ("[key]",)
    return Located(
        "wrong_key" if is_key else kind,
        tuple(path),
        details["input"],
        context,
        tuple(branches),
        tuple(context.get("problems", ())),
    )


def best_branches(errors: Iterable[Located]) -> Iterator[Located]:
    """Of the members of a union only the errors of the one that was meant: where the type is right, or the deepest."""
    groups: dict[Path, dict[str, list[Located]]] = {}
    for error in errors:
        if error.branches:
            path, label = error.branches[0]
            groups.setdefault(path, {}).setdefault(label, []).append(error)
        else:
            yield error
    for path, members in groups.items():
        yield from max(members.values(), key=lambda found: depth(found, path))


def depth(errors: list[Located], path: Path) -> int:
    """How far into the value a member of a union agreed with it."""
    return max(2 * (len(error.path) - len(path)) + (error.kind not in TYPE_MISTAKES) for error in errors)


def is_consequence(error: Located, root: Node) -> bool:
    """Whether a list is only called too short because its items are wrong."""
    if error.kind != "too_short" or error.context.get("field_type") == "Dictionary":
        return False
    node = list(root.walk(error.path))[-1]
    return not node.is_list or len(node.value) >= error.context.get("min_length", 0)


def in_order(mistakes: Iterable[Mistake], document: Document) -> list[Mistake]:
    """By file (this one first, what it extends, the command line), then by line; the same mistake once."""
    order = {str(file): number for number, file in enumerate(document.files)}

    def rank(one: Mistake) -> tuple[bool, int, str, int, int]:
        place = one.place
        return (not place.line, order.get(place.source, len(order)), place.source, place.line, place.column)

    return sorted(dict.fromkeys(mistakes), key=rank)
