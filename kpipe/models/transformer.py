"""Transformer: attention and feed-forward layers alone, for text, images and series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from kpipe.errors import WrongInput
from kpipe.models.architecture import Architecture, Count, Fraction
from kpipe.models.augmentation import Augmentation
from kpipe.models.ends import Scaling
from kpipe.models.transformer_network import Structure, TransformerNetwork, structure_of
from kpipe.signature import Kind, Signature, Task
from kpipe.spec.mistake import Problem
from kpipe.spec.spec import Tuple, refuse

if TYPE_CHECKING:
    import keras

Depth = Annotated[int, Field(ge=1, le=256)]
Depths = Annotated[Tuple[Depth], Field(min_length=2, max_length=2)]
OF_ONE_VECTOR: frozenset[Task] = frozenset({"classes", "labels", "values"})


class Transformer(Architecture):
    """A Transformer: an encoder that reads, a decoder that writes, or both, as the task asks.

    Encoder layer: self-attention, then ``W2 f(W1 x + b1) + b2`` at each step; decoder layer: self-attention on what
    came before, attention on the encoder's output, then the same. Around each stands a residual connection with layer
    normalization: `norm: post` is the paper's, ``norm(x + f(x))``; `pre` is ``x + f(norm(x))``, with one more
    normalization at the end, and trains without a warm-up. Images go in as patches, series as their steps.
    Generating keeps keys and values, so that n tokens cost n steps of one token.

    Shapes:
        tokens (batch, time) -> (batch, num_classes | num_labels | num_values) or (batch, time, num_tags | num_tokens);
        source (batch, source), previous (batch, target) -> (batch, target, num_tokens);
        (batch, height, width, channels) or (batch, time, features) -> (batch, num_classes | num_labels | num_values),
        a series also -> (batch, horizon, num_values)

    Raises:
        WrongInput: patches do not divide an image; a sequence is longer than the positions that were learned.

    Example:
        model: {type: transformer, layers: 2, width: 128, num_heads: 4, feed_forward: 512, norm: pre}

    Reference:
        A. Vaswani et al., 2017, Attention is all you need.
        A. Dosovitskiy et al., 2021, An image is worth 16x16 words: Transformers for image recognition at scale.
        J. Su et al., 2021, RoFormer: enhanced Transformer with rotary position embedding.
    """

    pairs: ClassVar[Mapping[Kind, frozenset[Task]]] = {
        "tokens": OF_ONE_VECTOR | {"tags", "text", "next_token"},
        "image": OF_ONE_VECTOR,
        "sequence": OF_ONE_VECTOR | {"forecast"},
    }
    example: ClassVar[dict[str, Any]] = {"layers": 1, "width": 16, "num_heads": 2, "feed_forward": 32, "patch_size": 2}

    type: Literal["transformer"] = "transformer"
    structure: Literal["auto"] | Structure = Field(
        "auto", description="auto: encoder_decoder for a text from a text, decoder for the next token, else encoder"
    )
    layers: Depth | Depths = Field(2, description="layers of each of encoder and decoder, or [encoder, decoder]")
    width: Count = Field(128, description="d_model: numbers for each step, in every layer")
    num_heads: int = Field(4, ge=1, le=256, description="heads of each attention; they divide the width")
    feed_forward: Count = Field(512, description="d_ff: units of the inner layer at each step")
    positions: Literal["sinusoidal", "learned", "rotary"] = Field(
        "sinusoidal", description="sinusoidal: added waves; learned: added vectors; rotary: queries and keys turned"
    )
    norm: Literal["pre", "post"] = Field("pre", description="layer normalization before each sub-layer, or after it")
    activation: Literal["gelu", "relu", "swiglu"] = Field(
        "gelu", description="of the feed-forward layers; relu, as in the paper, has a kink where backends may part"
    )
    dropout: Fraction = Field(0.0, description="fraction dropped of embeddings and of each sub-layer's output, [0, 1)")
    tied_embeddings: bool = Field(
        True, description="one table for the tokens that go into the decoder and their logits; the source's, if equal"
    )
    augmentation: Augmentation | None = Field(None, description="random changes to images, in training only")
    patch_size: int = Field(4, ge=1, le=1024, description="side of an image's patches in pixels")
    pooling: Literal["mean", "max", "class_token"] = Field(
        "mean", description="how steps become one vector; class_token: a learned step before them, read at the end"
    )
    scaling: Scaling = Field(
        "standardize", description="of raw numbers: standardize: (x - mean) / deviation of train; rescale: x / 255"
    )

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> Transformer:
        problems = []
        if self.width % self.num_heads:
            message = f"{self.num_heads} heads do not divide a width of {self.width}"
            problems.append(Problem(("num_heads",), message, "choose a divisor of the width"))
        elif self.positions == "rotary" and self.width // self.num_heads % 2:
            message = f"rotary positions turn pairs, but a head has {self.width // self.num_heads} numbers"
            problems.append(Problem(("num_heads",), message, "choose width / num_heads even"))
        if self.positions == "sinusoidal" and self.width % 2:
            message = f"sines and cosines come in pairs, but the width is {self.width}"
            problems.append(Problem(("width",), message, "choose an even width"))
        if problems:
            raise refuse(*problems)
        return self

    @property
    def depths(self) -> tuple[int, int]:
        """Layers of the encoder, layers of the decoder."""
        encoder, decoder = self.layers if isinstance(self.layers, tuple) else (self.layers, self.layers)
        return encoder, decoder

    def misfits(self, kind: Kind | None, task: Task | None) -> Iterator[Problem]:
        problems = list(super().misfits(kind, task))
        yield from problems
        if problems:
            return
        if self.augmentation is not None and kind not in (None, "image"):
            yield Problem(("augmentation",), f"changes images, but the data gives {kind} inputs", "leave it out")
        if self.structure == "auto":
            return
        if self.structure != "encoder" and kind not in (None, "tokens"):
            made = "generates text from tokens" if self.structure == "decoder" else "makes a text of a text"
            hint = f"use `structure: encoder` for {kind} inputs, or text data"
            yield Problem(("structure",), f"`{self.structure}` {made}, but the data gives {kind} inputs", hint)
        elif task is not None and structure_of(task) != self.structure:
            hint = f"use `structure: {structure_of(task)}`, or leave it out"
            yield Problem(("structure",), f"`{self.structure}` does not learn {task}, which the data gives", hint)

    def check(self, signature: Signature) -> None:
        """Refuses images that patches do not divide, before anything is built."""
        super().check(signature)
        feature = signature.input
        if feature.kind == "image":
            for side, size in zip(("height", "width"), feature.sides, strict=False):
                if size % self.patch_size:
                    message = f"model.patch_size: patches of {self.patch_size} do not divide a {side} of {size}"
                    fitting = [str(number) for number in range(1, size + 1) if size % number == 0]
                    raise WrongInput(message, f"choose one of: {', '.join(fitting)}")

    def build(self, signature: Signature) -> keras.Model:
        self.check(signature)
        return TransformerNetwork(self, signature).build()
