"""The most probable token at each step as code."""

from __future__ import annotations

from kpipe.decoding.greedy import Greedy
from kpipe.eject.section import Section, require_defaults

WRITE = '''
def write(x):
    """Texts of the most probable tokens, step by step, each up to its end, which is token 3."""
    texts = [None] * len(x)
    for length, group in by_length(x):
        for rows in filled(group):
            read, written = padded(x, rows, length, 0), np.full((len(rows), LONGEST + 1), 2, "int32")
            for step in range(LONGEST):
                logits = model.predict_on_batch((read, written[:, :-1]))[:, step]
                written[:, step + 1] = logits[:, 3:].argmax(axis=1) + 3  # never padding, the unknown or a start
            for row, tokens in zip(rows, written[:, 1:].tolist(), strict=True):
                if row >= 0:
                    texts[row] = tokens[: tokens.index(3)] if 3 in tokens else tokens
    return texts
'''


def write(way: Greedy) -> Section:
    """``write(x)``, of at most LONGEST tokens each."""
    require_defaults(way, "decode", ("max_length",))
    return Section(WRITE)
