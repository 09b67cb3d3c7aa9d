"""The numbers with a meaning of their own. Every vocabulary begins with these four; nobody else writes them down."""

from __future__ import annotations

PADDING, UNKNOWN, START, END = range(4)
SPECIAL = ("<padding>", "<unknown>", "<start>", "<end>")
"""Their names, by number."""

UNREADABLE = "\ufffd"
"""Stands in a reference for a token that the vocabulary has not: nothing that a model writes is equal to it."""

IGNORED = -1
"""In a target of classes or tokens: a place that is not there. It counts in no loss and in no metric."""
