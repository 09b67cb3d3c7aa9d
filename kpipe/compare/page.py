"""Page: a comparison as one HTML page that needs no network and no other file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kpipe.compare.curves import draw
from kpipe.compare.kept import Side
from kpipe.compare.rows import Section, ranked, sections
from kpipe.errors import WrongInput
from kpipe.files import safe_name, write_atomic
from kpipe.report import number, page

FOLDER = "compare"
HEADINGS = {"pipeline": "What differs in the pipelines", "data": "Data", "environment": "Environment"}
BELOW = ("data", "environment")
"""Sections below the curves."""
LONG = 8
"""Rows beyond which a section can be folded away."""
FOLDED = ("package ", "/")
"""What a row has in its name that is of little weight: a package's version, a metric of a single class."""


def write(path: Path, sides: Sequence[Side]) -> None:
    """Writes the page; a file that is there already is replaced at once, never half."""
    write_atomic(path, render(sides))


def write_page(root: Path, sides: Sequence[Side], file: Path | None = None) -> Path:
    """Writes the page to ``file``, or to its place in the store; says where.

    Raises: WrongInput: it cannot be written, or another kind of file would be written over.
    """
    if file is not None and file.suffix.lower() not in (".html", ".htm") and file.exists():
        raise WrongInput(f"{file} exists already, and by its name it is no page", "choose another: --output PAGE.html")
    place = file or root / FOLDER / file_name([side.name for side in sides])
    try:
        if file is None:
            place.parent.mkdir(parents=True, exist_ok=True)
        write(place, sides)
    except OSError as error:
        raise WrongInput(
            f"{place}: cannot be written: {error.strerror or error}", "choose another: --output"
        ) from error
    return place


def render(sides: Sequence[Side]) -> str:
    """The page as HTML."""
    groups = [(side, seed_rows(side)) for side in sides if side.is_group]
    means = ", means with 95 % intervals" if groups else ""
    found = {section.title: section for section in sections(sides)}
    headings = {"": "", "test": f"Metrics on test{means}", "validation": f"Metrics on validation{means}", **HEADINGS}
    shown = [(heading, found[title]) for title, heading in headings.items() if title in found]
    above = [(heading, section) for heading, section in shown if section.title not in BELOW]
    return page(
        "compare/page.html.jinja",
        sides=sides,
        pipelines=", ".join(dict.fromkeys(str(side.written.whole.get("name", "")) for side in sides)),
        curves=draw(sides),
        above=above,
        below=[one for one in shown if one not in above],
        folded=is_folded,
        groups=groups,
        files={side.name: (side.runs[0].run.folder / "pipeline.yaml").read_text(encoding="utf-8") for side in sides},
    )


def is_folded(name: str, section: Section) -> bool:
    """Whether a row is shown only to those who ask for it."""
    return len(section.rows) > LONG and any(mark in name for mark in FOLDED)


def seed_rows(side: Side) -> tuple[list[str], list[list[str]]]:
    """The metrics of a group's runs that are of the whole split, and for each run its seed, name and these."""
    names = ranked(name for name in side.metrics if name.count("/") == 1)
    rows = [
        [str(kept.seed), kept.name, *(number(kept.metrics[name]) if name in kept.metrics else "–" for name in names)]
        for kept in side.runs
    ]
    return [name.removeprefix("test/") for name in names], rows


def file_name(names: Sequence[str]) -> str:
    """``brisk-otter-412-calm-fox-9.html``, of many the first and how many more."""
    few = [name.replace("/", "-") for name in names[:3]]
    more = [f"{len(names) - 3}-more"] if len(names) > 3 else []
    return safe_name("-".join([*few, *more])) + ".html"
