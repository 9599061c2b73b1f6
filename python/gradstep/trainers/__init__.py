"""What a model is trained, scored and asked by: its executor, data adapter, losses and metrics, and loops."""
