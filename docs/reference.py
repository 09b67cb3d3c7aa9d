"""Reference: Markdown made from the specs, a page per section of the YAML, and what an architecture's page shows."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from kpipe import listing
from kpipe.models.architecture import Architecture
from kpipe.pipeline import Pipeline
from kpipe.spec.expectation import SIMPLE, in_yaml
from kpipe.spec.keras_object import NOUNS, KerasObject, OfKind
from kpipe.spec.one_of import components, noun, section
from kpipe.spec.received import number
from kpipe.spec.shape import Shape, alternatives
from kpipe.spec.spec import Component

MODELS = "kpipe.models"
Part = type[BaseModel] | str
"""What a page describes: a spec, or the components of a folder."""


def pages() -> dict[str, str]:
    """Path -> Markdown: the pipeline's own fields, each of its sections, Keras's objects."""
    sections = {name: next(parts_in([field]), None) for name, field in FIELDS.items() if name != "expect"}
    pages = {name: section_page(name, part) for name, part in sections.items() if part}
    links = "\n".join(f"- [{name}]({name}.md): {prose(FIELDS[name].description)}" for name in pages)
    own = "".join(entry(name, field) for name, field in FIELDS.items() if name not in pages)
    text = f"# The pipeline\n\n{docstring(Pipeline)}{own}## Sections\n\n{links}\n\n"
    text += "".join(block(part, "##") for part in parts_in([FIELDS["expect"]]))
    return {f"reference/{name}.md": page for name, page in {"pipeline": text, **pages, "keras": keras_page()}.items()}


def section_page(name: str, part: Part) -> str:
    head = f"# {name}\n\n"
    if not isinstance(part, str):
        return head + with_parts(part)
    about = prose(FIELDS[name].description)
    head += f"{about[:1].upper()}{about[1:]}. Written as a `type` with its fields, or as the type's name alone.\n\n"
    if part == MODELS:
        return head + "".join(architecture_line(kind, model) for kind, model in components(MODELS).items())
    return head + with_parts(part)


def architecture(name: str) -> str:
    """What an architecture's docstring says, its fields, and what they are made of."""
    return with_parts(components(MODELS)[name])


def architecture_line(name: str, model: type[Component]) -> str:
    assert issubclass(model, Architecture)
    pairs = "; ".join(f"{kind} -> {', '.join(sorted(tasks))}" for kind, tasks in model.pairs.items())
    return f"[`{name}`](../models/{name}.md)\n:   {prose(model.summary())}\n\n    {pairs}\n\n"


def keras_page() -> str:
    text = "# Keras's objects\n\nA CamelCase name in a YAML is Keras's own: `{AdamW: {learning_rate: 1.0e-3}}`.\n\n"
    for kind, called in NOUNS.items():
        lines = (f"`{name}`\n:   {prose(about) or called}\n\n" for name, about in listing.of_keras(kind).items())
        text += f"## {kind.capitalize()} {{ #{kind} }}\n\n{''.join(lines)}"
    return text


def with_parts(part: Part) -> str:
    """A part, and below it every part that its fields take, each once."""
    found = [part]
    for known in found:  # which grows meanwhile
        specs = components(known).values() if isinstance(known, str) else [known]
        below = dict.fromkeys(parts_in(field for spec in specs for field in spec.model_fields.values()))
        found += [inner for inner in below if inner not in found]
    return block(part, "") + "".join(block(other, "##") for other in found[1:])


def parts_in(fields: Iterable[FieldInfo]) -> Iterator[Part]:
    waiting = [shape for field in fields for shape in allowed(field.annotation, field.metadata)]
    for shape in waiting:
        if shape.one_of or shape.spec:
            yield shape.one_of.package if shape.one_of else shape.annotation
        elif get_origin(shape.annotation) in (tuple, list, dict):
            waiting += [inner for item in get_args(shape.annotation) for inner in allowed(item)]


def allowed(annotation: Any, metadata: Sequence[Any] = ()) -> list[Shape]:
    return [*alternatives(annotation, tuple(metadata), None, None)]


def block(part: Part, level: str) -> str:
    """A part under a heading of a level, or of a page of its own without; components stand one level lower."""
    head = f"{level} {title(part)} {{ #{anchor(part)} }}\n\n" if level else ""
    if not isinstance(part, str):
        return head + docstring(part) + fields(part)
    found = components(part)
    reprs = [{(name, repr(field)) for name, field in spec.model_fields.items()} for spec in found.values()]
    shared = {name for name, _ in set.intersection(*reprs)} if len(found) > 1 else set()
    below = f"##{level[:1]}"
    for name, spec in found.items():
        head += f"{below} {name}\n\n{docstring(spec)}{fields(spec, without=shared)}"
    if shared:
        head += f"{below} Fields of each {noun(part)}\n\n{fields(spec, without={*spec.model_fields} - shared)}"
    return head


def title(part: Part) -> str:
    name = section(part) if isinstance(part, str) else re.sub(r"(?<=[a-z])(?=[A-Z])", " ", part.__name__)
    return name.capitalize()


def anchor(part: Part) -> str:
    return title(part).lower().replace(" ", "-")


def docstring(spec: type[BaseModel]) -> str:
    """What a docstring says: text as text, shapes and the example as code."""
    body, *rest = re.split(r"^(Shapes|Raises|Example|Reference):", inspect.getdoc(spec) or "", flags=re.MULTILINE)
    found = [paragraphs(body)]
    for head, part in zip(rest[::2], rest[1::2], strict=True):
        lines = inspect.cleandoc(part)
        if head == "Example":
            lines = f"```yaml\n{lines}\n```"
        elif head == "Shapes" and "->" in lines:
            lines = f"```text\n{lines.replace('``', '')}\n```"
        else:
            lines = paragraphs(lines)
        if lines.rstrip(".") != "Nothing":
            found.append(f"**{head}**\n\n{lines}")
    return "\n\n".join(found) + "\n\n"


def paragraphs(text: str) -> str:
    return "\n\n".join(prose(" ".join(part.split())) for part in text.strip().split("\n\n"))


def prose(text: str | None) -> str:
    """Text in Markdown: signs outside of code stand for themselves."""
    pieces = re.split(r"(`+[^`]+`+)", text or "")
    return "".join(
        part.replace("``", "`") if part[:1] == "`" else re.sub(r"([<*_\[\]])", r"\\\1", part) for part in pieces
    )


def fields(spec: type[BaseModel], without: Iterable[str] = ()) -> str:
    return "".join(entry(name, f) for name, f in spec.model_fields.items() if name not in {*without, "type"}) + "\n"


def entry(name: str, field: FieldInfo) -> str:
    """A field: its name, what it takes, its default, its description."""
    default = field.get_default(call_default_factory=True)
    written = "" if field.is_required() or default is None else plain(default)
    needed = "required" if field.is_required() else f"default `{written}`" if written else "optional"
    takes = any_of(allowed(field.annotation, field.metadata))
    return f"`{name}` {takes}; {needed}\n:   {prose(field.description)}\n\n"


def plain(value: Any) -> str:
    """A default as it is written in a file; of a mapping only what differs from its fields' own."""
    if isinstance(value, Component):
        return value.type
    if isinstance(value, BaseModel):
        return in_yaml(value.model_dump(exclude_defaults=True)).replace("{}", "")
    return in_yaml(value.plain if isinstance(value, KerasObject) else value) or '""'


def any_of(shapes: list[Shape], several: bool = False) -> str:
    return " or ".join(dict.fromkeys(words(shape, several) for shape in shapes))


def words(shape: Shape, several: bool = False) -> str:
    """What a field takes, with its range, and a link to what has a place of its own."""
    kind = next((item.kind for item in shape.metadata if isinstance(item, OfKind)), None)
    if kind or shape.one_of or shape.spec:
        part = shape.one_of.package if shape.one_of else shape.annotation
        name = f"Keras {NOUNS[kind]}" if kind else noun(part) if shape.one_of else title(part).lower()
        name += "s" if several and (kind or shape.one_of) else ""
        link = f"../reference/keras.md#{kind}" if kind else "" if part in TOP else f"#{anchor(part)}"
        return f"[{name}]({link})" if link else name
    if shape.choices:
        return ", ".join(f"`{in_yaml(choice)}`" for choice in shape.choices)
    args = [allowed(arg) for arg in get_args(shape.annotation) if arg is not Ellipsis]
    if get_origin(shape.annotation) is dict:
        return f"a mapping of {any_of(args[0], True)} to {any_of(args[1], True)}"
    if shape.is_list:
        length = f"{len(args)} " if len(args) > 1 else ""
        return f"{'lists' if several else 'a list'} of {length}{any_of(args[0], True)}"
    return SIMPLE.get(shape.annotation, ("any value", "any values"))[several] + within(shape.interval)


def within(interval: dict[str, float]) -> str:
    """Bounds in words: ``{"ge": 0, "lt": 1} -> in [0, 1)``."""
    found = {name: number(bound) for name, bound in interval.items()}
    low, high = found.get("ge", found.get("gt")), found.get("le", found.get("lt"))
    if low and high:
        return f" in {'[' if 'ge' in interval else '('}{low}, {high}{']' if 'le' in interval else ')'}"
    if low:
        return f", {'at least' if 'ge' in interval else 'more than'} {low}"
    return f", {'at most' if 'le' in interval else 'less than'} {high}" if high else ""


FIELDS = Pipeline.model_fields
TOP = {*parts_in(field for name, field in FIELDS.items() if name != "expect")}
"""The parts that have a page of their own."""
