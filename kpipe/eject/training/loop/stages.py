"""Stages: several trainings of a network by `fit`, one after the other, as code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kpipe.eject.section import Section, cannot, together
from kpipe.eject.words import assigned, literal
from kpipe.spec.keras_object import KerasObject
from kpipe.training.fit import Fit
from kpipe.training.named import for_logits

if TYPE_CHECKING:
    import keras

    from kpipe.data.splits import Splits
    from kpipe.pipeline import Pipeline
    from kpipe.signature import Signature, Target
    from kpipe.training.method import Method

CHOICES = {"class_weight": None, "label_smoothing": 0.0, "steps_per_epoch": None, "teacher_forcing": 1.0}
"""What is written for one stage alone, and what it is where nothing is chosen."""

DRAWING = "DRAWING = []  # the layers that draw random numbers"

RESEED = '''
def reseed(stage):
    """What random layers draw depends on the stage, on their place in the network, and on how often they have drawn."""
    for layer in DRAWING:
        layer.generator.state.assign(np.array([seed_of("layer", stage, layer.place, 0), 0]))
'''


SOME = "for layer in model.layers:\n    layer.trainable = layer.name in TRAINED\n"

ALL = "for layer in model.layers:\n    layer.trainable = True\n"


def fits(methods: Sequence[Method]) -> list[Fit]:
    return [method for method in methods if isinstance(method, Fit)]


def check(methods: Sequence[Method]) -> None:
    """Raises: WrongInput: stages in an order that no script has, or several with what only a single one can have."""
    types = [method.type for method in methods]
    if "fit" not in types or set(types[1:]) - {"fit"} or set(types) - {"fit", "pretrain_layerwise"}:
        named = ", ".join(f"`{name}`" for name in types)
        raise cannot(f"train: these stages ({named})", "stages of `fit`, and before them `pretrain_layerwise`")
    several = len(fits(methods)) > 1
    found = [
        cannot(f"train: `{name}` where `fit` comes several times", "leave it out, or train in one stage")
        for name, without in CHOICES.items()
        if several and any(getattr(method, name) != without for method in fits(methods))
    ]
    if found:
        raise together(found)


def sections(
    pipeline: Pipeline, writers: Sequence[Any], model: keras.Model, splits: Splits
) -> Iterator[tuple[str, Section]]:
    """Each stage, under its heading."""
    methods = pipeline.train
    for index, writer in enumerate(writers):
        numbered = f", stage {index + 1} of {len(methods)}" if len(fits(methods)) > 1 else ""
        yield f"{writer.HEADING}{numbered}", in_place(writer.write(pipeline, index, model, splits), methods, index)


def drawing(model: keras.Model, methods: Sequence[Method]) -> tuple[str, ...]:
    """The constant of scripts whose random layers are seeded anew. Raises: WrongInput: they are pretrained before."""
    if len(fits(methods)) == 1 or not is_random(model):
        return ()
    if len(fits(methods)) < len(methods):
        hint = "let a single `fit` come after it, or leave out dropout and `corruption`"
        raise cannot("train: `pretrain_layerwise` and several `fit` of a network with random layers", hint)
    return (DRAWING,)


def in_place(section: Section, methods: Sequence[Method], index: int) -> Section:
    """The constants of one of several trainings stand with it: the next has others."""
    if len(fits(methods)) == 1 or not isinstance(methods[index], Fit):
        return section
    blank = "\n\n\n" if section.code.strip().startswith(("class ", "def ")) else "\n\n"
    return Section("\n".join(section.constants) + blank + section.code.strip(), section.imports)


def seeded(code: str, methods: Sequence[Method]) -> str:
    """Seeds of random layers: those of the only stage that trains the network as a whole, or of each that does."""
    if len(fits(methods)) == 1:
        first = [method.type for method in methods].index("fit")
        return code.replace('seed_of("layer", 0, ', f'seed_of("layer", {first}, ')
    code = re.sub(r'(seed=)?seed_of\("layer", 0, (.+?), 0\)', r"\2", code)
    code = re.sub(r"def __init__\(self, (.*), seed\):", r"def __init__(self, \1, place):", code)
    code = code.replace("depend on its seed and on", "depend on the stage, its place and")
    remembered = "keras.random.SeedGenerator(0)\n        self.place = place\n        DRAWING.append(self)"
    return code.replace("keras.random.SeedGenerator(seed)", remembered)


def is_random(model: keras.Model) -> bool:
    """Whether layers other than recurrent ones, which each have a generator, draw something."""
    layers = [layer for layer in model._flatten_layers() if not hasattr(layer, "recurrent_dropout")]
    return any(layer._seed_generators for layer in layers)


def named(method: Fit, signature: Signature, loss: str, metric: str) -> tuple[str, str]:
    """The loss and the metrics that a stage names, or those of its target. Raises: WrongInput: answers are padded."""
    if signature.is_padded and (method.loss is not None or method.metrics is not None):
        raise cannot("train: a `loss` or `metrics` by name where texts are padded", "leave them out")
    if method.loss is not None:
        loss = told(method.loss, signature.target, "loss")
    if method.metrics is not None:
        metric = ", ".join(told(one, signature.target, "metrics") for one in method.metrics)
    return loss, metric


def told(written: KerasObject, target: Target, field: str) -> str:
    """A loss or a metric of logits."""
    arguments = {**written.arguments, **for_logits(written, target, field)}
    return literal(KerasObject(written.name, kind=written.kind, arguments=arguments))


def definitions(model: keras.Model, methods: Sequence[Method]) -> list[str]:
    """What several stages need once."""
    return [RESEED] if drawing(model, methods) else []


def prepared(model: keras.Model, methods: Sequence[Method], index: int) -> Section:
    """What a stage does before the network is compiled."""
    layers = trained(model, methods, index)
    anew = f"reseed({index})\n" if drawing(model, methods) else ""
    return Section((layers.code + anew).rstrip("\n"), (), layers.constants)


def trained(model: keras.Model, methods: Sequence[Method], index: int) -> Section:
    """What says which layers a stage trains. Raises: WrongInput: a part of a layer."""
    from kpipe.training.loop.frozen import names_of, only_trainable

    method, before = methods[index], fits(methods[:index])
    assert isinstance(method, Fit)
    if method.trainable is None:
        return Section(ALL if before and before[-1].trainable else "")
    names = []
    with only_trainable(model, method.trainable):
        leaves = names_of(model)
        for layer in model.layers:
            found = {leaf.trainable for leaf, named in leaves.items() if layer.name in named}
            if len(found) > 1:
                raise cannot(f"train.trainable: a part of the layer `{layer.name}`", f"name `{layer.name}` itself")
            names += [layer.name] * (found == {True})
    return Section(SOME, (), (assigned("TRAINED", names),))
