"""Normalization, and the axes it is along."""
