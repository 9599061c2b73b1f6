"""Forecast of a time series
=========================

A forecast of sunspots by an LSTM: the next month from the ten years before it, and the years after the data.

`python examples/forecast.py 2820 30 monthly_sunspots.csv` reads a file of lines `"1749-01",58.0` instead of making a
series up.
"""

import sys

import gradstep as gs
import numpy as np
from data import sunspots

WINDOW = 120  # months
COLUMNS = 72


def chart(values: np.ndarray, height: int = 8) -> str:
    """A series as bars of characters."""
    means = np.array([part.mean() for part in np.array_split(values, COLUMNS)])
    levels = means / means.max() * height
    return "\n".join("".join("#" if level > line else " " for level in levels) for line in range(height - 1, -1, -1))


def main(months: int = 1500, epochs: int = 20, path: str = "") -> None:
    """Train on the first four fifths, compare with naive forecasts on the rest, and go on from the end."""
    gs.utils.set_random_seed(0)
    series = np.loadtxt(path, delimiter=",", skiprows=1, usecols=1)[-months:] if path else sunspots(months)
    level = np.sqrt(series[:, None]).astype(np.float32)  # whose noise is alike at high and low levels
    begin = len(level) * 4 // 5
    center, spread = level[:begin].mean(), level[:begin].std()
    x = (level - center) / spread

    def windows(part: np.ndarray, shuffle: bool = False) -> gs.utils.PyDataset:
        return gs.utils.timeseries_dataset_from_array(part[:-1], part[WINDOW:], WINDOW, shuffle=shuffle, seed=0)

    model = gs.Sequential([gs.Input((WINDOW, 1)), gs.layers.LSTM(24), gs.layers.Dense(1)])
    model.compile(gs.optimizers.Adam(0.005), loss="mse")
    train, test = windows(x[:begin], shuffle=True), windows(x[begin - WINDOW :])
    history = model.fit(train, epochs=epochs, validation_data=test, verbose=0).history
    for epoch in sorted({0, epochs // 2, epochs - 1}):
        print(f"epoch {epoch + 1:2d}: loss {history['loss'][epoch]:.3f}, test {history['val_loss'][epoch]:.3f}")

    def sunspots_of(scaled: np.ndarray) -> np.ndarray:
        return (scaled * spread + center) ** 2

    truth = series[begin:]
    forecasts = {
        "LSTM": sunspots_of(model.predict(test, verbose=0)[:, 0]),
        "the month before": series[begin - 1 : -1],
        "mean of a year": np.convolve(series, np.ones(12) / 12)[begin - 1 : len(series) - 1],
    }
    print("\nmean absolute error of the next month, in sunspots:")
    for name, forecast in forecasts.items():
        print(f"  {name:18s}{np.abs(forecast - truth).mean():6.2f}")

    ahead = x[-WINDOW:]
    for _ in range(2 * WINDOW):  # each forecast is a part of the next window
        ahead = np.vstack([ahead, model(ahead[None, -WINDOW:])])
    print("\nthe last 20 years of the data, and 20 years of forecasts upon forecasts:")
    print(chart(np.r_[series[-2 * WINDOW :], sunspots_of(ahead[WINDOW:, 0])]))
    print("-" * (COLUMNS // 2) + "^" + "-" * (COLUMNS // 2 - 1))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
