"""TransformerNetwork: the layers of a Transformer, put together for a spec and a signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from kpipe.errors import WrongInput
from kpipe.models.ends import close_output, layer_name, open_input, scale, to_float
from kpipe.models.transformer_stepper import TransformerStepper
from kpipe.parts import Parts, give
from kpipe.signature import Feature, Signature, Task

if TYPE_CHECKING:
    import keras

    from kpipe.models.transformer import Transformer

Structure = Literal["encoder_decoder", "encoder", "decoder"]


def structure_of(task: Task) -> Structure:
    """What learns a task: text from text, text from itself, anything else."""
    return "encoder_decoder" if task == "text" else "decoder" if task == "next_token" else "encoder"


class TransformerNetwork:
    """The network of one spec and one signature, as it grows."""

    def __init__(self, spec: Transformer, signature: Signature) -> None:
        import keras

        self.spec, self.signature, self.target = spec, signature, signature.target
        self.policy = keras.config.dtype_policy().variable_dtype
        self.weights: dict[str, Any] = {}
        """attention by layer"""

    def build(self) -> keras.Model:
        structure = structure_of(self.target.task)
        if structure == "encoder":
            inputs, outputs, stepper = self.encoder_alone()
        elif structure == "decoder":
            inputs, outputs, stepper = self.decoder_alone()
        else:
            inputs, outputs, stepper = self.encoder_and_decoder()
        import keras

        model = keras.Model(inputs, outputs, name="transformer")
        maps = keras.Model(inputs, self.weights, name="attention_maps")
        return give(model, Parts(stepper=stepper, attention=maps))

    def encoder_alone(self) -> tuple[Any, Any, None]:
        from kpipe.layers.class_token import ClassToken
        from kpipe.layers.masked_pooling import MaskedPooling

        feature = self.signature.input
        inputs = open_input(feature)
        x, valid = self.steps(inputs, feature)
        how = self.spec.pooling
        classed = how == "class_token" and not self.target.is_per_step
        if classed:
            token = ClassToken(dtype=self.policy, name="class_token")
            x, valid = (token(x), None) if valid is None else token(x, valid)
        x = self.encode(self.place(x, feature, "encoder", 1 if classed else 0)[0], valid)
        if self.target.is_per_step:
            return inputs, close_output(x, self.target), None
        pooled = x[:, 0] if how == "class_token" else MaskedPooling(how, name="pooling")(x, valid)
        return inputs, close_output(pooled, self.target), None

    def decoder_alone(self) -> tuple[Any, Any, TransformerStepper]:
        feature = self.signature.input
        inputs = open_input(feature)
        outputs, stepper = self.decode(inputs, feature, self.embedding(feature, "embedding"))
        return inputs, outputs, stepper

    def encoder_and_decoder(self) -> tuple[Any, Any, TransformerStepper]:
        import keras

        from kpipe.layers.token_mask import TokenMask

        spec, (source, previous) = self.spec, self.signature.inputs
        shared = spec.tied_embeddings and source.vocabulary == previous.vocabulary
        reading = self.embedding(source, "embedding" if shared else "source_embedding")
        writing = reading if shared else self.embedding(previous, "target_embedding")
        inputs = [open_input(source), open_input(previous)]
        valid = TokenMask(name="source_there")(inputs[0])
        memory = self.encode(self.place(reading(inputs[0])[0], source, "encoder")[0], valid)
        encoder = keras.Model(inputs[0], {"memory": memory, "valid": valid}, name="encoder")
        outputs, stepper = self.decode(inputs[1], previous, writing, encoder, (memory, valid))
        return inputs, outputs, stepper

    def steps(self, inputs: Any, feature: Feature) -> tuple[Any, Any]:
        """Vectors of the input's steps (batch, time, width), and which of them are there (None: all)."""
        import keras

        from kpipe.layers.patches import Patches
        from kpipe.layers.token_mask import TokenMask

        if feature.kind == "tokens":
            return self.embedding(feature, "embedding")(inputs)[0], TokenMask(name="there")(inputs)
        changes = self.spec.augmentation if feature.kind == "image" else None
        x = scale(changes.move(to_float(inputs)) if changes else inputs, feature, self.spec.scaling)
        if changes:
            x = changes.colour(x, feature, self.spec.scaling)
        if feature.kind == "image":
            x = Patches(self.spec.patch_size, name="patches")(x)
        return keras.layers.Dense(self.spec.width, name="projection")(x), None

    def embedding(self, feature: Feature, name: str) -> Any:
        from kpipe.layers.token_embedding import TokenEmbedding

        assert feature.vocabulary is not None
        return TokenEmbedding(feature.vocabulary.size, self.spec.width, dtype=self.policy, name=name)

    def place(self, x: Any, feature: Feature, side: str, before: int = 0) -> tuple[Any, Any, int | None]:
        """The steps with their positions, dropped out of in part; the layer of positions, and how many it learns."""
        import keras

        from kpipe.layers.learned import Learned
        from kpipe.layers.sinusoidal import Sinusoidal

        layer, longest = None, None
        if self.spec.positions == "sinusoidal":
            layer = Sinusoidal(dtype=self.policy, name=f"{side}_positions")
        elif self.spec.positions == "learned":
            longest = before + (feature.max_length or 0) if feature.kind == "tokens" else x.shape[1]
            if longest == before:
                raise WrongInput("model.positions: the data does not tell its longest text", "use sinusoidal or rotary")
            layer = Learned(longest, dtype=self.policy, name=f"{side}_positions")
        x = x if layer is None else layer(x)
        if self.spec.dropout:
            x = keras.layers.Dropout(self.spec.dropout, seed=0, name=f"{side}_dropout")(x)
        return x, layer, longest

    def encode(self, x: Any, valid: Any) -> Any:
        from kpipe.layers.encoder_block import EncoderBlock

        for number in range(1, self.spec.depths[0] + 1):
            block = EncoderBlock(**self.of_blocks(), name=f"encoder{number}")
            x, self.weights[f"encoder{number}"] = block(x, valid)
        return self.normalized(x, "encoder")[0]

    def decode(
        self, previous: Any, feature: Feature, embedding: Any, encoder: Any = None, read: tuple[Any, Any] = (None, None)
    ) -> tuple[Any, TransformerStepper]:
        """Logits (batch, time, num_tokens), and the same one step at a time; ``read`` is the memory, and its mask."""
        import keras

        from kpipe.layers.decoder_block import DecoderBlock
        from kpipe.layers.token_scores import TokenScores

        x, table = embedding(previous)
        x, positions, longest = self.place(x, feature, "decoder")
        blocks = []
        for number in range(1, self.spec.depths[1] + 1):
            name = f"decoder{number}"
            block = DecoderBlock(**self.of_blocks(), cross=encoder is not None, name=name)
            x, self.weights[name], *rest = block(x, *read)
            self.weights.update({f"{name}_cross": weights for weights in rest})
            blocks.append(block)
        x, norm = self.normalized(x, "decoder")
        name, tied = layer_name(self.target.name), self.spec.tied_embeddings
        output = TokenScores(dtype=self.policy, name=name) if tied else keras.layers.Dense(
            self.target.size, dtype=self.policy, name=name
        )  # fmt: skip
        stepper = TransformerStepper(
            self.signature.input.name, encoder, embedding, positions, blocks, norm, output, tied, longest
        )
        return output(x, table) if tied else output(x), stepper

    def normalized(self, x: Any, side: str) -> tuple[Any, Any]:
        """With `norm: pre`, the normalization at the end."""
        from kpipe.layers.residual import layer_normalization

        if self.spec.norm == "post":
            return x, None
        layer = layer_normalization(None, f"{side}_norm")
        return layer(x), layer

    def of_blocks(self) -> dict[str, Any]:
        spec = self.spec
        return {
            "num_heads": spec.num_heads, "units": spec.feed_forward, "activation": spec.activation, "norm": spec.norm,
            "dropout": spec.dropout, "rotary": spec.positions == "rotary",
        }  # fmt: skip
