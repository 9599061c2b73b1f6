"""Models from what other tools describe, files of ONNX and modules of PyTorch; and models as such modules."""
