"""Parity: one pipeline on every backend, each in a process of its own, and where their numbers part."""
