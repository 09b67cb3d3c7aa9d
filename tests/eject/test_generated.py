"""Scripts make up the very texts that kpipe makes up."""

from __future__ import annotations

from typing import Any

import pytest

from kpipe.data.procedural import Procedural
from kpipe.data.splits import RaggedSplit
from kpipe.eject.data import procedural
from kpipe.eject.story import FOR_DATA, SEEDS

SETS: tuple[dict[str, Any], ...] = (
    {"dataset": "dates", "examples": 3000},
    {"dataset": "dates", "locales": ["fr", "en", "fr"], "tokenizer": {"type": "characters", "lowercase": True}},
    {"dataset": "number_words", "target_tokenizer": {"type": "words"}},
    {"dataset": "number_words", "target_tokenizer": {"type": "words", "split_on": "blanks", "min_count": 9}},
    {"dataset": "arithmetic"},
    {"dataset": "arithmetic", "digits": 3, "operators": ["*", "-"]},
    {"dataset": "reverse", "max_letters": 3, "split": {"test": 0.4}},
)


@pytest.mark.parametrize("fields", SETS, ids=lambda fields: "-".join(map(str, fields)))
def test_a_script_has_the_texts_of_each_split(fields: dict[str, Any]) -> None:
    source = Procedural.model_validate({"type": "procedural", "examples": 500, **fields})
    splits = source.load(5)
    procedural.check(source)
    section = procedural.write(source, splits)
    found: dict[str, Any] = {"SEED": 5}
    exec("\n".join([*FOR_DATA, *section.imports, *section.constants, SEEDS, section.code]), found)
    for name, split in splits:
        assert isinstance(split, RaggedSplit)
        for array, column in ((f"x_{name}", "source"), (f"y_{name}", "target")):
            rows = [split.columns[column].at(row).tolist() for row in range(len(split))]  # type: ignore[union-attr]
            assert [numbers.tolist() for numbers in found[array]] == rows
