"""Thousands of small problems at once."""
