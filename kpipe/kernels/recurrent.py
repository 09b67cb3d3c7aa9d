"""LSTM, GRU and simple recurrence by PyTorch's fused kernels, on Keras's weights, masks and states."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import torch
from keras import ops

States = Sequence[torch.Tensor]

FusedKernel = Callable[[torch.Tensor, States, Sequence[torch.Tensor]], tuple[torch.Tensor, States]]
"""Inputs (batch, time, features), first states (batch, units), weights -> outputs (batch, time, units), last states."""

SATURATED = 1e4
"""A gate's input at which its sigmoid is exactly 0 or 1, in every precision."""


def recurrences() -> Iterator[tuple[type[keras.Layer], Callable[..., Any], Callable[[Any], bool]]]:
    """The layers, what stands for their inner loop, and when."""
    yield keras.layers.LSTM, lstm_loop, is_standard
    yield keras.layers.GRU, gru_loop, is_standard
    yield keras.layers.SimpleRNN, simple_loop, is_standard


def is_standard(layer: Any) -> bool:
    """What the fused kernels compute: tanh, sigmoid where there are gates, the reset gate after the product."""
    gates = getattr(layer, "recurrent_activation", keras.activations.sigmoid)
    return (
        layer.activation is keras.activations.tanh
        and gates is keras.activations.sigmoid
        and getattr(layer, "reset_after", True)
        and getattr(layer, "use_cudnn", "auto") is not False
        and not layer.unroll
    )


def lstm_loop(layer: Any, by_keras: Any, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
    """Keras's ``LSTM.inner_loop``. The gates have the same order in both."""
    if drops_states(layer, training):
        return by_keras(sequences, initial_state, mask, training)
    kernel, recurrent, bias = weights_of(layer.cell)
    units = recurrent.shape[0]
    weights = [kernel.T, recurrent.T] if bias is None else [kernel.T, recurrent.T, bias, torch.zeros_like(bias)]
    keep = torch.zeros(4 * units, 1, dtype=kernel.dtype, device=kernel.device)
    keep[:units], keep[units : 2 * units] = -SATURATED, SATURATED  # nothing goes in, nothing is forgotten
    return over_steps(layer, fused_lstm, sequences, initial_state, mask, training, weights, keep)


def gru_loop(layer: Any, by_keras: Any, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
    """Keras's ``GRU.inner_loop``. Keras has the gates update, reset, new; PyTorch reset, update, new."""
    if drops_states(layer, training):
        return by_keras(sequences, initial_state, mask, training)
    kernel, recurrent, bias = weights_of(layer.cell)
    weights = [reset_first(kernel).T, reset_first(recurrent).T]
    if bias is not None:
        weights += list(reset_first(bias))
    return over_steps(layer, fused_gru, sequences, initial_state, mask, training, weights)


def simple_loop(
    layer: Any, by_keras: Any, sequences: Any, initial_state: Any, mask: Any, training: bool = False
) -> Any:
    """Keras's ``RNN.inner_loop`` of a ``SimpleRNN``."""
    if drops_states(layer, training):
        return by_keras(sequences, initial_state, mask, training)
    kernel, recurrent, bias = weights_of(layer.cell)
    weights = [kernel.T, recurrent.T] if bias is None else [kernel.T, recurrent.T, bias, torch.zeros_like(bias)]
    return over_steps(layer, fused_simple, sequences, initial_state, mask, training, weights)


def drops_states(layer: Any, training: bool) -> bool:
    """Dropout of the state, between two steps, is what no fused kernel knows: Keras's loop then."""
    return bool(training and layer.recurrent_dropout)


def weights_of(cell: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    bias = None if cell.bias is None else ops.convert_to_tensor(cell.bias)
    return ops.convert_to_tensor(cell.kernel), ops.convert_to_tensor(cell.recurrent_kernel), bias


def reset_first(weights: torch.Tensor) -> torch.Tensor:
    """(..., 3 units) in PyTorch's order."""
    update, reset, new = weights.chunk(3, dim=-1)
    return torch.cat([reset, update, new], dim=-1)


def over_steps(
    layer: Any,
    fused: FusedKernel,
    sequences: torch.Tensor,
    initial_state: Any,
    mask: torch.Tensor | None,
    training: bool,
    weights: list[torch.Tensor],
    keep: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
    """The last output, all outputs and the last states, as Keras's loop gives them.

    With a mask, real steps are moved to the front of their row, whatever its form, and the outputs back to where they
    belong: a masked step repeats the output before it (or is zero), and states pass it by. ``keep`` (gates, 1) is the
    weight of a further feature, 1 on the steps behind, which keeps the cell's state as it is.
    """
    dtype = weights[0].dtype
    x = sequences.to(dtype)
    states = [state.to(dtype) for state in keras.tree.flatten(initial_state)]
    if training and layer.dropout:
        x = x * layer.cell.get_dropout_mask(x[:, 0])[:, None]
    if mask is None:
        outputs, last = fused(torch.flip(x, [1]) if layer.go_backwards else x, states, weights)
        return outputs[:, -1], outputs, list(last)
    there = mask.reshape(mask.shape[:2]).bool()
    if layer.go_backwards:
        there = torch.flip(there, [1])
    order = torch.argsort((~there).byte(), dim=1, stable=True)
    packed = steps_at(x, x.shape[1] - 1 - order if layer.go_backwards else order)
    if keep is not None:
        behind = (~torch.gather(there, 1, order))[..., None].to(dtype)
        packed, weights = torch.cat([packed, behind], dim=-1), [torch.cat([weights[0], keep], dim=1), *weights[1:]]
    real, last = fused(packed, states, weights)
    done = there.cumsum(1)
    placed = steps_at(real, (done - 1).clamp(min=0))
    outputs = torch.where((there if layer.zero_output_for_mask else done > 0)[..., None], placed, 0.0)
    number = done[:, -1:]
    state = torch.where(number > 0, steps_at(real, (number - 1).clamp(min=0))[:, 0], states[0])
    return outputs[:, -1], outputs, [state, *last[1:]]


def steps_at(x: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """(batch, time, features) at ``places`` (batch, steps) of each row: (batch, steps, features)."""
    rows = torch.arange(x.shape[0], device=x.device)[:, None] * x.shape[1] + places
    return x.reshape(-1, x.shape[-1]).index_select(0, rows.reshape(-1)).reshape(*places.shape, x.shape[-1])


def fused_lstm(x: torch.Tensor, states: States, weights: Sequence[torch.Tensor]) -> tuple[torch.Tensor, States]:
    first = tuple(state[None].contiguous() for state in states)
    outputs, *last = torch._VF.lstm(x, first, *settings(weights))
    return outputs, [state[0] for state in last]


def fused_gru(x: torch.Tensor, states: States, weights: Sequence[torch.Tensor]) -> tuple[torch.Tensor, States]:
    outputs, last = torch._VF.gru(x, states[0][None].contiguous(), *settings(weights))
    return outputs, [last[0]]


def fused_simple(x: torch.Tensor, states: States, weights: Sequence[torch.Tensor]) -> tuple[torch.Tensor, States]:
    outputs, last = torch._VF.rnn_tanh(x, states[0][None].contiguous(), *settings(weights))
    return outputs, [last[0]]


def settings(weights: Sequence[torch.Tensor]) -> tuple[Any, ...]:
    """One layer in one direction, the batch first, no dropout; gradients need what is kept in training."""
    parameters = [weight.contiguous() for weight in weights]
    has_biases, layers, dropout, bidirectional, batch_first = len(weights) == 4, 1, 0.0, False, True
    return parameters, has_biases, layers, dropout, torch.is_grad_enabled(), bidirectional, batch_first
