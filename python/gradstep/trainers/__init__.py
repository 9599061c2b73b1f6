"""The parts of a model: executor, data adapter, evaluator, trainer, losses and metrics."""
