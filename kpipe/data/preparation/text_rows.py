"""The rows of a table of texts: read, divided, encoded by what train teaches."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import compress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from kpipe.data.preparation import encoded
from kpipe.data.preparation.frames import check_columns
from kpipe.data.preparation.learn import moments
from kpipe.data.preparation.rows import by_column
from kpipe.data.preparation.sequences import splits_of
from kpipe.data.preparation.split import cut
from kpipe.data.preparation.targets import encode, infer_task, target_of
from kpipe.data.preparation.text import Text
from kpipe.data.preparation.text_files import as_text, read_columns, targets_in, texts_in
from kpipe.errors import DataError
from kpipe.signature import Signature, Target
from kpipe.tokenization.vocabulary import Vocabulary

if TYPE_CHECKING:
    from kpipe.data.split_rule import SplitName
    from kpipe.data.splits import Columns, Splits
    from kpipe.data.text_table import TextTable


class Part(NamedTuple):
    """The rows of one split, and the file that each is from, as it is named to people."""

    frame: pd.DataFrame
    where: str


def read(source: TextTable, seed: int) -> Mapping[SplitName, Part]:
    """Train, validation and test. Raises: DataError."""
    parts = {name: Part(checked(source, name), str(source.given[name][0])) for name in source.given}
    whole = parts["train"]
    if source.split.column is not None:
        given = by_column(whole.frame[source.split.column], source.split, whole.where)
        parts = {name: Part(whole.frame.iloc[chosen], whole.where) for name, chosen in given.items()}
    train = parts["train"]
    if {"validation", "test"} <= set(parts):
        return parts
    rows = divide(train, source, seed, tuple(parts))
    return {**parts, **{name: Part(train.frame.iloc[chosen], train.where) for name, chosen in rows.items()}}


def checked(source: TextTable, split: SplitName) -> pd.DataFrame:
    """The table of one split; its index is the row in the file. Raises: DataError."""
    paths = source.given[split]
    frame = read_columns(paths, source.form)
    rule = source.split
    wanted = [source.text, *source.target, source.target_text, rule.column, rule.group, *source.remove]
    check_columns(frame, [name for name in wanted if name is not None], str(paths[0]))
    for column in [source.text, source.target_text]:
        if column is not None:
            texts_in(frame, column, str(paths[0]))
    return frame


def divide(part: Part, source: TextTable, seed: int, given: tuple[SplitName, ...]) -> Mapping[SplitName, np.ndarray]:
    """Rows of the splits that are not ``given``; classes in proportion, rows of a group together. Raises: DataError."""
    if source.split.group is not None:
        names = part.frame[source.split.group]
        groups, _ = pd.factorize(as_text(names, part.where).where(names.notna()))
        if (groups < 0).any():
            row = part.frame.index[int(np.flatnonzero(groups < 0)[0])]
            raise DataError(f"{part.where}: column `{source.split.group}`: row {row} is of no group", "fill it in")
        chosen = cut(int(groups.max()) + 1, source.split, seed, None, given)
        return {name: np.flatnonzero(np.isin(groups, numbers)) for name, numbers in chosen.items()}
    classes = None
    if len(source.target) == 1:
        raw = targets_in(part.frame, source.target, part.where)
        task = source.target_task or infer_task(raw, f"{part.where}: column `{source.target[0]}`")
        classes = raw if task == "classes" else None
    return cut(len(part.frame), source.split, seed, classes, given)


def origin_of(source: TextTable) -> str:
    return f"text_table {source.given['train'][0].name[:40]}"


def load_targets(source: TextTable, parts: Mapping[SplitName, Part]) -> Splits:
    """Texts with a class, labels or values each. Raises: DataError."""
    column = f"column `{', '.join(source.target)}`"
    raw = {name: targets_in(part.frame, source.target, part.where) for name, part in parts.items()}
    task = source.target_task or infer_task(raw["train"], f"{parts['train'].where}: {column}")
    target = target_of(raw["train"], task, () if task == "classes" else source.target)
    targets = {name: encode(raw[name], target, f"{part.where}: {column}") for name, part in parts.items()}
    if task == "values":
        mean, variance = moments(targets["train"])
        target = target.model_copy(update={"mean": mean, "variance": variance})
    texts = {name: texts_in(part.frame, source.text, part.where) for name, part in parts.items()}
    vocabulary = Vocabulary.learn(source.tokenizer, texts["train"])
    columns: dict[SplitName, Columns] = {}
    for name, part in parts.items():
        numbers = numbers_of(part, source.text, texts[name], vocabulary)
        columns[name] = {"tokens": encoded.given(numbers, source.max_length), target.name: targets[name]}
    signature = Signature(inputs=(encoded.feature_of("tokens", vocabulary),), target=target)
    preparation = Text(vocabulary=vocabulary, text=source.text, targets=source.target, form=source.form, target=target)
    return splits_of(columns, signature, preparation, origin_of(source))


def load_pairs(source: TextTable, parts: Mapping[SplitName, Part]) -> Splits:
    """Texts with a text to be written for each. Raises: DataError."""
    assert source.target_text is not None
    names = (source.text, source.target_text)
    texts = {name: [texts_in(part.frame, column, part.where) for column in names] for name, part in parts.items()}
    vocabularies = vocabularies_of(source, *texts["train"])
    columns: dict[SplitName, Columns] = {}
    skipped: tuple[str, ...] = ()
    for name, part in parts.items():
        pairs = [numbers_of(part, *each) for each in zip(names, texts[name], vocabularies, strict=True)]
        if name == "train" and source.max_length is not None:
            pairs, skipped = short_enough(pairs, source.max_length, part)
        columns[name] = {"source": encoded.given(pairs[0], source.max_length), **encoded.written(pairs[1])}
    inputs = (encoded.feature_of("source", vocabularies[0]), encoded.feature_of("previous", vocabularies[1]))
    target = Target(task="text", vocabulary=vocabularies[1])
    preparation = Text(
        vocabulary=vocabularies[0], text=source.text, targets=(source.target_text,), form=source.form, target=target
    )
    return splits_of(columns, Signature(inputs=inputs, target=target), preparation, origin_of(source), skipped)


def vocabularies_of(source: TextTable, texts: list[str], written: list[str]) -> tuple[Vocabulary, Vocabulary]:
    """Of what goes in and of what is written, learned on train."""
    if source.shared_vocabulary:
        both = Vocabulary.learn(source.tokenizer, [*texts, *written])
        return both, both
    own = source.target_tokenizer or source.tokenizer
    return Vocabulary.learn(source.tokenizer, texts), Vocabulary.learn(own, written)


def numbers_of(part: Part, column: str, texts: list[str], vocabulary: Vocabulary) -> list[np.ndarray]:
    """The token numbers of each text. Raises: DataError: a text holds no token."""
    found = encoded.encode(texts, vocabulary)
    encoded.check_not_empty(found, f"{part.where}: column `{column}`", part.frame.index.tolist())
    return found


def short_enough(
    pairs: list[list[np.ndarray]], max_length: int, part: Part
) -> tuple[list[list[np.ndarray]], tuple[str, ...]]:
    """The pairs without those of which either is longer, and the names of these."""
    keep = [max(map(len, pair)) <= max_length for pair in zip(*pairs, strict=True)]
    skipped = tuple(f"{part.where}:{row}" for row, kept in zip(part.frame.index, keep, strict=True) if not kept)
    return [list(compress(texts, keep)) for texts in pairs], skipped
