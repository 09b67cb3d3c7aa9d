"""Runs side by side: what differs in their files, data and environments, their metrics and curves."""
