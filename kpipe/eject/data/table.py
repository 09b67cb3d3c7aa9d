"""CSV and Parquet tables as code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kpipe.data.preparation.columns import Category, Number
from kpipe.data.preparation.frames import separator_of
from kpipe.data.preparation.rows import Rows
from kpipe.data.preparation.split import given_names
from kpipe.data.preparation.table import Table as Preparation
from kpipe.data.preparation.targets import word
from kpipe.data.table import Table
from kpipe.data.time_series import TimeSeries
from kpipe.eject.data.preparation import rows
from kpipe.eject.data.preparation.targets import written
from kpipe.eject.section import Section, require_defaults
from kpipe.eject.words import assigned, literal, path_of

if TYPE_CHECKING:
    from kpipe.data.split_rule import SplitName
    from kpipe.data.splits import Splits

MIXED = """features = []
for name in COLUMNS:
    column = table[name]
    if name in WORDS:
        for word in sorted(column.iloc[train].dropna().unique(){key}):
            features.append(column == word){missing}
    else:
        features.append(column{filled})
features = np.stack(features, axis=1).astype("float32")  # {shape}: words as a 1 in their place"""

MISSING = """
        if column.iloc[train].isna().any():
            features.append(column.isna())"""


def check(source: Table) -> None:
    """Raises: WrongInput: a setting cannot be written."""
    used = ("path", "target", "features", "drop", "categorical", "missing", "max_categories", "target_task")
    require_defaults(source, "data", (*used, "separator", "split", "batch_size"))


def write(source: Table, splits: Splits) -> Section:
    """Arrays ``x_train, y_train, ...``, the same rows in the same order. Raises: WrongInput."""
    rows.require_each_class(splits)
    rows.require_room(splits)
    assert isinstance(splits.preparation, Preparation)
    columns = splits.preparation.columns
    target, read = splits.signature.target, Rows.read(source)
    y = "values" if target.task == "values" else "labels"
    lines = [reading(source)]
    if source.missing == "drop":
        needed = [column.name for column in columns if not isinstance(column, Category)] + list(source.target)
        lines.append(f"table = table.dropna(subset={literal(needed)}).reset_index(drop=True)")
    if source.split.column is not None:
        lines.append(f"parts = table[{literal(source.split.column)}]")
    column = literal(source.target[0] if len(source.target) == 1 else [*source.target])
    lines.append(f"{y} = {written(read.targets, target, f'table[{column}].to_numpy()')}")
    constants = [assigned("CLASSES", target.names)] if target.task == "classes" else []
    given = given_of(source, read)
    lacking = [name for name in rows.BOTH if name not in given]
    whole = [name for name in given if name != "train" or not lacking]
    lines.append("")
    if lacking:
        pool = f"np.flatnonzero(parts == {given['train']})" if given else f"len({y})"
        cut = rows.cut(splits, source.split.stratified, pool, lacking)
        lines.append(cut.code)
        constants += cut.constants
    lines += [f"{name} = np.flatnonzero(parts == {given[name]})" for name in whole]
    constants.append(assigned("COLUMNS", [column.name for column in columns]))
    if words := [column.name for column in columns if isinstance(column, Category)]:
        constants.append(assigned("WORDS", words))
    lines += ["", features(source, columns, literal((len(read), *splits.signature.input.shape))), ""]
    return Section("\n".join([*lines, rows.taken("features", y)]), ("import pandas as pd",), tuple(constants))


def features(source: Table, columns: Sequence[Number | Category], shape: str) -> str:
    """The columns as vectors, by what the rows of train teach about them."""
    fill = f".{source.missing}()" if source.missing in ("mean", "median") else ""
    if not any(isinstance(column, Category) for column in columns):
        lines = ["features = table[COLUMNS]"]
        lines += [f"features = features.fillna(features.iloc[train]{fill})"] * bool(fill)
        return "\n".join([*lines, f'features = features.to_numpy("float32")  # {shape}'])
    return MIXED.format(
        key=", key=str" if source.categorical else "",
        missing=MISSING if any(isinstance(column, Category) and column.missing for column in columns) else "",
        filled=f".fillna(column.iloc[train]{fill})" if fill else "",
        shape=shape,
    )


def reading(source: Table | TimeSeries) -> str:
    """``table``, its columns called as kpipe calls them."""
    import pandas as pd

    path = Path(source.path)
    if path.suffix.lower() == ".parquet":
        line, names = f"table = pd.read_parquet({path_of(source.path)})", pd.read_parquet(path).columns
    else:
        separator = source.separator or separator_of(path)
        options = "" if separator == "," else f", sep={literal(separator)}"
        line = f"table = pd.read_csv({path_of(source.path)}{options})"
        names = pd.read_csv(path, sep=separator, nrows=0).columns
    has_blanks = any(str(name) != str(name).strip() for name in names)
    return f"{line}\ntable.columns = table.columns.str.strip()" if has_blanks else line


def given_of(source: Table, read: Rows) -> dict[SplitName, str]:
    """The splits that a column names, each with what stands there, as code."""
    if read.splits is None:
        return {}
    values = {word(value): value for value in read.splits.to_numpy()}
    names = given_names(source.split, values, source.path)
    return {split: literal(values[name]) for split, name in names.items()}
