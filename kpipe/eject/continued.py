"""Continued: a language model goes on with a text, as code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kpipe.decoding.greedy import Greedy
from kpipe.decoding.sampling import Sampling
from kpipe.eject.decode import sampling
from kpipe.eject.section import Section, cannot, require_defaults
from kpipe.tokenization.characters import Characters
from kpipe.tokenization.words import AFTER, BEFORE, Words

if TYPE_CHECKING:
    from kpipe.data.splits import Splits
    from kpipe.pipeline import Pipeline

WRITE = '''
def write(tokens):
    """What follows ``tokens``, each {how}; up to the end of a text, which is token 3."""
    tokens = [int(token) for token in tokens][-LONGEST:]
    size = len(tokens)
    end = {end}
{numbers}    for place in range(size - 1, end - 1):
        given = np.array([tokens + [0] * (end - 1 - len(tokens))], "int32")
        logits = model.predict_on_batch(given)[0, place, 3:]  # never padding, the unknown or a start
        tokens.append(3 + {chosen})
        if tokens[-1] == 3:
            break
    return [token for token in tokens[size:] if token != 3]
'''

NUMBERS = """    numbers = np.random.default_rng(seed_of("decoding", 0)).integers(0, 2**24, end) / 2**24
"""

TEXT = """
def text_of(tokens):
    {joined}


written = text_of(write(x_test[0]))
print(f"\\n{{text_of(x_test[0])}} ---> {{written}}")
"""

WORDS = """words = [known[token - 4] if token > 3 else "<unknown>" for token in tokens]
    """

CLOSE = """text = ""
    for word in words:
        close = not text or word in "{before}" or text[-1] in "{after}"
        text += word if close else f" {{word}}"
    return text"""


def write(pipeline: Pipeline, splits: Splits) -> Section:
    """Goes on with the first window of test. Raises: WrongInput: the way of decoding cannot be written."""
    decoding, longest = pipeline.decode, splits.signature.input.max_length
    chosen = chosen_by(decoding)
    begins = len(splits.test.take(np.array([0]))[splits.signature.input.name][0])
    learned = getattr(pipeline.model, "positions", "") == "learned"
    if learned and begins + (decoding.max_length or 0) > (longest or 0) + 1:
        raise cannot(f"decode.max_length: {decoding.max_length} with learned positions", "leave it out")
    drawn = decoding.type == "sampling"
    end = "max(LONGEST, size) + 1" if decoding.max_length is None else "size + WRITTEN"
    constants = [f"LONGEST = {longest}  # tokens of a text that is gone on with"]
    if decoding.max_length is not None:
        constants.append(f"WRITTEN = {decoding.max_length}  # tokens at most")
    code = WRITE.format(
        how="drawn" if drawn else "the most probable",
        end=end,
        numbers=NUMBERS if drawn else "",
        chosen="drawn(logits, numbers[place])" if drawn else "int(logits.argmax())",
    )
    text = TEXT.format(joined=joined(splits))
    parts = [part.strip("\n") for part in (chosen.code, code, text) if part]
    return Section("\n\n\n".join(parts), (), (*constants, *chosen.constants))


def chosen_by(decoding: Any) -> Section:
    """``drawn``, where chance has a part in it."""
    if isinstance(decoding, Greedy):
        require_defaults(decoding, "decode", ("max_length",))
        return Section("")
    if isinstance(decoding, Sampling):
        return sampling.drawing(decoding)
    raise cannot(f"decode: `{decoding.type}` of the next token", "what can: greedy, sampling")


def joined(splits: Splits) -> str:
    """What makes a text of ``tokens``."""
    vocabulary = splits.signature.input.vocabulary
    assert vocabulary is not None
    tokenizer = vocabulary.tokenizer
    if isinstance(tokenizer, Characters):
        return WORDS + 'return "".join(words)'
    if not isinstance(tokenizer, Words):
        return "return tokenizer.decode([token - 4 for token in tokens])"
    if tokenizer.split_on == "blanks":
        return WORDS + 'return " ".join(words)'
    return WORDS + CLOSE.format(before="".join(sorted(BEFORE)), after="".join(sorted(AFTER)))
