"""ONNX files as models."""

from .reader import from_onnx

__all__ = ["from_onnx"]
