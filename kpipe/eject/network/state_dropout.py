"""States: dropout of a recurrent layer's state as code, the same units at every step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kpipe.eject.section import cannot
from kpipe.eject.words import literal

if TYPE_CHECKING:
    import keras

    from kpipe.training.method import Method

DROPPED = '''
def drop_states(cell, place):
    """What is dropped of the state depends on the seed and on how often it was drawn; in Keras on the backend too."""
    cell.seed_generator.state.assign(np.array([seed_of("layer", 0, place, 0), 0]))

    def mask(state, rate):
        kept = words(ops.shape(state), cell.seed_generator.next()) >= int32(round(rate * 2**32) - 2**31)
        return ops.where(kept, ops.ones_like(state) * (1 / (1 - rate)), ops.zeros_like(state))

    cell._create_dropout_mask = {masks}
'''

OF_GATES = "lambda state, rate: [mask(state, rate) for _ in range(cell.dropout_mask_count)]"


def cells(model: keras.Model) -> Iterator[tuple[str, Any]]:
    """The cells that drop some of their states, each with where a script finds it."""
    import keras

    for layer in model.layers:
        found = f"model.get_layer({literal(layer.name)})"
        if isinstance(layer, keras.layers.Bidirectional) and layer.forward_layer.cell.recurrent_dropout:
            yield f"{found}.forward_layer.cell", layer.forward_layer.cell
            yield f"{found}.backward_layer.cell", layer.backward_layer.cell
        elif isinstance(layer, keras.layers.RNN) and layer.cell.recurrent_dropout:
            yield f"{found}.cell", layer.cell


def dropped(model: keras.Model, methods: Sequence[Method]) -> list[str]:
    """The lines behind the network. Raises: WrongInput: there are stages of it."""
    found = list(cells(model))
    if found and len(methods) > 1:
        raise cannot("train: several stages of a network with `recurrent_dropout`", "set `model.recurrent_dropout: 0`")
    masks = {OF_GATES if hasattr(cell, "dropout_mask_count") else "mask" for _, cell in found}
    codes = [f"\n{DROPPED.format(masks=each)}\n" for each in masks]
    return [*codes, *(f"drop_states({where}, {literal(cell.path)})" for where, cell in found)]
