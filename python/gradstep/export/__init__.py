"""Models as files that other tools run: C and ONNX.

The calls of a model's layers, as the compiled core has them, become a `Program` of about a dozen operations on arrays
(`lowering`); what writes C and what writes ONNX read that and know no layers.
"""
