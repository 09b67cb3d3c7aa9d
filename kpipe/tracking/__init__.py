"""Tracking: a run is recorded in MLflow by a process of its own, which reads the run's journal as it grows.

Training never waits for MLflow: it writes the journal (kpipe.tracking.journal). Importing MLflow, creating its store
and sending go on beside it. What could not be sent stays on disk, and ``kpipe sync`` sends it later.
"""
