"""Rows: which examples are in which split, as code; ``{x}`` and ``{y}`` are the arrays' names."""

from __future__ import annotations

STRATIFIED = '''

def first_of_each_class(rows, counts):
    """So many rows of each class, in their order, and the rows that are left."""
    chosen = np.zeros(len(rows), bool)
    for label, count in enumerate(counts):
        chosen[np.flatnonzero(labels[rows] == label)[:count]] = True
    return np.sort(rows[chosen]), rows[~chosen]


rows = np.random.default_rng(seed_of("split")).permutation(len(labels))
test, rows = first_of_each_class(rows, TEST_OF_EACH_CLASS)
validation, rows = first_of_each_class(rows, VALIDATION_OF_EACH_CLASS)
train = np.sort(rows)
'''

AT_RANDOM = """
rows = np.random.default_rng(seed_of("split")).permutation(len({x}))
test = np.sort(rows[:TEST])
validation = np.sort(rows[TEST : TEST + VALIDATION])
train = np.sort(rows[TEST + VALIDATION :])
"""

SPLITS = """
x_train, y_train = {x}[train], {y}[train]
x_validation, y_validation = {x}[validation], {y}[validation]
x_test, y_test = {x}[test], {y}[test]
"""


def sizes(validation: int, test: int) -> str:
    return f"VALIDATION, TEST = {validation}, {test}  # examples; the others are for training"
