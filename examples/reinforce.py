"""REINFORCE in a grid world
=========================

REINFORCE: a policy learns to cross a grid world from nothing but the returns of its own walks.

The gradient of the expected return is the mean of advantage x gradient of log probability of what was done: that of a
cross-entropy whose targets are the actions and whose sample weights are the advantages.
"""

import sys

import gradstep as gs
import numpy as np

GRID = ("S....", ".##..", "...#.", ".#...", "...#G")  # start, walls, goal
MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))
ARROWS = "^>v<"
SIDE, LONGEST, DISCOUNT = len(GRID), 40, 0.97
GOAL = SIDE * SIDE - 1


def step(place: int, action: int) -> int:
    """Where a move leads: nowhere at a wall or at the edge."""
    row, column = (a + b for a, b in zip(divmod(place, SIDE), MOVES[action], strict=True))
    inside = 0 <= row < SIDE and 0 <= column < SIDE and GRID[row][column] != "#"
    return row * SIDE + column if inside else place


def walk(chances: np.ndarray, draw: np.random.Generator) -> tuple[list[int], list[int], np.ndarray]:
    """Places, actions, and the discounted return of each: 1 at the goal, -0.02 a move."""
    places, actions, rewards = [0], [], []
    while places[-1] != GOAL and len(actions) < LONGEST:
        actions.append(int(draw.choice(4, p=chances[places[-1]])))
        places.append(step(places[-1], actions[-1]))
        rewards.append(1.0 if places[-1] == GOAL else -0.02)
    for i in reversed(range(len(rewards) - 1)):
        rewards[i] += DISCOUNT * rewards[i + 1]
    return places[:-1], actions, np.array(rewards)


def main(updates: int = 60, walks: int = 20) -> None:
    """Walk, learn, walk again."""
    gs.utils.set_random_seed(0)
    draw, every_place = np.random.default_rng(0), np.eye(SIDE * SIDE, dtype=np.float32)
    policy = gs.Sequential([gs.layers.Dense(32, activation="tanh"), gs.layers.Dense(4, activation="softmax")])
    policy.compile(loss="sparse_categorical_crossentropy")
    optimizer = gs.optimizers.Adam(0.02)
    for update in range(updates):
        chances = policy.predict(every_place, verbose=0).astype(float)
        chances /= chances.sum(1, keepdims=True)
        places, actions, returns = zip(*(walk(chances, draw) for _ in range(walks)), strict=True)
        gained, visited = np.concatenate(returns), np.concatenate(places)
        advantage = (gained - gained.mean()) / (gained.std() + 1e-8)
        _, slopes = policy.value_and_grad(every_place[visited], np.concatenate(actions), sample_weight=advantage)
        optimizer.step(policy.trainable_weights, slopes)
        if update % max(updates // 6, 1) == 0 or update == updates - 1:
            mean, length = np.mean([r[0] for r in returns]), np.mean([len(a) for a in actions])
            print(f"update {update + 1:4d}: mean return {mean:6.3f}, {length:4.1f} moves a walk")
    best = chances.argmax(1).reshape(SIDE, SIDE)
    for row, line in enumerate(GRID):
        print(" ".join(sign if sign in "#G" else ARROWS[best[row, i]] for i, sign in enumerate(line)))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
