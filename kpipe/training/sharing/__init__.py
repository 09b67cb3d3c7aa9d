"""Sharing: one training on several devices, each with a share of every batch."""
