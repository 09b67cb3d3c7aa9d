"""How a network begins: the same numbers on every backend."""
