"""The pretraining of a stack of autoencoders as code: a loop over its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kpipe.eject import chance, descent
from kpipe.eject.section import Section, cannot, require_defaults
from kpipe.eject.words import call, keywords, literal
from kpipe.models.stacked_autoencoder import StackedAutoencoder
from kpipe.training.pretrain_layerwise import PretrainLayerwise

if TYPE_CHECKING:
    import keras

    from kpipe.data.splits import Splits
    from kpipe.pipeline import Pipeline

HEADING = "Pretraining"

LOSS = '''
def squared_error_over(variance):
    """1 for who always says the mean."""
    deviation = np.sqrt(variance).astype("float32")
    return lambda y_true, y_pred: ops.mean(ops.square(ops.divide(y_true - y_pred, deviation)), axis=-1)


'''

LOOP = """
# Each layer, from the input up, learns to give back what the layers below it give.
pretraining = {{}}
for number, (name, activation, back) in enumerate(LAYERS, start=1):
    below = keras.Model(inputs, model.get_layer(name).input)
    h_train, h_validation = (below.predict(x, batch_size=BATCH_SIZE, verbose=0) for x in (x_train, x_validation))

    h = keras.Input(h_train.shape[1:])
    x = {damaged}
    x = layers.Activation(activation)(model.get_layer(name)(x))
    x = layers.Dense(h_train.shape[1], name=f"{{name}}_back")(x)
    x = layers.Activation(back)(x)
    autoencoder = keras.Model(h, x, name=f"{{name}}_autoencoder")
    begin(autoencoder)

    variance = h_train.var(axis=0, dtype="float64").mean()
{compiled}
{best}{fitted}
    pretraining[name] = fitted.history
"""


def check(method: PretrainLayerwise) -> None:
    """Raises: WrongInput: a setting cannot be written."""
    descent.check(method)


def write(pipeline: Pipeline, index: int, model: keras.Model, splits: Splits) -> Section:
    """Trains the layers of ``model`` one by one. Raises: WrongInput: a setting of the stack cannot be written."""
    from kpipe.training.loop.batches import even_batch_size

    method, stack, batch_size = pipeline.train[index], pipeline.model, pipeline.data.batch_size
    assert isinstance(method, PretrainLayerwise)
    assert isinstance(stack, StackedAutoencoder)
    require_defaults(stack, "model", ("units", "activation", "code_activation", "corruption"))
    if splits.signature.input.dtype != "uint8":
        raise cannot("train: `pretrain_layerwise` on other inputs than images of bytes", "leave the stage out")
    if stack.corruption and stack.corruption.type != "masking":
        raise cannot(f"model.corruption: `{stack.corruption.type}`", "what can: masking")
    steps = method.epochs * -(-len(splits.train) // batch_size)
    compiled = {
        "optimizer": descent.optimizer_of(method),
        "loss": "squared_error_over(variance)",
        "jit_compile": descent.compiles(method, model, steps),
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
    drawn = (
        f'Masking({stack.corruption.amount}, seed_of("layer", f"{index}.{{number}}", f"{{name}}_corruption", 0))(h)'
        if stack.corruption
        else "h"
    )
    loop = LOOP.strip("\n").format(
        damaged=drawn,
        compiled=call("autoencoder.compile", keywords(compiled), indent=4),
        best=f"{kept}\n" if kept else "",
        fitted=call(
            "fitted = autoencoder.fit",
            [f'batches(h_train, h_train, f"{index}.{{number}}")', *keywords(fitted)],
            indent=4,
        ),
    )
    damage = f"{chance.RANDOM.strip()}\n\n\n{chance.MASKING.strip()}\n\n\n" if stack.corruption else ""
    code = f"{damage}{descent.BATCHES.strip()}\n\n{LOSS.rstrip()}\n\n\n{loop}"
    constants = (*layers_of(stack), f"PRETRAINING_EPOCHS = {method.epochs}")
    return Section(code, ("import itertools", "import math", "from keras import ops"), constants)


def layers_of(stack: StackedAutoencoder) -> list[str]:
    """The layers with their activations, and those that give their reconstructions the range of their inputs."""
    last = len(stack.units)
    rows = ["LAYERS = [  # with its activation, and that of its reconstruction"]
    for number in range(1, last + 1):
        name, activation = ("code", stack.code_activation) if number == last else (f"dense{number}", stack.activation)
        back = "sigmoid" if number == 1 else stack.activation.name
        rows.append(f"    ({literal(name)}, {literal(activation.name)}, {literal(back)}),")
    return ["\n".join([*rows, "]"])]
