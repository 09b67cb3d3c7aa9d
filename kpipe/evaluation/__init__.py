"""Evaluation: metrics and pictures of a task."""
