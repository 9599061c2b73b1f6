"""Early stopping and checkpoints
==============================

Callbacks: stop when validation gets worse, keep the best weights in a file, write logs for TensorBoard.

A large network on few noisy rows learns them by heart: its validation loss falls, and then rises.
"""

import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import gradstep as gs
from data import moons


def main(rows: int = 200, epochs: int = 500) -> None:
    """Train until it gets no better, and look at what is left."""
    x, y = moons(rows, noise=0.4)
    x_val, y_val = moons(500, noise=0.4, seed=1)
    gs.utils.set_random_seed(0)
    model = gs.Sequential(
        [gs.Input((2,)), *(gs.layers.Dense(128, "relu") for _ in range(2)), gs.layers.Dense(1, "sigmoid")]
    )
    model.compile(gs.optimizers.Adam(0.003), loss="binary_crossentropy", metrics=["accuracy"])
    with TemporaryDirectory() as folder:
        best = Path(folder) / "best.gradstep"
        callbacks = [
            gs.callbacks.EarlyStopping(monitor="val_loss", patience=15, restore_best_weights=True),
            gs.callbacks.ModelCheckpoint(best, monitor="val_loss", save_best_only=True),
            gs.callbacks.CSVLogger(Path(folder) / "log.csv"),
        ]
        if find_spec("tensorboardX") or find_spec("tensorboard"):
            callbacks.append(gs.callbacks.TensorBoard(Path(folder) / "board"))
        history = model.fit(x, y, epochs=epochs, validation_data=(x_val, y_val), callbacks=callbacks, verbose=0).history

        losses = history["val_loss"]
        lowest = min(range(len(losses)), key=losses.__getitem__)
        print(f"stopped after {len(losses)} of {epochs} epochs; the best was epoch {lowest + 1}")
        print(f"validation loss: first {losses[0]:.4f}, best {losses[lowest]:.4f}, last {losses[-1]:.4f}")
        print(f"restored model:  {model.evaluate(x_val, y_val, verbose=0)[0]:.4f}")
        loaded = gs.models.load_model(best)
        print(f"loaded file:     {loaded.evaluate(x_val, y_val, verbose=0)[0]:.4f}")
        print(f"lines of the log: {len((Path(folder) / 'log.csv').read_text().splitlines())}")
        board = [file.parent.name for file in sorted((Path(folder) / "board").rglob("*tfevents*"))]
        print(f"for TensorBoard:  {', '.join(board) or 'nothing: it is not installed'}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
