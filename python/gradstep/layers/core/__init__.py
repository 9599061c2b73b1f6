"""Dense, Embedding, activations, Masking, and layers that hold functions or layers."""
