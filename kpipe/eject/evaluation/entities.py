"""Entities as code: those that tags such as B-PER, I-PER, O stand for, and how many of them are found."""

from __future__ import annotations

from collections.abc import Sequence

from kpipe.eject.section import Section, cannot
from kpipe.evaluation.per_output import metric_names

ENTITIES = '''
def entities(tags):
    """First step, end and name of each entity, as CoNLL's own script reads the tags of a sentence."""
    found, begin, open_name = set(), 0, ""
    for step, tag in enumerate([*tags, "O"]):
        mark, _, name = tag.partition("-")
        goes_on = mark {inner} and name == open_name
        if open_name and not goes_on:
            found.add((begin, step, open_name))
        if not goes_on:
            begin, open_name = step, name
{closing}    return found
'''

CLOSING = """        if mark {single}:
            found.add((begin, step + 1, name))
            open_name = ""
"""

COUNTED = """
ends = np.cumsum([len(sentence) for sentence in x_test])[:-1]
guessed, true = (np.split(np.array(CLASSES)[tags], ends) for tags in (predicted, y_test))
right, found, there = collections.Counter(), collections.Counter(), collections.Counter()
for one, other in zip(map(entities, guessed), map(entities, true), strict=True):
    for counter, some in ((right, one & other), (found, one), (there, other)):
        counter.update(name for *_, name in some)
metrics |= {
    "entity_f1": 2 * right.total() / (found.total() + there.total()),
    "entity_precision": right.total() / max(found.total(), 1),
    "entity_recall": right.total() / there.total(),
    **{f"entity_f1/{name}": 2 * right[name] / (found[name] + there[name]) for name in there},
}
"""


def write(tags: Sequence[str]) -> tuple[str, Section]:
    """The function that reads tags, and the lines that add to ``metrics``. Raises: WrongInput: a name for no metric."""
    marks = {tag[0] for tag in tags}
    names = sorted({tag[2:] for tag in tags if tag != "O"})
    for name, metric in zip(names, metric_names("entity_f1", tuple(names)), strict=True):
        if metric != f"entity_f1/{name}":
            raise cannot(f"evaluate.metrics.entity_f1: entities called `{name}`", "leave `entity_f1` out")
    closing = CLOSING.replace("{single}", is_one_of(marks & set("ESLU"))) if marks & set("ESLU") else ""
    code = ENTITIES.replace("{inner}", is_one_of(marks & set("IEL") or {"I"})).replace("{closing}", closing)
    return code, Section(COUNTED.strip("\n"), ("import collections",))


def is_one_of(marks: set[str]) -> str:
    return f'in "{"".join(sorted(marks))}"' if len(marks) > 1 else f'== "{marks.pop()}"'
