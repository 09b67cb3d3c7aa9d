"""What PyYAML and libyaml complain about, in words for the person who wrote the file."""

from __future__ import annotations

import yaml

from kpipe.spec.mistake import Mistake, printable
from kpipe.spec.text import Text


def explain(error: yaml.MarkedYAMLError, text: Text) -> Mistake:
    """One mistake for a syntax error, with its place and a hint."""
    mark = error.problem_mark or error.context_mark
    assert mark is not None
    line = text.line(mark.line + 1)
    message, hint, at_context = words(error, line[: mark.column], line[mark.column : mark.column + 1])
    if at_context and error.context_mark is not None:
        mark = error.context_mark
    return Mistake(text.place(mark.line, mark.column, 1), (), message, hint)


def words(error: yaml.MarkedYAMLError, before: str, char: str) -> tuple[str, str, bool]:
    """Message, hint, and whether to point at where the broken thing began; ``char`` stands at the error's place."""
    problem, context = error.problem or "", error.context or ""
    if char == "\t":
        return "a tab where YAML wants spaces", "indent with spaces", False
    if "cannot start any token" in problem:
        return f"no value can begin with `{printable(char)}`", "put the text in quotes", False
    if "mapping values are not allowed" in problem:
        return "a `:` that fits nothing here", "check the indentation, or put the text in quotes", False
    if "quoted scalar" in context and "end of stream" in problem:
        return "this quote is never closed", "add the closing quote", True
    if "escape" in problem:
        return "an escape that YAML does not know", "use single quotes: they take a backslash as it is", False
    if "flow sequence" in context:
        return "this `[` is never closed, or a comma is missing after it", "a list: [1, 2, 3]", True
    if "flow mapping" in context:
        return "this `{` is never closed, or a comma is missing after it", "a mapping: {a: 1, b: 2}", True
    if char == ":" and before.strip():
        return "a `:` that fits nothing here", "is a `:` missing in the line above?", False
    if char == ":":
        return "a key is missing before this `:`", "write `name: value`", False
    if char and char in "]}":
        return f"this `{char}` closes nothing", "remove it", False
    if char == ",":
        return "a comma with nothing before it", "remove it, or write the value", False
    if before.strip(" -"):
        return "more text where the value has ended", "put the whole value in quotes", False
    if "block mapping" in context or "block collection" in context or "block sequence" in context:
        return "this line does not fit the ones above", "give fields of one section the same indentation", False
    if "expected ':'" in problem:
        return "a `:` is missing after this key", "write `name: value`, with a space after the colon", True
    if "document start" in problem:
        return "the document has ended before this", "check the indentation, and remove a line `...`", False
    return f"no YAML: {printable(problem)}", "check the line above as well", False
