"""Files of texts as code: what reads a table of them, its cells as they are written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kpipe.data.preparation.frames import separator_of
from kpipe.data.text_table import TextTable
from kpipe.eject.section import Section, cannot
from kpipe.eject.words import WIDTH, call, keywords, literal

READ = '''
def read({paths}):
    """The texts of {files}, {what}."""
{reading}
    return {columns}
'''

LINES_OF = """

def lines_of(path):
    with {opened} as file:
        return file.read().removesuffix("\\n").split("\\n")
"""

SIDE_BY_SIDE = "    table = pd.DataFrame({{name: lines_of(path) for name, path in zip({columns}, paths, strict=True)}})"

OBJECTS = """    with {opened} as file:
        table = pd.DataFrame([json.loads(line) for line in file if line.strip()])"""

CELLS = """    with {opened} as file:
        cells = [line.rstrip("\\n").split({separator}, {most}) for line in file if line.strip()]
    table = pd.DataFrame(cells, columns={columns})"""

REMOVED = '    table[{column}] = table[{column}].str.replace({pattern}, "", regex=True).str.strip()'


def read(source: TextTable, beside: str, what: str) -> Section:
    """The function ``read`` of the files of a split: it gives the texts, what is ``beside`` them, and what tells
    the split of each where a column does.

    Raises: WrongInput: the splits are in files of several kinds.
    """
    if len({kind_of(files) for files in source.given.values()}) > 1:
        raise cannot("data.files: files of several kinds", "give every split the same kind of file")
    files, told = source.given["train"], source.split.group or source.split.column
    lines = [reading(source, files)]
    lines += [REMOVED.format(column=literal(name), pattern=raw(pattern)) for name, pattern in source.remove.items()]
    columns = [f"table[{literal(source.text)}].tolist()", beside, *([f"table[{literal(told)}]"] if told else [])]
    if len(f"    return {', '.join(columns)}") > WIDTH:
        lines.append(f"    answers = {beside}")
        columns[1] = "answers"
    code = READ.format(
        paths="*paths" if len(files) > 1 else "path",
        files="files with a column each" if len(files) > 1 else "a table",
        what=f"{what}, and what tells their splits" if told else f"and {what}",
        reading="\n".join(lines),
        columns=", ".join(columns),
    )
    code += LINES_OF.format(opened=opened(files)) * (len(files) > 1)
    standard = [f"import {name}" for name in ("gzip", "json") if f"{name}." in code]
    return Section(code.strip("\n"), ("import pandas as pd", *standard))


def opened(files: Sequence[Path]) -> str:
    """What opens ``path``, which is one of them."""
    return ('gzip.open(path, "rt", ' if kind_of(files)[2] else "open(path, ") + 'encoding="utf-8-sig")'


def kind_of(files: Sequence[Path]) -> tuple[int, str, bool]:
    """How many there are, what they are, and whether they are packed: one function reads those that are alike."""
    name = files[0].name.lower()
    suffix = next((one for one in (".parquet", ".jsonl") if one in name), "") if len(files) == 1 else ""
    return len(files), suffix, name.endswith(".gz")


def reading(source: TextTable, files: Sequence[Path]) -> str:
    """The lines that make ``table``."""
    number, suffix, _ = kind_of(files)
    if number > 1:
        return SIDE_BY_SIDE.format(columns=literal([*source.columns]))
    if suffix:
        return OBJECTS.format(opened=opened(files)) if suffix == ".jsonl" else "    table = pd.read_parquet(path)"
    separator = source.separator or separator_of(files[0])
    if source.columns and not source.quotes(separator):  # the last column holds the rest of the line
        most = len(source.columns) - 1
        columns = literal([*source.columns])
        return CELLS.format(opened=opened(files), separator=literal(separator), most=most, columns=columns)
    options = {"dtype": "str", "keep_default_na": "False"}
    if separator != ",":
        options = {"sep": literal(separator), **options}
    if not source.quotes(separator):
        options["quoting"] = "3"
    if source.columns:
        options["names"] = literal([*source.columns])
    return call("table = pd.read_csv", ["path", *keywords(options)], indent=4)


def raw(pattern: str) -> str:
    """A regular expression as it is best read."""
    plain = pattern.isprintable() and '"' not in pattern and not pattern.endswith("\\")
    return f'r"{pattern}"' if plain and "\\" in pattern else literal(pattern)
