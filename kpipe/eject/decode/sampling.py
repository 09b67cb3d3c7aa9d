"""Sampling as code: tokens drawn by their probability."""

from __future__ import annotations

from kpipe.decoding.sampling import Sampling
from kpipe.eject.section import Section, require_defaults

DRAWN = '''
def drawn(logits, number):
    """A token by its probability: ``number``, in [0, 1), says where it lies when these are added up."""
    logits = logits.astype("float64"){heated}
{most}    probabilities = np.exp(logits - logits.max())
{nucleus}    reached = np.cumsum(probabilities)
    return int(np.argmax(reached > number * reached[-1]))
'''

MOST = """    logits[logits < np.sort(logits)[-min(TOP_K, len(logits))]] = -np.inf
"""

NUCLEUS = """    greatest = np.sort(probabilities / probabilities.sum())[::-1]
    count = (np.cumsum(greatest) - greatest < TOP_P).sum()  # the fewest that have TOP_P of it together
    probabilities[probabilities < np.sort(probabilities)[-count]] = 0
"""


def drawing(decoding: Sampling) -> Section:
    """``drawn(logits, number)``: the place of the token drawn among ``logits``."""
    require_defaults(decoding, "decode", ("max_length", "temperature", "top_k", "top_p"))
    heated, constants = "", []
    if decoding.temperature != 1:
        heated = " / TEMPERATURE"
        constants.append(f"TEMPERATURE = {decoding.temperature!r}  # below 1, what is probable becomes more so")
    if decoding.top_k is not None:
        constants.append(f"TOP_K = {decoding.top_k}  # tokens that are drawn from, the most probable")
    if decoding.top_p is not None:
        constants.append(f"TOP_P = {decoding.top_p!r}  # share of probability that is drawn from")
    most = MOST if decoding.top_k is not None else ""
    nucleus = NUCLEUS if decoding.top_p is not None else ""
    return Section(DRAWN.format(heated=heated, most=most, nucleus=nucleus), (), tuple(constants))
