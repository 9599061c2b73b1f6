"""Layers that move numbers, repeat them, or leave some out."""
