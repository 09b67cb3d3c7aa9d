"""Numbers made up from the seed as code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kpipe.data.procedural import Procedural
from kpipe.eject import rows
from kpipe.eject.section import Section, cannot, require_defaults

if TYPE_CHECKING:
    from kpipe.data.splits import Splits

ADDING = """
numbers = generator.uniform(0.0, 1.0, (EXAMPLES, STEPS)).astype("float32")
marks = np.zeros_like(numbers)  # one in the first half, one in the second
marks[np.arange(EXAMPLES), generator.integers(0, STEPS // 2, EXAMPLES)] = 1
marks[np.arange(EXAMPLES), generator.integers(STEPS // 2, STEPS, EXAMPLES)] = 1
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
    """Raises: WrongInput: the data set cannot be written."""
    if source.dataset not in ("adding_problem", "sine_mix"):
        raise cannot(f"data.dataset: `{source.dataset}`", "what can: adding_problem, sine_mix")


def write(source: Procedural, splits: Splits) -> Section:
    """Arrays ``x_train, y_train, ...``, the same rows in the same order. Raises: WrongInput."""
    used = ("context", "horizon", "waves", "noise", "length")
    require_defaults(source, "data", ("dataset", "examples", "split", "batch_size", *used))
    constants = [f"EXAMPLES = {source.examples}"]
    if source.dataset == "adding_problem":
        constants.append(f"STEPS = {source.length}")
        made = ADDING.format(examples=source.examples, steps=source.length)
    else:
        constants.append(f"CONTEXT, HORIZON = {source.context}, {source.horizon}  # steps seen, steps forecast")
        made = SINES.format(**source.model_dump(include={"examples", "context", "horizon", "waves", "noise"}))
    cut = rows.cut(splits, False, "len(sequences)")
    lines = [GENERATOR.format(dataset=source.dataset), made.strip("\n"), "", cut.code, ""]
    return Section("\n".join([*lines, rows.taken("sequences", "values")]), (), (*constants, *cut.constants))
