"""TensorBoard, opened in a browser without a window, draws the curves of a run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import gradstep as gs
import numpy as np
import pytest
from training import classifier, clusters

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LOOKS = 5  # TensorBoard reads a folder in its own time


@pytest.fixture
def browser():
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"there is no browser: {', '.join(BROWSERS)}")
    return found


@pytest.fixture
def address(tmp_path):
    """Of TensorBoard, looking at a folder."""
    pytest.importorskip("tensorboard")
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(tmp_path / "logs"), "--port", "0"]
    options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*command, "--host", "127.0.0.1", "--load_fast", "false"], **options) as server:
        try:
            found = None
            while found is None and (line := server.stderr.readline()):
                found = re.search(r"http://127\.0\.0\.1:\d+/", line)
            assert found
            yield found[0]
        finally:
            server.kill()


def shown(browser, address, folder):
    """The page as it is when it has settled. Without WebGL curves are paths of SVG, which can be read."""
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-3d-apis", "--disable-dev-shm-usage"]
    command += [f"--user-data-dir={folder}", "--window-size=1400,2400", "--virtual-time-budget=30000", "--dump-dom"]
    done = subprocess.run([*command, f"{address}#timeseries"], capture_output=True, text=True, timeout=400, check=True)
    return done.stdout


def curves(page, tag):
    """The points of each curve of a card, in pixels, before they are smoothed."""
    cards = re.findall(r"<scalar-card[ >].*?</scalar-card>", page, re.DOTALL)
    paths = re.findall(r'<path d="(M[^"]*)" style="[^"]*opacity: 0\.25', "".join(c for c in cards if f">{tag}<" in c))
    return [np.array([point.split(",") for point in re.split("[ML]", path)[1:]], float) for path in paths]


@pytest.mark.peers
@pytest.mark.acceptance
def test_shows_the_curves(browser, address, tmp_path):
    pytest.importorskip("tensorboardX")
    x, y = clusters(200)
    model = classifier(optimizer=gs.optimizers.SGD(0.05))
    model.compile(model.optimizer, model.loss)
    board = gs.callbacks.TensorBoard(tmp_path / "logs")
    history = model.fit(x, y, epochs=9, validation_split=0.2, verbose=0, callbacks=[board]).history
    for look in range(LOOKS):
        page = shown(browser, address, tmp_path / f"profile-{look}")
        if len(curves(page, "epoch_loss")) == 2:
            break
    for tag in ("epoch_loss", "epoch_learning_rate", "evaluation_loss_vs_iterations"):
        assert f'title="{tag}"' in page
    for run in ("train", "validation"):
        assert re.search(rf">\s*{run}\s*<", page)
    drawn = curves(page, "epoch_loss")
    assert [points.shape for points in drawn] == [(9, 2), (9, 2)]
    # Pixels are an affine picture of epochs and losses: of both runs by the same scales.
    pixels = np.concatenate(drawn)
    values = np.array(history["loss"] + history["val_loss"])
    np.testing.assert_allclose(np.diff(drawn[0][:, 0]), np.diff(drawn[0][:, 0])[0], rtol=1e-4)
    slope, start = np.polyfit(values, pixels[:, 1], 1)
    assert slope < 0  # pixels are counted from the top
    np.testing.assert_allclose(pixels[:, 1], slope * values + start, atol=0.01)
