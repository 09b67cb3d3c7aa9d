"""The pretraining of a stack of autoencoders as code: a loop over its layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kpipe.eject.network import chance, damage
from kpipe.eject.network.layers import does_nothing
from kpipe.eject.section import Section, cannot, require_defaults
from kpipe.eject.training.loop import descent, inputs
from kpipe.eject.words import WIDTH, call, keywords, literal
from kpipe.models.stacked_autoencoder import StackedAutoencoder
from kpipe.parts import parts_of
from kpipe.training.method import Method, stack_of
from kpipe.training.pretrain_layerwise import PretrainLayerwise

if TYPE_CHECKING:
    import keras

    from kpipe.data.splits import Splits
    from kpipe.parts import Level
    from kpipe.pipeline import Pipeline

HEADING = "Pretraining"

LOOP = """
# Each layer, from the input up, learns to give back what the layers below it give.
pretraining = {{}}
for number, (name, activation, back) in enumerate(LAYERS, start=1):
    below = keras.Model(inputs, model.get_layer(name).input)
    h_train, h_validation = (below.predict(x, batch_size=BATCH_SIZE, verbose=0) for x in (x_train, x_validation))

    h = x = keras.Input(h_train.shape[1:])
{damaged}    x = layers.Activation(activation)(model.get_layer(name)(x))
    x = layers.Dense(h_train.shape[1], name=f"{{name}}_back")(x)
    x = layers.Activation(back)(x)
    autoencoder = keras.Model(h, x, name=f"{{name}}_autoencoder")
    begin(autoencoder)
{compiled}
{best}{fitted}
    pretraining[name] = fitted.history
"""

OF_ALL = """
# Each tier, from the input up, learns to give back what the tiers below it give.
pretraining = {{}}
for number, (name, tier) in enumerate(TIERS.items(), start=1):
    below = keras.Model(inputs, model.get_layer(tier[0]).input)
    h_train, h_validation = (below.predict(x, batch_size=BATCH_SIZE, verbose=0) for x in (x_train, x_validation))

    h = x = keras.Input(h_train.shape[1:])
{damaged}    for layer in tier:
        x = model.get_layer(layer)(x)
    autoencoder = keras.Model(h, x, name=f"{{name}}_autoencoder")
{compiled}
{best}{fitted}
    pretraining[name] = fitted.history
"""


def check(method: PretrainLayerwise, where: str) -> None:
    """Raises: WrongInput: a setting cannot be written."""
    descent.check(method, where)


def write(pipeline: Pipeline, index: int, model: keras.Model, splits: Splits) -> Section:
    """Trains the layers of ``model`` one by one. Raises: WrongInput: a setting of the stack cannot be written."""
    method, stack, batch_size = pipeline.train[index], pipeline.model, pipeline.data.batch_size
    assert isinstance(method, PretrainLayerwise)
    assert isinstance(stack, StackedAutoencoder)
    if stack.output == "target":
        require_target(stack, splits)
    elif stack.dropout:
        raise cannot("train: `pretrain_layerwise` of a network with dropout", "set `model.dropout: 0`")
    levels = stack_of(model, method.type).levels
    parts = parts_of_loop(method, index, levels, splits, batch_size)
    epochs = f"PRETRAINING_EPOCHS = {method.epochs}"
    before = f"{descent.BATCHES.strip()}\n\n{inputs.LOSS.rstrip()}\n\n\n"
    imports = ("import itertools", "import math", "from keras import ops")
    if stack.output == "reconstruction":
        return Section(before + OF_ALL.strip("\n").format(**parts), imports, (tiers_of(levels), epochs))
    if stack.corruption:
        before = f"{chance.RANDOM.strip()}\n\n\n{damage.CODES[stack.corruption.type].strip()}\n\n\n{before}"
    return Section(before + LOOP.strip("\n").format(**parts), imports, (*layers_of(stack), epochs))


def parts_of_loop(
    method: PretrainLayerwise, index: int, levels: Sequence[Level], splits: Splits, batch_size: int
) -> dict[str, str]:
    """What damages the input of each of the ``levels``, and the calls that train it."""
    from kpipe.training.loop.batches import even_batch_size

    steps = method.epochs * -(-len(splits.train) // batch_size)
    compiled = {
        "optimizer": descent.optimizer_of(method),
        "loss": 'squared_error_over(h_train.var(axis=0, dtype="float64").mean())',
        "jit_compile": descent.compiles(method, levels[0].autoencoder, steps),
    }
    fitted = {
        "steps_per_epoch": "math.ceil(len(h_train) / BATCH_SIZE)",
        "epochs": "PRETRAINING_EPOCHS",
        "validation_data": "(h_validation, h_validation)",
        "validation_batch_size": str(even_batch_size(len(splits.validation), batch_size)),
        "shuffle": "False",
        "verbose": "2",
    }
    kept = descent.keeping(method, "PRETRAINING_EPOCHS", 4)
    if kept:
        fitted["callbacks"] = "[best]"
    given = [f'batches(h_train, h_train, f"{index}.{{number}}")', *keywords(fitted)]
    drawn = f'seed_of("layer", f"{index}.{{number}}", f"{{name}}_corruption", 0)'
    return {
        "damaged": damage.of_levels(levels, drawn),
        "compiled": call("autoencoder.compile", keywords(compiled), indent=4),
        "best": f"{kept}\n" if kept else "",
        "fitted": call("fitted = autoencoder.fit", given, indent=4),
    }


def require_target(stack: StackedAutoencoder, splits: Splits) -> None:
    """Of a network that ends in the target, the decoders are made in the loop. Raises: WrongInput: they cannot be."""
    require_defaults(stack, "model", ("units", "activation", "code_activation", "corruption"))
    if splits.signature.input.dtype != "uint8":
        hint = "give it `output: reconstruction`, or leave the stage out"
        raise cannot("train: `pretrain_layerwise` before a target on other inputs than images of bytes", hint)


def tiers(levels: Sequence[Level]) -> dict[str, list[str]]:
    """The layers of each of them, there and back, that do something to be written."""
    return {
        level.name: [
            layer.name
            for layer in level.autoencoder.layers
            if type(layer).__name__ not in ("InputLayer", "Corruption") and not does_nothing(layer)
        ]
        for level in levels
    }


def tiers_of(levels: Sequence[Level]) -> str:
    rows = [f"    {literal(name)}: {literal(found)}," for name, found in tiers(levels).items()]
    broken = [row.replace("[", "[\n        ").replace(", ", ",\n        ").replace("],", ",\n    ],") for row in rows]
    rows = [row if len(row) <= WIDTH else other for row, other in zip(rows, broken, strict=True)]
    return "\n".join(["TIERS = {  # the layers of each autoencoder, there and back", *rows, "}"])


def named_for(methods: Sequence[Method], model: keras.Model) -> dict[str, dict[str, str]]:
    """The names of layers that a script must find again."""
    stack = parts_of(model).stack
    if stack is None or model is not stack.autoencoder or methods[0].type != "pretrain_layerwise":
        return {}
    return {name: {"name": literal(name)} for found in tiers(stack.levels).values() for name in found}


def layers_of(stack: StackedAutoencoder) -> list[str]:
    """The layers with their activations, and those that give their reconstructions the range of their inputs."""
    last = len(stack.units)
    rows = ["LAYERS = [  # with its activation, and that of its reconstruction"]
    for number in range(1, last + 1):
        name, activation = ("code", stack.code_activation) if number == last else (f"dense{number}", stack.activation)
        back = "sigmoid" if number == 1 else stack.activation.name
        rows.append(f"    ({literal(name)}, {literal(activation.name)}, {literal(back)}),")
    return ["\n".join([*rows, "]"])]
