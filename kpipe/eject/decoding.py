"""Decoding: the section that writes texts, where the pipeline asks for some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kpipe.decoding.greedy import Greedy
from kpipe.eject.section import Section, cannot, writer_of
from kpipe.parts import parts_of

if TYPE_CHECKING:
    import keras

    from kpipe.data.splits import Splits
    from kpipe.decoding.decoding import Decoding

OF_TEXTS = ("beam", "greedy")
"""The ways that answer a text."""

OF_LOGITS = frozenset({"loss", "perplexity"})
"""The metrics that look at no text that is written."""


def write(way: Decoding, metrics: Sequence[Any], model: keras.Model, splits: Splits) -> Mapping[str, Section]:
    """The section under its heading; none where no metric looks at texts and the pipeline names no way of its own.

    Raises: WrongInput: the way cannot be written, or goes on longer than the network can.
    """
    if splits.signature.target.task != "text":
        return {}
    if way == Greedy() and all(metric.type in OF_LOGITS for metric in metrics):
        return {}
    if way.type not in OF_TEXTS:
        raise cannot(f"decode: `{way.type}` of texts that answer others", f"what can: {', '.join(OF_TEXTS)}")
    written: Section = writer_of("kpipe.eject.decode", "decode", way.type).write(way)
    longest = way.max_length or splits.signature.target.max_length or 1
    furthest = getattr(parts_of(model).stepper, "longest", None)
    if furthest is not None and longest > furthest:
        raise cannot(f"decode.max_length: {longest}, where positions are learned up to {furthest},", "ask for fewer")
    constant = f"LONGEST = {longest}  # tokens of a text that is written"
    return {"Decoding": Section(written.code, written.imports, (constant, *written.constants))}
