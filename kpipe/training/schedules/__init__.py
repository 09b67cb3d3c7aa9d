"""Schedules of the learning rate, one per file: each scales the optimizer's own learning rate over the run."""
