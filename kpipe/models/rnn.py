"""RNN: a recurrent network for sequences, tokens and images read row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from kpipe.errors import WrongInput
from kpipe.models.architecture import Architecture, Count, Fraction
from kpipe.models.cells_stepper import CellsStepper, Level
from kpipe.models.ends import Scaling, close_output, layer_name, never_zero, open_input, scale
from kpipe.parts import Parts, give
from kpipe.signature import Feature, Kind, Signature, Task
from kpipe.spec.mistake import Problem
from kpipe.spec.spec import Tuple

if TYPE_CHECKING:
    import keras

PER_STEP: frozenset[Task] = frozenset({"tags", "next_token"})


class RNN(Architecture):
    """A recurrent network: layers that read a sequence step by step, in one direction or in both.

    simple (Elman): h_t = tanh(W x_t + U h_t-1 + b); LSTM and GRU as Keras defines them. Layers are stacked; with
    `bidirectional` each reads in both directions and gives both outputs, one beside the other. Dropout is put between
    the layers, before the output, and on the embeddings of tokens (not on raw numbers); `recurrent_dropout` drops the
    same units of the state at every step of a sequence. With `residual` a layer's input is added to its output,
    through a dense layer without bias where their sizes differ.

    One answer for a sequence (classes, labels, values, forecast) is given from all steps pooled: `last` is the state
    after the last real step, in both directions the end of each; `attention` is a mean under weights
    softmax(v . tanh(W h_t + b)), shown by the picture `attention_over_words`. Padding takes no part in anything. An
    image is read row by row: `height` steps of `width * channels` numbers. Series that drift are best forecast as
    `changes`: differences from the last step go in and come out, and the last step is added (as in NLinear).

    Shapes:
        (batch, time) tokens, (batch, time, features) or (batch, height, width, channels)
        -> (batch, num_classes | num_labels | num_values), or a forecast (batch, horizon, num_values);
        of tokens also tags (batch, time, num_tags) and the next token (batch, time, num_tokens)

    Raises:
        WrongInput: the inputs or the task do not fit; a bidirectional network cannot learn the next token; changes are
        to be forecast of what is not among the inputs.

    Example:
        model: {type: rnn, cell: lstm, units: [64, 64], bidirectional: true, dropout: 0.3}

    Reference:
        J. Elman, 1990, Finding structure in time. S. Hochreiter, J. Schmidhuber, 1997, Long short-term memory. M.
        Schuster, K. Paliwal, 1997, Bidirectional recurrent neural networks. K. Cho et al., 2014, Learning phrase
        representations using RNN encoder-decoder (GRU). W. Zaremba et al., 2014, Recurrent neural network
        regularization. Y. Gal, Z. Ghahramani, 2016, A theoretically grounded application of dropout in recurrent
        neural networks. Z. Yang et al., 2016, Hierarchical attention networks (attention pooling). A. Zeng
        et al., 2023, Are Transformers effective for time series forecasting? (changes)
    """

    pairs: ClassVar[Mapping[Kind, frozenset[Task]]] = {
        "tokens": frozenset({"classes", "labels", "values", "tags", "next_token"}),
        "sequence": frozenset({"classes", "labels", "values", "forecast"}),
        "image": frozenset({"classes", "labels", "values"}),
    }

    type: Literal["rnn"] = "rnn"
    scaling: Scaling = Field(
        "standardize", description="of raw numbers: standardize: (x - mean) / deviation of train; rescale: x / 255"
    )
    embedding: Count = Field(64, description="numbers that stand for each token")
    cell: Literal["simple", "lstm", "gru"] = Field("lstm", description="simple (Elman), lstm or gru")
    units: Tuple[Count] = Field(
        (64,), min_length=1, max_length=64, description="units of each layer, in each direction"
    )
    bidirectional: bool = Field(False, description="true: each layer reads in both directions")
    residual: bool = Field(False, description="adds a layer's input to its output")
    dropout: Fraction = Field(
        0.0, description="fraction dropped before each layer but the first, and the output, [0, 1)"
    )
    recurrent_dropout: Fraction = Field(0.0, description="fraction of the state dropped at every step alike, [0, 1)")
    pooling: Literal["last", "mean", "max", "attention"] = Field(
        "last", description="how steps become one answer; tags and the next token are an answer for each step"
    )
    forecast: Literal["values", "changes"] = Field(
        "values", description="values, or changes: the network sees and forecasts differences from the last step seen"
    )

    def misfits(self, kind: Kind | None, task: Task | None) -> Iterator[Problem]:
        yield from super().misfits(kind, task)
        if task == "next_token" and self.bidirectional:
            message = "a bidirectional network sees the next token before it says which it is"
            yield Problem(("bidirectional",), message, "set `bidirectional: false`")
        if task in PER_STEP and self.pooling != "last":
            message = f"{self.pooling} makes one answer of all steps, but {task} are an answer for each step"
            yield Problem(("pooling",), message, "remove it")
        if task not in (None, "forecast") and self.forecast == "changes":
            yield Problem(("forecast",), f"the task is {task}, so nothing is forecast", "remove it")

    def check(self, signature: Signature) -> None:
        super().check(signature)
        missing = set(signature.target.names) - set(signature.input.columns)
        if self.forecast == "changes" and missing:
            raise WrongInput(
                f"model.forecast: changes start from the last values seen, but the input holds no `{min(missing)}`",
                "give it among data.features, or set `forecast: values`",
            )

    def build(self, signature: Signature) -> keras.Model:
        self.check(signature)
        import keras

        target = signature.target
        inputs = open_input(signature.input)
        x, there, embedding = self._steps(inputs, signature.input)
        levels = []
        for number, units in enumerate(self.units, start=1):
            if number > 1:
                x = self._drop(x, f"dropout{number - 1}")
            x, level = self._recur(x, there, units, number)
            levels.append(level)
        weights = None
        if target.task not in PER_STEP:
            x, weights = self._pool(x, there)
        x = self._drop(x, f"dropout{len(self.units)}")
        outputs = close_output(x, target) if self.forecast == "values" else self._since_last(x, inputs, signature)
        model = keras.Model(inputs, outputs, name="rnn")
        maps = None
        if weights is not None:
            maps = keras.Model(inputs, {"attention_pooling": weights}, name="attention")
        stepper = None
        if target.task == "next_token":
            assert embedding is not None
            stepper = CellsStepper(embedding, levels, model.layers[-1])
        return give(model, Parts(stepper=stepper, attention=maps))

    def _steps(self, x: Any, feature: Feature) -> tuple[Any, Any, keras.layers.Embedding | None]:
        """The steps (batch, time, features), where they are (batch, time), and the layer that embeds tokens."""
        import keras

        from kpipe.layers.relative_to_last import RelativeToLast
        from kpipe.layers.token_mask import TokenMask

        if feature.kind != "tokens":
            x = scale(x, feature, self.scaling)
            if feature.kind == "image":
                height, width, channels = feature.sides
                x = keras.layers.Reshape((height, width * channels), name="rows")(x)
            if self.forecast == "changes":
                x = RelativeToLast(name="relative_to_last")(x)
            return x, None, None
        assert feature.vocabulary is not None
        there = TokenMask(at_least_one=True, name="there")(x)
        embedding = keras.layers.Embedding(feature.vocabulary.size, self.embedding, name="embedding")
        return self._drop(embedding(x), "embedding_dropout"), there, embedding

    def _recur(self, x: Any, there: Any, units: int, number: int) -> tuple[Any, Level]:
        """One layer over all steps: (batch, time, features) -> (batch, time, units, or twice of it)."""
        import keras

        cells = {"simple": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
        name, cell = f"{self.cell}{number}", cells[self.cell]
        # reseed() gives every generator a seed of its own, by its path: the two directions drop different units
        layer = cell(units, return_sequences=True, recurrent_dropout=self.recurrent_dropout, seed=0, name=name)
        around = keras.layers.Bidirectional(layer, name=name) if self.bidirectional else layer
        y = around(x, mask=there)
        if not self.residual:
            return y, Level(layer, False, None)
        shortcut = None
        if x.shape[-1] != y.shape[-1]:
            shortcut = keras.layers.Dense(y.shape[-1], use_bias=False, name=f"{name}_shortcut")
            x = shortcut(x)
        return keras.layers.Add(name=f"{name}_add")([y, x]), Level(layer, True, shortcut)

    def _pool(self, x: Any, there: Any) -> tuple[Any, Any]:
        """All steps as one (batch, features), and the weights of attention (batch, 1, 1, time)."""
        from kpipe.layers.attention_pooling import AttentionPooling
        from kpipe.layers.last_state import LastState
        from kpipe.layers.masked_pooling import MaskedPooling

        if self.pooling == "last":
            return LastState(self.bidirectional, name="last_state")(x, there), None
        if self.pooling == "attention":
            pooled, weights = AttentionPooling(x.shape[-1], name="attention_pooling")(x, there)
            return pooled, weights
        return MaskedPooling(self.pooling, name=f"{self.pooling}_pooling")(x, there), None

    def _since_last(self, x: Any, inputs: Any, signature: Signature) -> Any:
        from kpipe.layers.since_last import SinceLast

        target = signature.target
        places = [signature.input.columns.index(name) for name in target.names]
        # without moments the output is the plain change, in deviations of train
        changes = close_output(x, target.model_copy(update={"mean": (), "variance": (), "name": "changes"}))
        deviations = [variance**0.5 for variance in never_zero(target.variance)]
        return SinceLast(places, deviations, dtype=changes.dtype, name=layer_name(target.name))(changes, inputs)

    def _drop(self, x: Any, name: str) -> Any:
        import keras

        return keras.layers.Dropout(self.dropout, seed=0, name=name)(x) if self.dropout else x
