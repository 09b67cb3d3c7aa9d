"""Story: from a checked pipeline to the text of a script that needs no kpipe."""

from __future__ import annotations

import re
import shlex
import sys
import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from kpipe import backend
from kpipe.backend import Backend
from kpipe.eject import continued, decoding, obstacles
from kpipe.eject.evaluation import forecasts, metrics, text_metrics
from kpipe.eject.network import chance, functional, initial_weights, state_dropout
from kpipe.eject.section import Section, cannot, writer_of
from kpipe.eject.training.loop import inputs, padded, stages
from kpipe.eject.training.pretrain_layerwise import named_for
from kpipe.eject.verify import require_same
from kpipe.eject.words import WIDTH
from kpipe.pipeline import Pipeline, build, load_splits
from kpipe.training.teacher_forcing import put_into

if TYPE_CHECKING:
    import keras

    from kpipe.data.splits import Splits
    from kpipe.signature import Feature, Signature, Target

WRITTEN = (
    "name", "backend", "seed", "data", "model", "train", "evaluate", "decode",
    "checkpoint", "expect", "kernels", "threads", "track", "tune",
)  # fmt: skip
"""What the script follows; the last line changes nothing of what is computed, but for the last digits."""

FOR_DATA = ("import hashlib", "import numpy as np")
FROM_KERAS = "from keras import "

HEAD = '''"""{title}

{told}

    KERAS_BACKEND=jax python {script}    (or tensorflow, or torch)
"""
'''

PACKAGES = {
    "numpy": "NumPy",
    "pandas": "pandas",
    "PIL": "Pillow",
    "rapidfuzz": "RapidFuzz",
    "sacrebleu": "sacreBLEU",
    "sklearn": "scikit-learn",
    "tensorflow": "TensorFlow",
    "tensorflow_datasets": "TensorFlow Datasets",
    "tokenizers": "tokenizers",
}
"""What a script may need beside Keras, by what is imported."""

SEEDS = '''
def hashed(*purpose):
    """128 bits for a purpose: whatever is drawn has a seed of its own."""
    return int.from_bytes(hashlib.sha256(repr((SEED, *purpose)).encode()).digest()[:16], "big")


def seed_of(*purpose):
    """The first 31 of them."""
    return hashed(*purpose) >> 97
'''


def eject(pipeline: Pipeline, file: Path, script: str, overrides: Sequence[str] = ()) -> str:
    """The script of ``pipeline``, read from ``file`` with ``overrides``, to be called ``script``.

    Raises: WrongInput: something in it cannot be written.
    """
    obstacles.require_none(pipeline, WRITTEN)
    source = writer_of("kpipe.eject.data", "data", pipeline.data.type)
    methods = [writer_of("kpipe.eject.training", "train", method.type) for method in pipeline.train]
    splits = load_splits(pipeline)
    given = as_given(splits)
    data = source.write(pipeline.data, given)
    require_same("\n".join([*FOR_DATA, fixed(pipeline), *data.imports, *data.constants, SEEDS, data.code]), given)
    backend.use(backend.choose(None, engine_of(pipeline)))
    chosen = text_metrics.defined(pipeline.evaluate.chosen_metrics(splits.signature), splits)
    measured = forecasts.defined(chosen, splits)
    by_name = [metric.type for metric in measured]
    if given is not splits:
        inputs.require_spread(by_name, splits)
    with backend.tensorflow_hidden():  # layers that are asked for their arguments would import it
        model, layers = network_section(pipeline, splits)
    logits = padded.logits(splits) if splits.signature.is_padded else metrics.LOGITS
    parts = {
        "Data": data,
        "Network": layers,
        "Initial weights": initial_weights.write(model),
        **dict(stages.sections(pipeline, methods, model, splits)),
        **decoding.write(pipeline.decode, measured, model, splits),
        "Test": forecasts.tested(
            metrics.write(measured, splits.signature.target, logits, data.code), by_name, splits.signature
        ),
    }
    if splits.signature.target.task == "next_token":
        parts["Text"] = continued.write(pipeline, splits)
    return "\n".join(lines(pipeline, parts, command_of(file, overrides), script)) + "\n"


def as_given(splits: Splits) -> Splits:
    """With the data's own target, also where the network gives its input back."""
    signature = splits.signature
    if signature.given is None:
        return splits
    return replace(splits, signature=signature.model_copy(update={"target": signature.given, "given": None}))


def engine_of(pipeline: Pipeline) -> Backend | None:
    """The backend that the pipeline names, if it is one and not the fastest."""
    return None if pipeline.backend in (None, backend.FASTEST) else cast(Backend, pipeline.backend)


def command_of(file: Path, overrides: Sequence[str]) -> str:
    """What writes the script, as it may stand in a docstring."""
    words = shlex.join(word for override in overrides for word in ("--set", override))
    return f"kpipe eject {shown(str(file))} {shown(words, '--set ...') if words else ''}".rstrip()


def lines(pipeline: Pipeline, parts: Mapping[str, Section], command: str, script: str) -> Iterator[str]:
    """The sections under their headings, imports and constants before them."""
    imports = {"import hashlib", "import keras", "import numpy as np"}.union(*(part.imports for part in parts.values()))
    told = f"Written by `{command}`. It needs {needed_by(imports)}, and no kpipe:"
    yield HEAD.format(
        title=pipeline.name, told=textwrap.fill(told, WIDTH, break_on_hyphens=False), script=shown(script)
    )
    yield from in_order(imports, engine_of(pipeline))
    yield f"\n{fixed(pipeline)}"
    for part in parts.values():
        yield from part.constants
    yield "\n" + SEEDS.rstrip("\n")
    for heading, part in parts.items():
        code = part.code.strip()
        yield f"\n\n# ---- {heading}\n" + "\n" * code.startswith(("class ", "def ")) + f"\n{code}"


def fixed(pipeline: Pipeline) -> str:
    """The constants of every script."""
    return f"SEED = {pipeline.seed}\nBATCH_SIZE = {pipeline.data.batch_size}"


def needed_by(imports: Collection[str]) -> str:
    """``Keras, NumPy and scikit-learn``."""
    imported = {line.split()[1].partition(".")[0] for line in imports}
    *first, last = ["Keras", *(name for package, name in PACKAGES.items() if package in imported)]
    return f"{', '.join(first)} and {last}"


def shown(words: str, instead: str = "FILE") -> str:
    """A file's name, or what follows it on the command line, as it may stand in a docstring."""
    return words if re.fullmatch(r"[\w .,:=+/'{}\[\]-]{1,300}", words) else instead


def in_order(imports: Collection[str], engine: str | None) -> Iterator[str]:
    """As ruff sorts them. Keras reads the backend as it is imported."""
    names = merged(imports)
    standard = sorted(line for line in names if line.split()[1].partition(".")[0] in sys.stdlib_module_names)
    others = sorted(set(names) - set(standard), key=lambda line: (line.startswith("from"), line.lower()))
    if engine is None:
        yield "\n".join(standard) + "\n"
        yield "\n".join(others)
        return
    yield "\n".join(sorted({*standard, "import os"})) + "\n"
    yield f'os.environ.setdefault("KERAS_BACKEND", "{engine}")\n'
    yield "\n".join(others)


def merged(imports: Collection[str]) -> list[str]:
    """``from keras import layers`` and ``from keras import ops`` in one line."""
    of_keras = sorted(line.removeprefix(FROM_KERAS) for line in imports if line.startswith(FROM_KERAS))
    rest = [line for line in imports if not line.startswith(FROM_KERAS)]
    return [*rest, FROM_KERAS + ", ".join(of_keras)] if of_keras else rest


def require_spread(signature: Signature, of: Feature | Target) -> None:
    """Raises: WrongInput: numbers that are the same in all of train."""
    names = signature.input.channels if of is signature.input else signature.target.names
    same = ", ".join(f"`{name}`" for name, variance in zip(names, of.variance, strict=True) if not variance)
    if same:
        raise cannot(
            f"data: what is the same in all of train ({same})", "leave it out: in a table, `data.drop` does so"
        )


def network_section(pipeline: Pipeline, splits: Splits) -> tuple[keras.Model, Section]:
    """The model, and its lines; what it knows of the data is computed in the script, from train alone.

    Raises: WrongInput: a layer cannot be written.
    """
    import keras

    model = build(pipeline, splits.signature)
    for method in pipeline.train:
        put_into(model, getattr(method, "teacher_forcing", 1.0))  # it tells whether tokens are the model's own
    moments, values = [], {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            of_input = layer.name in ("standardize", "reconstruction")
            of = splits.signature.input if of_input else splits.signature.target
            require_spread(splits.signature, of)
            (array, axes), before = forecasts.learned_from(splits, of), "" if of_input else "y_"
            learned = ", ".join(f'{array}.{name}({axes}, dtype="float64")' for name in ("mean", "var"))
            if layer.name != "reconstruction":
                moments.append(f"{before}mean, {before}variance = {learned}")
            values[layer.name] = {"mean": f"{before}mean", "variance": f"{before}variance"}
    moments += forecasts.of_changes(model, splits)
    written, own = functional.written(model, values | named_for(pipeline.train, model))
    code = ["\n".join(moments) + "\n", written] if moments else [written]
    code += state_dropout.dropped(model, pipeline.train)
    imports = ["from keras import layers"]
    code = [*(f"{each.strip()}\n\n" for each in own), *code]
    code = [*(f"{each.strip()}\n\n" for each in chance.needed("\n".join(code))), *code]
    code = [stages.seeded(part, pipeline.train) for part in code]
    if any("ops." in part for part in code):
        imports.append("from keras import ops")
    return model, Section("\n".join(code), tuple(imports), stages.drawing(model, pipeline.train))
