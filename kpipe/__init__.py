"""kpipe: one YAML file describes a deep-learning pipeline."""

from kpipe.version import __version__

__all__ = ["__version__"]
