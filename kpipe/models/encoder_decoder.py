"""EncoderDecoder: one recurrent network reads a text, another writes the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from kpipe.models.architecture import Architecture, Count, Fraction
from kpipe.models.ends import layer_name, open_input
from kpipe.models.recurrent_stepper import RecurrentStepper
from kpipe.parts import Parts, give
from kpipe.signature import Kind, Signature, Task
from kpipe.spec.mistake import Problem
from kpipe.spec.spec import refuse

if TYPE_CHECKING:
    import keras


class EncoderDecoder(Architecture):
    """A recurrent encoder reads the source, a recurrent decoder writes the target, looking back through attention.

    The last states of the encoder's layers start the decoder's (through a dense layer each where the encoder reads in
    both directions). Attention stands where Luong et al. put it: a step's own state h_t asks,
    a = softmax(score(h_t, outputs of the encoder)), and tanh(W [sum(a * outputs); h_t]) gives the logits. The score is
    additive (v . tanh(W h + U e), Bahdanau's), dot (h . e) or general (h . U e). Two differences from the papers let
    training run over whole sequences at once: Bahdanau asks with the state before, h_t-1, and feeds the context to
    the cell; Luong feeds tanh(...) to the next step. Padding has no weight in the attention and no part in the states.

    Shapes:
        source (batch, source) int32, previous (batch, target) int32 -> (batch, target, num_tokens)

    Raises:
        WrongInput: the data does not give a source text and a target text.

    Example:
        model: {type: encoder_decoder, cell: gru, units: 128, bidirectional: true, attention: general}

    Reference:
        I. Sutskever, O. Vinyals, Q. Le, 2014, Sequence to sequence learning with neural networks. D. Bahdanau, K. Cho,
        Y. Bengio, 2015, Neural machine translation by jointly learning to align and translate. M.-T. Luong, H. Pham,
        C. Manning, 2015, Effective approaches to attention-based neural machine translation.
    """

    pairs: ClassVar[Mapping[Kind, frozenset[Task]]] = {"tokens": frozenset({"text"})}
    offers: ClassVar[frozenset[str]] = frozenset({"teacher_forcing"})

    type: Literal["encoder_decoder"] = "encoder_decoder"
    cell: Literal["lstm", "gru"] = Field("lstm", description="the recurrent cell of both networks")
    embedding: Count = Field(64, description="numbers for each token")
    units: Count = Field(128, description="of each recurrent layer; in each direction, of the encoder's")
    layers: int = Field(1, ge=1, le=16, description="recurrent layers of the encoder, and as many of the decoder")
    bidirectional: bool = Field(True, description="the encoder reads in both directions; the decoder never does")
    attention: Literal["none", "additive", "dot", "general"] = Field(
        "additive", description="the score of a decoder's state and an encoder's output; none: the last states alone"
    )
    dropout: Fraction = Field(
        0.0, description="fraction dropped of the input of each recurrent layer and of the output layer, [0, 1)"
    )

    @model_validator(mode="after")
    def _dot_compares_equals(self) -> EncoderDecoder:
        if self.attention == "dot" and self.bidirectional:
            message = "dot compares the decoder's `units` numbers with the encoder's, which in two directions are twice"
            raise refuse(Problem(("attention",), message, "use general or additive, or set `bidirectional: false`"))
        return self

    def build(self, signature: Signature) -> keras.Model:
        self.check(signature)
        import keras

        from kpipe.layers.recurrent_decoder import RecurrentDecoder
        from kpipe.layers.token_mask import TokenMask

        source, previous = (open_input(feature) for feature in signature.inputs)
        there = TokenMask(name="source_there")(source)
        # rows that fill up a batch have no token, which recurrent layers on a GPU refuse
        read = TokenMask(at_least_one=True, name="source_read")(source)
        memory, states = self._encode(source, read, signature)
        decoder = RecurrentDecoder(
            vocabulary_size=signature.target.size,
            cell=self.cell,
            units=self.units,
            layers=self.layers,
            embedding=self.embedding,
            attention=None if self.attention == "none" else self.attention,
            dropout=self.dropout,
            name=layer_name(signature.target.name),
        )
        looked_at = {} if self.attention == "none" else {"memory": memory, "there": there}
        logits = decoder(previous, states, **looked_at)
        inputs = [source, previous]
        model = keras.Model(inputs, logits, name="encoder_decoder")
        encoder = keras.Model(source, {"states": states, **looked_at}, name="encoder")
        maps = None
        if looked_at:
            seen = decoder(previous, states, **looked_at, return_attention=True)
            maps = keras.Model(inputs, {"attention": seen}, name="attention_maps")
        stepper = RecurrentStepper(encoder, decoder, signature.input.name)
        return give(model, Parts(stepper=stepper, attention=maps, teacher_forcing=decoder))

    def _encode(self, source: Any, there: Any, signature: Signature) -> tuple[Any, tuple[tuple[Any, ...], ...]]:
        """The outputs of the last layer (batch, source, size), and the states that the decoder's layers start from."""
        import keras

        vocabulary = signature.input.vocabulary
        assert vocabulary is not None
        x = keras.layers.Embedding(vocabulary.size, self.embedding, name="source_embedding")(source)
        states = []
        for number in range(1, self.layers + 1):
            if self.dropout:
                x = keras.layers.Dropout(self.dropout, seed=0, name=f"encoder{number}_dropout")(x)
            x, *last = self._recurrent(f"encoder{number}")(x, mask=there)
            states.append(tuple(self._starts(last, f"start{number}")))
        return x, tuple(states)

    def _recurrent(self, name: str) -> keras.layers.Layer:
        import keras

        recurrent = keras.layers.LSTM if self.cell == "lstm" else keras.layers.GRU
        layer = recurrent(self.units, return_sequences=True, return_state=True, seed=0, name=name)
        return keras.layers.Bidirectional(layer, name=name) if self.bidirectional else layer

    def _starts(self, last: list[Any], name: str) -> Iterator[Any]:
        """The decoder's first states (h, or h and c) from the encoder's last, of one or of both directions."""
        import keras

        if not self.bidirectional:
            yield from last
            return
        count = len(last) // 2
        for forward, backward, state in zip(last[:count], last[count:], "hc"[:count], strict=True):
            both = keras.layers.Concatenate(name=f"{name}_{state}_both")([forward, backward])
            yield keras.layers.Dense(self.units, name=f"{name}_{state}")(both)
