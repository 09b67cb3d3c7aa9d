"""Functional: the built model, layer by layer, as calls of Keras's functional API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from kpipe.eject.evaluation.forecasts import since_last
from kpipe.eject.network import shared
from kpipe.eject.network.arguments import arguments
from kpipe.eject.network.damage import dense_of, tied_name
from kpipe.eject.network.layers import does_nothing, own
from kpipe.eject.network.states import states_of
from kpipe.eject.network.unpadded import UNPADDED
from kpipe.eject.section import cannot
from kpipe.eject.words import call, keywords, literal

if TYPE_CHECKING:
    import keras


def written(model: keras.Model, values: Mapping[str, Mapping[str, str]]) -> tuple[str, list[str]]:
    """The network's lines, and the code of the layers in them that are not Keras's.

    ``values`` has the arguments of layers whose numbers the script learns, by layer name.

    Raises: WrongInput: a layer cannot be written.
    """
    found = Lines(model, values)
    return "\n".join(found.lines()), list(found.own)


class Lines:
    """Goes through a functional model: a tensor is ``x`` unless it is needed again after another one was made."""

    def __init__(self, model: keras.Model, values: Mapping[str, Mapping[str, str]]) -> None:
        self.model, self.values = model, values
        self.operations = [operation for operation in model.operations if type(operation).__name__ != "InputLayer"]
        self.nodes = {id(operation): shared.calls(model, operation)[0] for operation in self.operations}
        """of layers that are called several times, or that other networks share, the first call in this one"""
        self.names: dict[int, str] = {}
        self.own: dict[str, None] = {}
        """the code of layers that are not Keras's"""
        self.tied = {dense_of(one) for one in self.operations if type(one).__name__ == "TiedDense"}
        """the dense layers whose kernels others have too"""

    def lines(self) -> Iterator[str]:
        import keras

        if type(self.model) is not keras.Model and type(self.model).__name__ != "Functional":
            raise cannot(f"model: `{type(self.model).__name__}`, a class of its own", "a functional model")
        if len(self.model.outputs) != 1:
            raise cannot(f"model: `{self.model.name}` with several outputs", "a network with one")
        twice = [one for one in self.operations if len(shared.calls(self.model, one)) > 1]
        twice = [one for one in twice if type(one).__name__ not in shared.WRITTEN]
        if twice:
            raise cannot(f"model: the layer `{twice[0].name}`, which is shared,", "set `tied_embeddings: false`")
        for taken in self.model.inputs:
            name = "inputs" if len(self.model.inputs) == 1 else taken.name
            self.names[id(taken)] = name
            yield f"{name} = keras.Input({literal(tuple(taken.shape[1:]))}, dtype={literal(taken.dtype)})"
        block = ""
        again = shared.again(self)
        for place, layer in enumerate(self.operations):
            if layer in again:
                yield shared.line(self, again[layer], layer)
            if (this := block_of(layer.name)) != block:
                yield ""
                block = this
            made = self.nodes[id(layer)].outputs[0]
            if does_nothing(layer) and not self.is_kept(place):
                self.names[id(made)] = self.names[id(self.nodes[id(layer)].input_tensors[0])]
                continue
            kept = self.is_kept(place) or type(layer).__name__ == "TokenMask"
            self.names[id(made)] = shared.name_of(self, layer) if kept else "x"
            yield self.line(layer, made)
        given = ", ".join(self.names[id(one)] for one in self.model.inputs)
        given = f"[{given}]" if len(self.model.inputs) > 1 else given
        yield f"model = keras.Model({given}, {self.names[id(self.model.outputs[0])]}, name={literal(self.model.name)})"

    def line(self, layer: Any, made: Any) -> str:
        import keras

        node = self.nodes[id(layer)]
        taken = node.input_tensors
        name, before = self.names[id(made)], taken[0]
        shape = literal(tuple(made.shape[1:])) if made.shape != before.shape else ""
        if len(taken) == 1 and type(layer).__name__ in UNPADDED:
            made_by = UNPADDED[type(layer).__name__](layer, node, before.shape[-1]).replace("X", self.names[id(before)])
            return f"{name} = {made_by}" + f"  # {shape}" * bool(shape)
        if type(layer).__name__ == "SinceLast":
            return f"{name} = {since_last(layer, self.names[id(before)], self.names[id(taken[1])], taken[1].shape[-1])}"
        if len(node.outputs) > 1 and not own(layer):
            name = self.with_states(name, layer, node)
        fed = self.fed(layer, node)
        if is_dropout(layer):
            drawn = f'seed_of("layer", 0, {literal(layer.path or layer.name)}, 0)'
            return f"{name} = Dropout({layer.rate!r}, seed={drawn}){fed}"
        several = shared.gives_several(self, layer)
        if found := own(layer, len(taken) > 1, several):
            self.own.update(dict.fromkeys(found.codes))
            kind = found.codes[-1].split("class ")[1].partition("(")[0]
            given = self.given(name, node, several)
            if len(shared.calls(self.model, layer)) > 1:
                made_by = call(f"{layer.name} = {kind}", found.arguments(layer))
                return f"{made_by}\n{given} = {layer.name}{fed}  # {shape}"
            return call(f"{given} = {kind}", found.arguments(layer), fed, shape)
        if type(layer) is keras.layers.Bidirectional:
            inner = arguments(layer.forward_layer, {"name": literal(without_direction(layer.forward_layer.name))})
            around = [f"layers.{type(layer.forward_layer).__name__}({', '.join(inner)})"]
            around += [f"merge_mode={literal(layer.merge_mode)}"] * (layer.merge_mode != "concat")
            return call(f"{name} = layers.Bidirectional", [*around, f"name={literal(layer.name)}"], fed, shape)
        settings = arguments(layer, self.values.get(layer.name))
        if layer.name in self.tied:
            return f"{call(f'{tied_name(layer.name)} = layers.Dense', settings)}\n{name} = {tied_name(layer.name)}{fed}"
        return call(f"{name} = layers.{type(layer).__name__}", settings, fed, shape)

    def fed(self, layer: Any, node: Any) -> str:
        """What a layer is called with. Raises: WrongInput: something other than tensors, and the mask of steps."""
        given = [one for one in node.arguments.args if one is not None]
        named = {name: one for name, one in node.arguments.kwargs.items() if one is not None and name != "training"}
        if (set(named) - {"mask"} or len(given) > 1) and not own(layer):
            raise cannot(f"model: the layer `{layer.name}`, called with more than its input,", "leave it out")
        parts = [self.named(one) for one in given]
        return f"({', '.join([*parts, *keywords({name: self.named(one) for name, one in named.items()})])})"

    def named(self, given: Any) -> str:
        """The name of a tensor, or of those in lists."""
        if isinstance(given, list | tuple):
            return f"[{', '.join(self.named(one) for one in given)}]"
        return self.names[id(given)]

    def with_states(self, name: str, layer: Any, node: Any) -> str:
        """The names of a recurrent layer's steps and its last states. Raises: WrongInput: another layer."""
        named = states_of(layer)
        self.names |= {id(one): state for one, state in zip(node.outputs[1:], named, strict=True)}
        return ", ".join([name if self.is_taken(node.outputs[0]) else "_", *named])

    def given(self, name: str, node: Any, several: bool) -> str:
        """The names of what a layer gives: of several tensors those that are needed."""
        if not several:
            return name
        if not self.is_taken(node.outputs[-1]):
            return f"{name}, _"
        second = "table" if type(node.operation).__name__ == "TokenEmbedding" else "there"
        self.names[id(node.outputs[-1])] = second
        return f"{name}, {second}"

    def is_taken(self, tensor: Any) -> bool:
        taken = [one for operation in self.operations for one in self.nodes[id(operation)].input_tensors]
        return any(one is tensor for one in taken)

    def is_kept(self, place: int) -> bool:
        """Whether another operation than the next one takes what this one gives."""
        made = self.nodes[id(self.operations[place])].outputs[0]
        later = self.operations[place + 2 :]
        taken = [one for operation in later for one in self.nodes[id(operation)].input_tensors]
        if place + 1 < len(self.operations):
            taken += self.model.outputs
        return any(one is made for one in taken)


def without_direction(name: str) -> str:
    return name.removeprefix("forward_")


def is_dropout(layer: Any) -> bool:
    import keras

    return type(layer) is keras.layers.Dropout and layer.noise_shape is None


def block_of(name: str) -> str:
    """``block1`` of ``block1_conv2``; nothing of ``dense1``."""
    block, underscore, _ = name.partition("_")
    return block if underscore and block.startswith("block") else ""
