"""Fuel efficiency from the data of cars: Normalization adapted to the columns, a linear model and a deep one."""

import keras
import numpy as np

random = np.random.default_rng(2)
cars = np.stack(
    [
        random.choice([4.0, 6.0, 8.0], 320),  # cylinders
        random.normal(190, 100, 320),  # displacement
        random.normal(105, 38, 320),  # horsepower
        random.normal(2970, 850, 320),  # weight
        random.normal(15.6, 2.8, 320),  # acceleration
        random.integers(70, 83, 320),  # year
    ],
    axis=1,
)
mpg = 45 - 0.006 * cars[:, 3] - 0.04 * cars[:, 2] + 0.4 * (cars[:, 5] - 70) + random.normal(0, 1.5, 320)
train_x, test_x = cars[:260], cars[260:]
train_y, test_y = mpg[:260], mpg[260:]


def build():
    normalizer = keras.layers.Normalization(axis=-1)
    normalizer.adapt(train_x)
    linear = keras.Sequential([normalizer, keras.layers.Dense(units=1)])
    linear.build((None, 6))

    normalizer = keras.layers.Normalization()
    normalizer.adapt(train_x.astype("float32"))
    deep = keras.Sequential(
        [
            keras.Input((6,)),
            normalizer,
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(1),
        ]
    )
    return [linear, deep]


def train(models, folder):
    linear, deep = models
    answer = {"before": linear.predict(train_x[:10], verbose=0)}

    linear.compile(optimizer=keras.optimizers.Adam(learning_rate=0.1), loss="mean_absolute_error")
    history = linear.fit(train_x, train_y, epochs=20, verbose=0, validation_split=0.2, shuffle=False)
    answer["linear"] = history.history
    answer["linear error"] = linear.evaluate(test_x, test_y, verbose=0)

    deep.compile(
        loss="mse",
        optimizer=keras.optimizers.RMSprop(0.001),
        metrics=["mae", "mse", keras.metrics.RootMeanSquaredError(), keras.metrics.R2Score()],
    )
    history = deep.fit(train_x, train_y, validation_split=0.2, verbose=0, epochs=10, shuffle=False)
    answer["deep"] = history.history
    answer["deep scores"] = deep.evaluate(test_x, test_y, verbose=0)
    answer["deep predictions"] = deep.predict(test_x, verbose=0).flatten()
    return answer
