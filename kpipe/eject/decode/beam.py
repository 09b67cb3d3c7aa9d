"""Several texts side by side, the best of which is taken, as code."""

from __future__ import annotations

from kpipe.decoding.beam import Beam
from kpipe.eject.section import Section, require_defaults

WRITE = '''
def write(x):
    """The best texts of a beam, each up to its end, which is token 3."""
    texts = [None] * len(x)
    for length, group in by_length(x):
        for rows in filled(group):
            for row, tokens in zip(rows, best_of_beam(padded(x, rows, length, 0)).tolist(), strict=True):
                if row >= 0:
                    texts[row] = tokens[: tokens.index(3)] if 3 in tokens else tokens
    return texts


def best_of_beam(read):
    """The best text for each of those read, of BEAM_WIDTH that are followed at once; one that ends keeps its place."""
    shape, first = (len(read), BEAM_WIDTH), np.arange(len(read))[:, None] * BEAM_WIDTH
    read = np.repeat(read, BEAM_WIDTH, axis=0)
    written = np.zeros((len(read), LONGEST + 1), "int32")
    written[:, 0] = 2
    scores = np.full(shape, -1e9, "float32")
    scores[:, 0] = 0  # in the beginning there is one, and all grow out of it
    for step in range(LONGEST):
        ended = (written == 3).any(axis=1)
        if ended.all():
            break
        logits = model.predict_on_batch((read, written[:, :-1]))[:, step]
        tokens = logits.shape[1]
        logits = np.where(np.arange(tokens) < 3, -1e9, logits)  # never padding, the unknown or a start
        grown = scores.reshape(-1, 1) + logits - np.logaddexp.reduce(logits, axis=1, keepdims=True, dtype="float64")
        grown = grown.astype("float32")
        order = np.where(ended[:, None], -np.inf, grown)
        order[ended, 0] = np.inf
        chosen = np.argsort(-order.reshape(len(scores), -1), axis=1, kind="stable")[:, :BEAM_WIDTH]
        rows = chosen // tokens + first
        scores = np.where(ended[rows], scores.reshape(-1)[rows], grown[rows, chosen % tokens])
        written = written[rows.reshape(-1)]
        written[:, step + 1] = np.where(ended[rows], 0, chosen % tokens).reshape(-1)
    lengths = (written[:, 1:] > 0).sum(axis=1).reshape(shape)  # with the end
    whole = (written == 3).any(axis=1).reshape(shape) & (scores > -5e8)
    scores = scores / ((5 + lengths) / 6) ** LENGTH_PENALTY
    scores[~whole & whole.any(axis=1, keepdims=True)] = -np.inf  # one without an end is taken if none has one
    return written[first[:, 0] + scores.argmax(axis=1), 1:]
'''


def write(way: Beam) -> Section:
    """``write(x)``, of at most LONGEST tokens each."""
    require_defaults(way, "decode", ("max_length", "width", "length_penalty"))
    constants = (f"BEAM_WIDTH = {way.width}", f"LENGTH_PENALTY = {way.length_penalty!r}")
    return Section(WRITE, (), constants)
