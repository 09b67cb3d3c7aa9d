"""What a script's ``write`` chooses is what kpipe's loop chooses, of any logits, text by text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kpipe.decoding.beam import Beam
from kpipe.decoding.decoding import Decoding
from kpipe.decoding.greedy import Greedy
from kpipe.eject.decode import beam, greedy
from kpipe.eject.training.loop.padded import LENGTHS
from kpipe.tokenization.special import START

TEXTS, LONGEST, TOKENS = 40, 6, 8

WAYS = [
    Greedy(),
    *(Beam(width=width, length_penalty=penalty) for width, penalty in ((1, 0.6), (3, 0), (4, 2), (9, 0.6))),
]
"""The last follows more texts than there are tokens."""


class Chain:
    """Logits by what is read, the step, and the token before; some texts soon end, others never do."""

    def __init__(self) -> None:
        self.table = np.random.default_rng(0).normal(0, 2, (TEXTS, LONGEST, TOKENS, TOKENS)).astype("float32")
        self.table[::5, ..., 3] = -30

    def start(self, inputs: dict[str, Any], length: int) -> Any:
        return inputs["source"]

    def step(self, tokens: Any, position: Any, state: Any) -> tuple[Any, Any]:
        from keras import ops

        state, position, tokens = (ops.cast(one, "int32") for one in (state, position, tokens))
        rows = (state * LONGEST + position) * TOKENS + tokens
        return ops.take(self.table.reshape(-1, TOKENS), rows, axis=0), state

    def predict_on_batch(self, given: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        read, written = given
        return self.table[read[:, :1], np.arange(LONGEST), written]


def texts_of_kpipe(way: Decoding, chain: Chain) -> list[list[int]]:
    import keras

    from kpipe.decoding.loop.batches import cut
    from kpipe.decoding.loop.generate import Batch, generate

    batch = Batch(
        inputs={"source": np.arange(TEXTS)},
        given=np.full((TEXTS, 1), START, "int32"),
        sizes=np.ones(TEXTS, "int32"),
        totals=np.full(TEXTS, LONGEST + 1, "int32"),
        idle=np.zeros(TEXTS, bool),
        draws=np.zeros((TEXTS, 0), "float32"),
    )
    tensors = keras.tree.map_structure(keras.ops.convert_to_tensor, batch)
    tokens = generate(chain, way.search(), tensors, LONGEST)
    return [text.tolist() for text in cut(tokens, batch.sizes, batch.totals)]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_script_writes_what_kpipe_writes(backend: str, way: Decoding) -> None:
    chain = Chain()
    section = greedy.write(way) if isinstance(way, Greedy) else beam.write(way)  # type: ignore[arg-type]
    found: dict[str, Any] = {"np": np, "model": chain, "BATCH_SIZE": 16, "LENGTHS": [1], "LONGEST": LONGEST}
    exec("\n".join([LENGTHS, *section.constants, section.code]), found)
    texts = found["write"]([np.array([number]) for number in range(TEXTS)])
    assert texts == texts_of_kpipe(way, chain)
    assert len({len(text) for text in texts}) > 3
