"""What a saved model takes and gives, as plain data from which MLflow's signature is made without Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kpipe import answers
from kpipe.signature import Signature

if TYPE_CHECKING:
    import numpy as np

    from kpipe.data.preparation.preparation import Preparation
    from kpipe.data.preparation.table import Table
    from kpipe.data.splits import Batch

TEXT = "text"
"""The column that a served model of text takes."""


def describe(signature: Signature, preparation: Preparation, examples: Batch, backend: str) -> dict[str, Any]:
    """``input``: an array's dtype, shape and an example, or a table's columns and an example; ``output``: columns."""
    from kpipe.data.preparation.table import Table

    feature = signature.input
    example = examples[feature.name][0]
    if feature.vocabulary is not None:
        text = feature.vocabulary.decode(example)
        given: dict[str, Any] = {"columns": [{"name": TEXT, "type": "string"}], "example": [[text]]}
    elif isinstance(preparation, Table):
        given = table_input(preparation, example)
    else:
        given = {"dtype": feature.dtype, "shape": list(feature.shape), "example": [example.tolist()]}
    return {"backend": backend, "input": given, "output": answers.columns(signature.target)}


def table_input(table: Table, example: np.ndarray) -> dict[str, Any]:
    """The raw columns, and the raw row that ``example`` was prepared from."""
    columns: list[dict[str, str]] = []
    row: list[float | str | None] = []
    start = 0
    for column in table.columns:
        place = example[start : start + len(column.features)]
        start += len(column.features)
        if column.kind == "number":
            columns.append({"name": column.name, "type": "double"})
            row.append(float(place[0]))
        else:
            columns.append({"name": column.name, "type": "string"})
            row.append(dict(zip(place.tolist(), column.values, strict=False)).get(1.0))
    return {"columns": columns, "example": [row]}
