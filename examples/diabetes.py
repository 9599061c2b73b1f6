"""Logistic regression with class weights
======================================

Logistic regression on patients: who has diabetes? A third has it, so that "nobody" is right in two cases of three.

Class weights make a missed patient count as much as two false alarms: recall rises, precision falls; AUC, which looks
at no threshold, stays. `Normalization` learns the means and spreads of the columns from the training rows.
"""

import sys

import gradstep as gs
import numpy as np
from data import patients

NAMES = ("pregnancies", "glucose", "blood pressure", "skin fold", "insulin", "body mass", "pedigree", "age")


def regression(x: np.ndarray) -> gs.Sequential:
    """One unit with a sigmoid, on standardised columns."""
    gs.utils.set_random_seed(0)
    columns = gs.layers.Normalization()
    columns.adapt(x)
    model = gs.Sequential([columns, gs.layers.Dense(1, activation="sigmoid", kernel_regularizer="l2")])
    model.compile(
        gs.optimizers.Adam(0.02),
        loss="binary_crossentropy",
        metrics=["accuracy", "recall", "precision", gs.metrics.AUC(name="auc")],
    )
    return model


def main(rows: int = 768, epochs: int = 60) -> None:
    """Train without weights and with them."""
    train, test = gs.utils.split(*patients(rows), (0.7, 0.3), seed=0)
    share = train[1].mean()
    print(f"{len(train[0])} patients to learn from, {share:.0%} of them with diabetes\n")
    balanced = {0: 0.5 / (1 - share), 1: 0.5 / share}
    print("class weights   accuracy   recall   precision      AUC")
    for name, weights in (("none", None), ("balanced", balanced)):
        model = regression(train[0])
        model.fit(*train, epochs=epochs, class_weight=weights, verbose=0)
        scores = model.evaluate(*test, verbose=0, return_dict=True)
        print("{:13s}{accuracy:11.3f}{recall:9.3f}{precision:12.3f}{auc:9.3f}".format(name, **scores))
    print("\nodds of diabetes change by, for one standard deviation more of")
    for name, weight in sorted(zip(NAMES, model.layers[-1].kernel[:, 0], strict=True), key=lambda pair: -abs(pair[1])):
        print(f"{name:>15s}: x {np.exp(weight):.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
