"""Reading a stored preparation back."""

from __future__ import annotations

from typing import Annotated

from pydantic import TypeAdapter

from kpipe.data.preparation.preparation import Preparation
from kpipe.spec.one_of import OneOf


def load_preparation(text: str | bytes) -> Preparation:
    """The preparation that ``model_dump_json()`` wrote.

    Raises: pydantic.ValidationError: the text is not what kpipe wrote.
    """
    adapter: TypeAdapter[Preparation] = TypeAdapter(Annotated[Preparation, OneOf("kpipe.data.preparation")])
    return adapter.validate_json(text)
