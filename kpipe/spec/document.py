"""Document: what stands in a pipeline's YAML, after ``extends`` and ``--set``, with the place of each key and value."""

from __future__ import annotations

import errno
import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from kpipe.spec import mistake, override
from kpipe.spec.merge import merge
from kpipe.spec.mistake import Mistake, Place
from kpipe.spec.node import Entry, Node, node_of
from kpipe.spec.text import MAX_BYTES
from kpipe.spec.yaml import Parsed, parse

MAX_FILES: Final = 50


@dataclass(frozen=True)
class Document:
    """A pipeline as written. ``root`` is None when it could not be read: then the mistakes say why.

    ``text`` is the file's own text; ``files`` are all that were read, this one first.
    """

    source: str
    root: Node | None
    mistakes: tuple[Mistake, ...] = ()
    text: str = ""
    files: tuple[Path, ...] = ()

    @property
    def data(self) -> dict[str, Any]:
        """The plain data; empty when it could not be read."""
        plain: dict[str, Any] = self.root.plain if self.root is not None else {}
        return plain

    def place(self, path: mistake.Path) -> Place:
        """Where to point for the value at ``path``: at it, or at the key of the section that lacks it."""
        if self.root is None:
            return Place(self.source)
        found = list(self.root.walk(path))
        node = found[-1]
        there = path[: len(found) - 1]
        if (node.is_mapping or node.is_list) and node.place.text[node.place.column - 1 :][:1] not in ("[", "{"):
            return self.key_place(there) if there else node.place
        return node.place

    def key_place(self, path: mistake.Path) -> Place:
        """Where the last key of ``path`` stands; for a position in a list, where that item stands."""
        if self.root is None or not path:
            return self.place(path)
        above = list(self.root.walk(path[:-1]))
        if len(above) < len(path):
            return self.place(path)
        entry = above[-1].entries.get(str(path[-1]))
        item = above[-1].child(path[-1])
        return entry.key if entry is not None else item.place if item is not None else self.place(path[:-1])


def read(path: Path | str, overrides: Sequence[str] = ()) -> Document:
    """Reads a pipeline file with what it extends, and puts the overrides in. Mistakes are gathered, never raised."""
    path = Path(path)
    reading = _Reading()
    root = reading.file(path, ())
    mistakes = tuple(reading.mistakes)
    if root is not None and not reading.broken:
        root, more = override.apply(root, overrides)
        mistakes += more
    else:
        root = None
    return Document(str(path), root, mistakes, reading.text, tuple(reading.done))


def document_of(data: Mapping[str, Any], source: str = "pipeline", overrides: Sequence[str] = ()) -> Document:
    """A document for a pipeline made in Python."""
    root, mistakes = override.apply(node_of(data, Place(source)), overrides)
    return Document(source, root, mistakes)


@dataclass
class _Reading:
    """A file and those it extends: each is read once, and none may extend itself."""

    mistakes: list[Mistake] = field(default_factory=list)
    done: dict[Path, Node | None] = field(default_factory=dict)
    text: str = ""
    broken: bool = False

    def file(self, path: Path, above: tuple[Path, ...], said: Place | None = None) -> Node | None:
        """The mapping in a file, merged over what it extends; None when it cannot be read."""
        key = absolute(path)
        if key in self.done:
            return self.done[key]
        self.done[key] = None
        parsed = load(path, said)
        if not above:
            self.text = parsed.text
        self.mistakes += parsed.mistakes
        root = self.checked_root(parsed)
        if root is None:
            self.broken = True
            return None
        extends = root.entries.get("extends")
        own = Node({name: entry for name, entry in root.entries.items() if name != "extends"}, root.place)
        if extends is not None:
            own = functools.reduce(merge, [*self.bases(extends, path, (*above, key)), own])
        self.done[key] = own
        return own

    def checked_root(self, parsed: Parsed) -> Node | None:
        root = parsed.root
        if root is None or root.is_mapping:
            return root
        if root.value is None:
            message, hint = "the file is empty", "kpipe init my.yaml writes a starter pipeline"
        elif root.is_list:
            message, hint = (
                "a list, where the sections of a pipeline are expected",
                "begin with `name:`, without a dash",
            )
        else:
            message, hint = "text, where the sections of a pipeline are expected", "write `name: value`, with a space"
        self.mistakes.append(Mistake(root.place, (), message, hint))
        return None

    def bases(self, extends: Entry, path: Path, above: tuple[Path, ...]) -> list[Node]:
        """The trees of the files under ``extends``; a later one lies over those before it."""
        names = extends.node.value if extends.node.is_list else [extends.node]
        found: list[Node] = []
        for name in names:
            wrong = self.wrong_base(name, path, above)
            if wrong is not None:
                self.mistakes.append(Mistake(name.place, ("extends",), *wrong))
            base = self.file(path.parent / name.value, above, name.place) if wrong is None else None
            if base is None:
                self.broken = True
            else:
                found.append(base)
        return found

    def wrong_base(self, name: Node, path: Path, above: tuple[Path, ...]) -> tuple[str, str] | None:
        """Message and hint when a name under ``extends`` cannot be followed."""
        if not isinstance(name.value, str) or not name.value:
            return "expected the name of a file, or a list of names", "extends: base.yaml"
        key = absolute(path.parent / name.value)
        if key in above:
            chain = " -> ".join(file.name for file in (*above[above.index(key) :], key))
            return f"a file that extends itself: {chain}", "remove one of these `extends`"
        if len(self.done) >= MAX_FILES:
            return f"more than {MAX_FILES} files extend each other", "write fewer files"
        return None


def absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 (resolve() raises on a loop of links)


def load(path: Path, said: Place | None) -> Parsed:
    """A file's text as nodes; ``said`` is the place of the ``extends`` that names it."""
    try:
        if said is not None and path.exists() and not path.is_file() and not path.is_dir():
            raise OSError(errno.EINVAL, "a pipe or a device, not a file")  # which would be waited for
        with path.open("rb") as stream:
            return parse(stream.read(MAX_BYTES + 1), str(path))
    except OSError as error:
        reason = {"FileNotFoundError": "no such file", "IsADirectoryError": "a folder, not a file"}
        message = reason.get(type(error).__name__, (error.strerror or "cannot be read").lower())
    except ValueError:
        message = "not the name of a file"
    if said is None:
        return Parsed(None, (Mistake(Place(str(path)), (), message, near(path, "the folder where kpipe runs")),))
    return Parsed(None, (Mistake(said, ("extends",), f"{path}: {message}", near(path, "the file that says it")),))


def near(path: Path, start: str) -> str:
    """The YAML file in the same folder whose name is most like this one, as a hint."""
    names = {file.stem: file.name for file in path.parent.glob("*.y*ml")} if path.parent.is_dir() else {}
    found = mistake.nearest(path.stem, names)
    return f"did you mean `{names[found]}`?" if found else f"the name is relative to {start}"
