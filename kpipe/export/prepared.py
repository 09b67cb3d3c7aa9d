"""Prepared: whether the preparation that lies beside the files does what the run's own does."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kpipe.data.preparation.load import load_preparation
from kpipe.data.splits import split_of
from kpipe.errors import KpipeWarning, RunFailed
from kpipe.schema_of_model import TEXT, table_input
from kpipe.signature import Feature

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from kpipe.data.preparation.preparation import Preparation
    from kpipe.serving import Predictor

    Raw = np.ndarray | pd.DataFrame | list[list[str]]

PREPARATION, SIGNATURE = "preparation.json", "signature.json"


def prepared_alike(predictor: Predictor, batch: Mapping[str, np.ndarray], folder: Path) -> int:
    """How many of the batch's examples the preparation beside the files makes again of raw input, to the last bit.

    All of arrays and tables. A text with a word that train does not have is written with the mark of the unknown,
    which a tokenizer may cut otherwise.

    Raises: RunFailed: it does something else than the run's own, or of an array or table than what the network was fed.
    """
    import numpy as np

    feature = predictor.signature.input
    raw = raw_of(predictor.preparation, feature, batch[feature.name])
    beside = load_preparation((folder / PREPARATION).read_bytes())
    own, read = (prepared(preparation, raw, feature) for preparation in (predictor.preparation, beside))
    if own.dtype != read.dtype or not np.array_equal(own, read, equal_nan=own.dtype.kind == "f"):
        raise RunFailed(f"{folder / PREPARATION}: prepares raw input otherwise than the run does")
    expected = batch[feature.name]
    length = max(expected.shape[1], own.shape[1]) if feature.kind == "tokens" else 0
    same = as_long(own, length) == as_long(expected, length)
    count = int(same.reshape(len(same), -1).all(axis=1).sum())
    if feature.kind != "tokens" and count < len(same):
        raise RunFailed(f"{folder / PREPARATION}: of {len(same)} examples makes {count} as the network was fed them")
    return count


def prepared(preparation: Preparation, raw: Raw, feature: Feature) -> np.ndarray:
    import numpy as np

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KpipeWarning)
        columns = preparation.prepare(raw)
    return split_of({feature.name: columns[feature.name]}).take(np.arange(len(raw)))[feature.name]


def as_long(array: np.ndarray, length: int) -> np.ndarray:
    """Sequences of tokens, padded."""
    import numpy as np

    return np.pad(array, ((0, 0), (0, length - array.shape[1]))) if length else array


def raw_of(preparation: Preparation, feature: Feature, examples: np.ndarray) -> Raw:
    """The raw input that the examples may have been prepared from: texts, a table's rows, or arrays as they are."""
    import pandas as pd

    from kpipe.data.preparation.table import Table
    from kpipe.data.preparation.tags import Tags

    if isinstance(preparation, Tags) and feature.vocabulary is not None:
        return [feature.vocabulary.words(example) for example in examples]
    if feature.vocabulary is not None:
        return pd.DataFrame({TEXT: [feature.vocabulary.reference(example) for example in examples]})
    if isinstance(preparation, Table):
        rows = [table_input(preparation, example)["example"][0] for example in examples]
        return pd.DataFrame(rows, columns=[column.name for column in preparation.columns])
    return examples
