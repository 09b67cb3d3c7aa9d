"""Splits of texts as code: which rows of a table are in which, as files, a column, groups or chance say."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from kpipe.data.preparation.split import given_names
from kpipe.data.preparation.targets import word
from kpipe.data.preparation.text_rows import checked
from kpipe.data.split_rule import SplitName
from kpipe.data.text_table import TextTable
from kpipe.eject.data.preparation import rows
from kpipe.eject.section import Section
from kpipe.eject.words import call, literal, path_of

if TYPE_CHECKING:
    from kpipe.data.splits import Splits

SHUFFLED = """groups, names = pd.factorize(groups)
shuffled = np.random.default_rng(seed_of("split")).permutation(len(names))"""


def write(source: TextTable, splits: Splits, beside: str, own: str) -> Section:
    """``texts_train, ...``, and what stands ``beside`` the texts, called ``own`` with the name of its split."""
    rule, lines, cut = source.split, [], Section("")
    given = in_column(source) if rule.column else {}
    lacking = [name for name in rows.BOTH if name not in source.given and name not in given]
    chosen = [name for name, _ in splits if name in given or (lacking and name in ("train", *lacking))]
    for name, files in source.given.items():
        arrays = [f"texts_{name}", f"{own}_{name}"]
        if name in chosen:
            arrays = ["texts", beside]
        if rule.group or rule.column:
            arrays.append(("groups" if rule.group else "parts") if name in chosen else "_")
        lines.append(call(f"{', '.join(arrays)} = read", [path_of(str(file)) for file in files]))
    if not chosen:
        return Section("\n".join(lines))
    if lacking and rule.group:
        cut = grouped(source, lacking)
    elif lacking:
        pool = f"np.flatnonzero(parts == {given['train']})" if given else "len(texts)"
        cut = rows.cut(splits, rule.stratified, pool, lacking)
    lines += ["", *[cut.code] * bool(lacking)]
    lines += [
        f"{name} = np.flatnonzero(parts == {given[name]})"
        for name in chosen
        if name in given and (name != "train" or not lacking)
    ]
    lines.append("")
    taken = f"{beside}[{{0}}]" if own == "y" else f"[{beside}[row] for row in {{0}}]"
    lines += [f"texts_{name}, {own}_{name} = [texts[row] for row in {name}], {taken.format(name)}" for name in chosen]
    return Section("\n".join(lines), cut.imports, cut.constants)


def in_column(source: TextTable) -> dict[SplitName, str]:
    """The splits that a column names, each with what stands there, as code."""
    frame = checked(source, "train")
    values = {word(value): literal(value) for value in frame[source.split.column].unique()}
    names = given_names(source.split, values, source.split.column or "")
    return {split: values[name] for split, name in names.items()}


def grouped(source: TextTable, lacking: Sequence[SplitName]) -> Section:
    """Rows of one group are in one split: the groups are drawn."""
    groups, _ = pd.factorize(checked(source, "train")[source.split.group].astype(str))
    count = int(groups.max()) + 1
    fractions: dict[SplitName, float] = {"validation": source.split.validation, "test": source.split.test}
    numbers = [math.ceil(round(count * fractions[name], 6)) for name in lacking]  # as preparation/split.py counts
    drawn = sorted(lacking)  # test first
    ends = list(itertools.accumulate((name.upper() for name in drawn), "{} + {}".format))
    lines = [SHUFFLED]
    for name, begin, end in zip([*drawn, "train"], ["", *ends], [*ends, ""], strict=True):
        some = f"{begin}{' : ' if ' ' in begin + end else ':'}{end}".strip()
        lines.append(f"{name} = np.flatnonzero(np.isin(groups, shuffled[{some}]))")
    constant = f"{', '.join(map(str.upper, lacking))} = {', '.join(map(str, numbers))}"
    return Section("\n".join(lines), (), (f"{constant}  # groups; the others are for training",))
