"""The networks of train.py in PyTorch's own modules: the same sizes, written as its documentation does."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from kpipe.signature import Signature
from kpipe.tokenization.special import IGNORED, PADDING


class Autoencoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        sizes = (784, 256, 64, 256, 784)
        layers = [part for one, two in pairwise(sizes) for part in (nn.Linear(one, two), nn.Tanh())]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, image: Any) -> Any:
        return self.layers(image.flatten(1).float() / 255)


class Cnn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for before, after in ((1, 16), (16, 32), (32, 64)):
            parts += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
            parts += [nn.MaxPool2d(2)] if after < 64 else []
        self.parts, self.target = nn.Sequential(*parts), nn.Linear(64, 10)

    def forward(self, image: Any) -> Any:
        image = image.permute(0, 3, 1, 2).float() / 255
        return self.target(self.parts(image).mean((2, 3)))


class Rnn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.recurrent = nn.LSTM(2, 64, batch_first=True, bidirectional=True)
        self.target = nn.Linear(128, 1)

    def forward(self, sequence: Any) -> Any:
        return self.target(self.recurrent(sequence)[0].mean(1))


class EncoderDecoder(nn.Module):
    def __init__(self, source: int, target: int) -> None:
        super().__init__()
        self.source, self.previous = nn.Embedding(source, 32), nn.Embedding(target, 32)
        self.encoder = nn.GRU(32, 64, batch_first=True, bidirectional=True)
        self.decoder = nn.GRU(32, 64, batch_first=True)
        self.start, self.asked, self.keys = nn.Linear(128, 64), nn.Linear(64, 64), nn.Linear(128, 64)
        self.score, self.both, self.target = nn.Linear(64, 1), nn.Linear(192, 64), nn.Linear(64, target)

    def forward(self, source: Any, previous: Any) -> Any:
        source, previous = source.long(), previous.long()
        lengths = (source != PADDING).sum(1).clamp(min=1)
        packed = nn.utils.rnn.pack_padded_sequence(self.source(source), lengths, True, enforce_sorted=False)
        outputs, last = self.encoder(packed)
        memory, _ = nn.utils.rnn.pad_packed_sequence(outputs, True, total_length=source.shape[1])
        states, _ = self.decoder(self.previous(previous), self.start(torch.cat([last[0], last[1]], 1))[None])
        scores = self.score(torch.tanh(self.asked(states)[:, :, None] + self.keys(memory)[:, None]))[..., 0]
        weights = scores.masked_fill((source == PADDING)[:, None], -1e9).softmax(-1)
        return self.target(torch.tanh(self.both(torch.cat([weights @ memory, states], -1))))


class Transformer(nn.Module):
    def __init__(self, source: int, target: int) -> None:
        super().__init__()
        options = {"batch_first": True, "norm_first": True, "dropout": 0.0, "activation": "gelu"}
        self.source, self.previous = nn.Embedding(source, 64), nn.Embedding(target, 64)
        self.positions = nn.Parameter(torch.randn(64, 64), requires_grad=False)
        encoder = nn.TransformerEncoderLayer(64, 4, 256, **options)
        self.encoder = nn.TransformerEncoder(encoder, 2, nn.LayerNorm(64), enable_nested_tensor=False)
        self.decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(64, 4, 256, **options), 2, nn.LayerNorm(64))

    def forward(self, source: Any, previous: Any) -> Any:
        source, previous = source.long(), previous.long()
        gone = source == PADDING
        steps = previous.shape[1]
        later = torch.ones(steps, steps, dtype=torch.bool).triu(1)
        memory = self.encoder(self.source(source) * 8 + self.positions[: source.shape[1]], src_key_padding_mask=gone)
        given = self.previous(previous) * 8 + self.positions[:steps]
        states = self.decoder(given, memory, tgt_mask=later, memory_key_padding_mask=gone)
        return states @ self.previous.weight.T


def network_of(family: str, signature: Signature) -> tuple[nn.Module, Callable[[Any, Any], Any]]:
    """The network, and its loss of (outputs, target)."""
    if family in ("autoencoder", "rnn"):
        network = Autoencoder() if family == "autoencoder" else Rnn()
        return network, lambda outputs, target: functional.mse_loss(outputs, target.flatten(1).float())
    if family == "cnn":
        return Cnn(), lambda outputs, target: functional.cross_entropy(outputs, target.long())
    vocabulary = signature.input.vocabulary
    assert vocabulary is not None
    kind = EncoderDecoder if family == "encoder_decoder" else Transformer
    return kind(vocabulary.size, signature.target.size), lambda outputs, target: functional.cross_entropy(
        outputs.transpose(1, 2), target.long(), ignore_index=IGNORED
    )
