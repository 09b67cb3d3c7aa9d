"""The numbers with a meaning of their own. Every vocabulary begins with these four; nobody else writes them down."""

from __future__ import annotations

PADDING, UNKNOWN, START, END = range(4)
SPECIAL = ("<padding>", "<unknown>", "<start>", "<end>")
"""Their names, by number."""

IGNORED = -1
"""In a target of classes or tokens: a place that is not there. It counts in no loss and in no metric."""
