"""EntityF1: how many entities are found from beginning to end, and named right."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar, Literal

from kpipe.evaluation.evidence import Evidence, Metric
from kpipe.evaluation.per_output import metric_names
from kpipe.evaluation.spans import are_entities, spans
from kpipe.signature import Task


class EntityF1(Metric):
    """How many entities are found from beginning to end and named right, of tags as B-PER, I-PER, O.

    2 TP / (2 TP + FP + FN) over all entities of the split, and for each name of entity; an entity counts only if its
    first and last step and its name are right. Tags are read as CoNLL's script reads them: BIO, IOBES or BILOU.

    Shapes: (steps, num_tags) -> ``entity_f1``, ``entity_precision``, ``entity_recall``, ``entity_f1/<name>``

    Raises: Nothing.

    Example:
        evaluate: {metrics: [entity_f1]}

    Reference: E. Tjong Kim Sang, F. De Meulder, 2003, Introduction to the CoNLL-2003 shared task.
    """

    type: Literal["entity_f1"] = "entity_f1"
    tasks: ClassVar[frozenset[Task]] = frozenset({"tags"})

    def produces(self, task: Task | None) -> tuple[str, ...]:  # noqa: ARG002
        return ("entity_f1", "entity_precision", "entity_recall", "entity_f1/*")

    def compute(self, evidence: Evidence) -> dict[str, float]:
        if self.left_out(evidence):
            return {}
        right, read, true = counts(evidence)
        hits, guesses, total = right.total(), read.total(), true.total()
        values = {
            "entity_f1": 2 * hits / (guesses + total),
            "entity_precision": hits / guesses if guesses else 0.0,
            "entity_recall": hits / total,
        }
        names = sorted(true)
        for written, name in zip(metric_names("entity_f1", tuple(names)), names, strict=True):
            values[written] = 2 * right[name] / (read[name] + true[name])
        return values

    def left_out(self, evidence: Evidence) -> dict[str, str]:
        if not are_entities(evidence.names):
            return {"entity_f1": "the tags are not written as B-NAME, I-NAME, O"}
        if not counts(evidence)[2]:
            return {"entity_f1": f"no {evidence.split_name} example has an entity"}
        return {}


def counts(evidence: Evidence) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """How many entities of each name were found right, read at all, and are there."""
    right: Counter[str] = Counter()
    read: Counter[str] = Counter()
    true: Counter[str] = Counter()
    for position in range(len(evidence)):
        steps = evidence.steps_of(position)
        there = set(spans([evidence.names[tag] for tag in evidence.targets[steps]]))
        found = set(spans([evidence.names[tag] for tag in evidence.predicted[steps]]))
        for counter, entities in ((right, there & found), (read, found), (true, there)):
            counter.update(span.name for span in entities)
    return right, read, true
