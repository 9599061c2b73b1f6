"""Dropout, noise, and penalties of outputs."""
