"""Numbers and texts made up from the seed as code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kpipe.data.procedural import Procedural
from kpipe.eject.data.preparation import generated, pairs, rows, texts
from kpipe.eject.section import Section, require_defaults

if TYPE_CHECKING:
    from kpipe.data.splits import Splits

ADDING = """
numbers = generator.uniform(0.0, 1.0, (EXAMPLES, LENGTH)).astype("float32")
marks = np.zeros_like(numbers)  # one in the first half, one in the second
marks[np.arange(EXAMPLES), generator.integers(0, LENGTH // 2, EXAMPLES)] = 1
marks[np.arange(EXAMPLES), generator.integers(LENGTH // 2, LENGTH, EXAMPLES)] = 1
sequences = np.stack([numbers, marks], axis=-1)  # ({examples}, {steps}, 2)
values = (numbers * marks).sum(axis=1, keepdims=True)  # ({examples}, 1): the sum of the two that are marked
"""

SINES = """
shape = (EXAMPLES, 1, {waves})  # of the waves that are added
amplitudes = generator.uniform(0.3, 1.0, shape)
periods = np.exp(generator.uniform(np.log(6.0), np.log(60.0), shape))
phases = generator.uniform(0.0, 2 * np.pi, shape)
steps = np.arange(CONTEXT + HORIZON)[None, :, None]
clean = (amplitudes * np.sin(2 * np.pi * steps / periods + phases)).sum(axis=-1)
series = (clean + {noise} * generator.standard_normal(clean.shape)).astype("float32")[..., None]
sequences, values = series[:, :CONTEXT], series[:, CONTEXT:]  # ({examples}, {context}, 1), ({examples}, {horizon}, 1)
"""

GENERATOR = 'generator = np.random.default_rng(seed_of("procedural", "{dataset}"))'


def check(source: Procedural) -> None:
    """Raises: WrongInput: a tokenizer cannot be written."""
    used = ("context", "horizon", "waves", "noise", "length", "locales", "digits", "operators", "max_letters")
    tokenizers = ("tokenizer", "target_tokenizer")
    require_defaults(source, "data", ("dataset", "examples", "split", "batch_size", *used, *tokenizers))
    for tokenizer in (source.tokenizer, source.target_tokenizer):
        texts.tokens_of(tokenizer)


def write(source: Procedural, splits: Splits) -> Section:
    """``x_train, y_train, ...``, the same examples in the same order: arrays, or lists of the numbers of tokens."""
    if source.dataset in generated.WRITTEN:
        return of_texts(source, splits)
    constants = [f"EXAMPLES = {source.examples}"]
    if source.dataset == "adding_problem":
        constants.append(f"LENGTH = {source.length}  # steps of a sequence")
        made = ADDING.format(examples=source.examples, steps=source.length)
    else:
        constants.append(f"CONTEXT, HORIZON = {source.context}, {source.horizon}  # steps seen, steps forecast")
        made = SINES.format(**source.model_dump(include={"examples", "context", "horizon", "waves", "noise"}))
    cut = rows.cut(splits, False, "len(sequences)")
    lines = [GENERATOR.format(dataset=source.dataset), made.strip("\n"), "", cut.code, ""]
    return Section("\n".join([*lines, rows.taken("sequences", "values")]), (), (*constants, *cut.constants))


def of_texts(source: Procedural, splits: Splits) -> Section:
    made = generated.WRITTEN[source.dataset](source)
    cut = rows.cut(splits, False, "len(texts)")
    taken = [
        f"texts_{name}, answers_{name} = zip(*[(texts[row], answers[row]) for row in {name}], strict=True)"
        for name, _ in splits
    ]
    encoded = pairs.encoded(source.tokenizer, source.target_tokenizer)
    code = "\n".join([made.code.strip("\n"), "", cut.code, "", *taken, "", encoded.code])
    constants = (f"EXAMPLES = {source.examples}", *made.constants, *cut.constants, *encoded.constants)
    return Section(code, ("import random", *made.imports, *encoded.imports), constants)
