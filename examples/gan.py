"""GAN on points
=============

A GAN on points: a generator turns noise into points on a ring, taught by a critic that tells them from real ones.

The critic is trained by `train_on_batch`; the generator by the critic's opinion of its points, sent back through both:
`critic.backward` gives the gradient by the points, and `generator.backward` takes it from there.
"""

import sys

import gradstep as gs
import numpy as np

NOISE, BATCH = 4, 128


def ring(rows: int, draw: np.random.Generator) -> np.ndarray:
    """Points at distance 1 from the middle, give or take 0.05."""
    angle, radius = draw.uniform(0, 2 * np.pi, rows), draw.normal(1, 0.05, rows)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1).astype(np.float32)


def drawn(points: np.ndarray, size: int = 21) -> str:
    """Where points are, from -1.5 to 1.5."""
    cells = np.floor((points + 1.5) / 3 * size).astype(int)
    counts = np.zeros((size, size), int)
    inside = ((cells >= 0) & (cells < size)).all(1)
    np.add.at(counts, tuple(cells[inside].T), 1)
    return "\n".join("".join(" .:*#"[min(n, 4)] * 2 for n in row) for row in counts)


def main(steps: int = 3000) -> None:
    """Train both in turns, and draw what the generator has learned."""
    gs.utils.set_random_seed(0)
    draw = np.random.default_rng(0)

    def noise(rows: int) -> np.ndarray:
        return draw.normal(size=(rows, NOISE)).astype(np.float32)

    dense = gs.layers.Dense
    generator = gs.Sequential([gs.Input((NOISE,)), dense(64, "relu"), dense(64, "relu"), dense(2)])
    critic = gs.Sequential([gs.Input((2,)), dense(64, "leaky_relu"), dense(64, "leaky_relu"), dense(1)])
    loss = gs.losses.BinaryCrossentropy(from_logits=True)
    critic.compile(gs.optimizers.Adam(0.001, beta_1=0.5), loss=loss)
    optimizer = gs.optimizers.Adam(0.001, beta_1=0.5)
    real_or_made = np.repeat([1.0, 0.0], BATCH)[:, None]

    print("   step   critic's loss   generator's loss   distance from the ring")
    for step in range(1, steps + 1):
        both = np.concatenate([ring(BATCH, draw), generator(noise(BATCH))])
        critics = critic.train_on_batch(both, real_or_made)

        points = generator(noise(BATCH), training=True)
        opinion = critic(points, training=True)
        value, slope = loss.value_and_grad(np.ones((BATCH, 1)), opinion)  # it wants them to pass for real
        by_points, _ = critic.backward(slope)
        _, slopes = generator.backward(by_points)
        optimizer.step(generator.trainable_weights, slopes)
        if step % max(steps // 6, 1) == 0:
            off = abs(np.hypot(*generator(noise(1000)).T) - 1).mean()
            print(f"{step:7d} {critics:15.3f} {value:18.3f} {off:24.3f}")

    made = generator(noise(1000))
    angles = np.histogram(np.arctan2(made[:, 1], made[:, 0]), 8, (-np.pi, np.pi))[0]
    print(f"points in each eighth of the ring: {', '.join(map(str, angles))}\n{drawn(made)}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
