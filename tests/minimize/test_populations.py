"""Methods that compare values: what they find, ask and tell, and states that go on to the bit."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import _core, minimizers
from gradstep.minimize.methods.multistart import sobol
from problems import rosenbrock

R = rosenbrock()
POPULATIONS = {
    "cma-es": minimizers.CMAES,
    "differential-evolution": minimizers.DifferentialEvolution,
    "ga": minimizers.GeneticAlgorithm,
    "openai-es": minimizers.OpenAIES,
    "simulated-annealing": minimizers.SimulatedAnnealing,
}
BOX = [(-5, 5), (-5, 5)]


def sphere(x):
    return float(((x - [1.0, -0.5]) ** 2).sum())


def rastrigin(x):
    return float(10 * len(x) + (x**2 - 10 * np.cos(2 * np.pi * x)).sum())


@pytest.mark.parametrize("name", POPULATIONS)
@pytest.mark.parametrize("bounds", [None, BOX])
def test_a_bowl_is_solved_without_a_gradient(name, bounds):
    res = gs.minimize(sphere, [3.0, 2.0], method=name, bounds=bounds, seed=1, maxfev=8000, target=1e-5)
    assert res.reason in ("target", "ftol", "xtol")
    assert res.success
    np.testing.assert_allclose(res.x, [1, -0.5], atol=1e-2)
    assert res.njev == 0
    assert "jac" not in res


def test_a_step_function_has_no_gradient_and_is_solved():
    res = gs.minimize(lambda x: float(np.abs(np.round(20 * (x - 0.3))).sum()), [4.0, -3.0], method="cma-es", seed=0)
    assert res.fun == 0


@pytest.mark.parametrize("method", ["differential-evolution", "cma-es"])
def test_many_minima(method):
    res = gs.minimize(rastrigin, [3.3, -2.2], method=method, bounds=BOX, seed=2, maxfev=6000)
    assert res.fun < 1e-7
    assert res.success, res.message


@pytest.mark.parametrize("name", POPULATIONS)
def test_the_same_seed_gives_the_same_bits(name):
    runs = [gs.minimize(sphere, [3.0, 2.0], method=name, seed=seed, maxfev=200) for seed in (3, 3, 4)]
    assert runs[0].x.tobytes() == runs[1].x.tobytes() != runs[2].x.tobytes()
    gs.utils.set_random_seed(0)
    first = gs.minimize(sphere, [3.0, 2.0], method=name, maxfev=200)
    gs.utils.set_random_seed(0)
    assert gs.minimize(sphere, [3.0, 2.0], method=name, maxfev=200).x.tobytes() == first.x.tobytes()


@pytest.mark.parametrize("name", POPULATIONS)
@pytest.mark.parametrize("bounds", [None, BOX])
def test_a_state_goes_on_to_the_bit(name, bounds, tmp_path):
    def generation(method):
        X = method.ask()
        method.tell(X, [rastrigin(x) for x in X])
        return X

    whole, first = POPULATIONS[name](), POPULATIONS[name]()
    for method in (whole, first):
        method.start([3.0, 2.0], bounds, seed=5, evaluations=5000)
        for _ in range(12):
            generation(method)
    state = first.state_dict()
    generation(first)  # a state is a copy
    second = POPULATIONS[name]()
    second.start([3.0, 2.0], bounds, seed=99)
    second.load_state_dict(state)
    for _ in range(30):
        assert generation(whole).tobytes() == generation(second).tobytes()
    assert whole.x.tobytes() == second.x.tobytes()
    assert whole.fun == second.fun
    with pytest.raises(ValueError, match="differs in"):
        second.load_state_dict({"x": 1})


@pytest.mark.parametrize("name", POPULATIONS)
def test_points_stay_within_bounds(name):
    low, high = np.array([0.5, -5.0]), np.array([2.0, -1.0])

    def fun(x):
        assert (x >= low).all()
        assert (x <= high).all()
        return sphere(x)

    res = gs.minimize(fun, [1.5, -4.0], method=name, bounds=list(zip(low, high, strict=True)), seed=0, maxfev=3000)
    np.testing.assert_allclose(res.x, [1.0, -1.0], atol=0.05)


@pytest.mark.parametrize("name", POPULATIONS)
def test_batches_and_workers_give_the_same(name):
    given = {"method": name, "seed": 7, "maxfev": 400}
    alone = gs.minimize(sphere, [3.0, 2.0], **given)
    sizes = []

    def fun(X):
        sizes.append(len(X))
        return np.array([sphere(x) for x in X])

    batched = gs.minimize(fun, [3.0, 2.0], batched=True, **given)
    assert batched.x.tobytes() == alone.x.tobytes()
    assert batched.nfev == alone.nfev == sum(sizes)
    assert max(sizes) > 1
    for workers in (2, map):
        assert gs.minimize(sphere, [3.0, 2.0], workers=workers, **given).x.tobytes() == alone.x.tobytes()


def test_float32_and_structures():
    x0 = {"a": np.float32([3.0]), "b": np.ones((2, 2), np.float32)}

    def fun(x):
        assert x["a"].dtype == x["b"].dtype == np.float32
        return float((x["a"] ** 2).sum() + (x["b"] ** 2).sum())

    res = gs.minimize(fun, x0, method="cma-es", seed=0, maxfev=2000, target=1e-6)
    assert res.x["b"].dtype == np.float32
    assert res.fun == fun(res.x)
    assert res.success


def test_nan_is_the_worst_value():
    def fun(x):
        return sphere(x) if x[0] > 0 else float("nan")

    res = gs.minimize(fun, [3.0, 2.0], method="cma-es", seed=0)
    assert res.success
    np.testing.assert_allclose(res.x, [1, -0.5], atol=1e-4)


def test_restarts_of_cma_es():
    res = gs.minimize(rastrigin, [3.3, -2.2], method="cma-es", seed=1, maxfev=5000)
    assert "restarted" in res.message
    single = gs.minimize(rastrigin, [3.3, -2.2], method="cma-es", seed=1, maxfev=5000, options={"restarts": "none"})
    assert single.nfev < 2000
    assert res.fun <= single.fun
    both = gs.minimize(rastrigin, [3.3, -2.2], method="cma-es", seed=1, maxfev=5000, options={"restarts": "bipop"})
    assert both.nfev == 5000


def test_the_diagonal_form_is_for_many_variables():
    w = np.geomspace(1, 100, 40)
    res = gs.minimize(
        lambda x: float((w * x**2).sum()), np.ones(40), method="cma-es", seed=0, options={"diagonal": True}, target=1e-8
    )
    assert res.reason == "target"


@pytest.mark.parametrize("strategy", ["rand/1", "best/1"])
def test_storn_and_price(strategy):
    res = gs.minimize(
        R.value, [3.0, 2.0], method="de", bounds=BOX, seed=0, maxfev=9000, options={"strategy": strategy}, target=1e-8
    )
    assert res.success


@pytest.mark.parametrize(
    ("method", "options", "said"),
    [
        ("cma-es", {"sigma": 0}, "sigma must be more than 0"),
        ("cma-es", {"restarts": "never"}, "restarts must be one of"),
        ("cma-es", {"population": 3}, "population must be at least 4"),
        ("de", {"strategy": "best/2"}, "strategy must be one of"),
        ("de", {"crossover": 2}, "crossover must be from 0 to 1"),
        ("ga", {"mutation": -1}, "mutation must be from 0 to 1"),
        ("openai-es", {"decay": 0}, "decay must be"),
        ("simulated-annealing", {"cooling": 1}, "cooling must be"),
        ("bfgs", None, "batched=True is for"),
    ],
)
def test_bad_calls(method, options, said):
    with pytest.raises(ValueError, match=said):
        gs.minimize(sphere, [1.0, 2.0], method=method, options=options, batched=method == "bfgs")


def test_ask_and_tell_in_the_wrong_order():
    es = minimizers.CMAES()
    es.start([1.0, 2.0], seed=0)
    with pytest.raises(ValueError, match="ask"):
        es.tell(np.zeros((6, 2)), np.zeros(6))
    X = es.ask()
    with pytest.raises(ValueError, match="6 values"):
        es.tell(X, np.zeros(5))


# -- many starts, several methods ----


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def himmelblau_gradient(x):
    a, b = x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7
    return np.array([4 * a * x[0] + 2 * b, 2 * a + 4 * b * x[1]])


@pytest.mark.parametrize("sampler", ["lhs", "sobol", "random"])
def test_multistart_finds_all_minima(sampler):
    method = gs.multistart(30, sampler=sampler, local="l-bfgs-b")
    res = gs.minimize(himmelblau, [0.0, 0.0], jac=himmelblau_gradient, method=method, bounds=BOX, seed=0)
    truth = [(3, 2), (-2.805118, 3.131313), (-3.779310, -3.283186), (3.584428, -1.848127)]
    found = sorted(tuple(np.round(one.x, 4)) for one in res.minima)
    np.testing.assert_allclose(found, sorted(truth), atol=1e-3)
    assert sum(one.count for one in res.minima) == 30
    assert res.success
    assert res.fun == min(one.fun for one in res.minima)
    assert "4 distinct minima" in res.message


def test_multistart_without_a_gradient_and_within_a_budget():
    res = gs.minimize(rastrigin, [3.3, -2.2], method="multistart", bounds=BOX, seed=0, maxfev=300)
    assert res.nfev <= 300
    assert res.reason == "maxfev"
    assert res.minima
    with pytest.raises(ValueError, match="finite bounds"):
        gs.minimize(rastrigin, [3.3, -2.2], method="multistart")


def test_sobol_numbers_are_the_published_ones():
    expected = [[0, 0, 0], [0.5, 0.5, 0.5], [0.75, 0.25, 0.25], [0.25, 0.75, 0.75], [0.375, 0.375, 0.625]]
    assert sobol(5, 3).tolist() == expected
    points = sobol(64, 21)
    for column in points.T:  # one in each of 64 intervals
        assert sorted((column * 64).astype(int)) == list(range(64))
    with pytest.raises(ValueError, match="up to 21 variables"):
        sobol(2, 22)


@pytest.mark.parametrize("switch", [30, "plateau", lambda x, f: f < 1.0])
def test_a_sequence_of_methods(switch):
    methods = minimizers.Sequence(gs.optimizers.Adam(0.1), "l-bfgs", switch=switch)
    res = gs.minimize(R.value, R.start, jac=R.gradient, method=methods)
    assert res.success
    assert res.fun < 1e-10
    assert '"adam", then "l-bfgs"' in res.message
    assert res.nit > 10


def test_l_bfgs_goes_on_after_adam():
    """In deepxde#1977 L-BFGS ended after one iteration behind Adam."""
    methods = minimizers.Sequence(["adam", "l-bfgs"], switch=20)
    res = gs.minimize(R.value, R.start, jac=R.gradient, method=methods)
    assert res.nit > 25
    np.testing.assert_allclose(res.x, R.optimum, atol=1e-4)


def test_a_population_hands_over_to_a_gradient_method():
    methods = minimizers.Sequence("cma-es", "bfgs", switch=5)
    res = gs.minimize(R.value, R.start, jac=R.gradient, method=methods, seed=0)
    assert res.success
    assert "hess_inv" in res


def test_a_local_method_polishes_what_a_population_found():
    points = []

    def fun(x):
        points.append(x.copy())
        return float(20 + np.sum(x * x - 10 * np.cos(2 * np.pi * x)))

    methods = minimizers.Sequence("differential-evolution", "l-bfgs-b")
    bounds = [(-5.0, 5.0), (-5.0, 5.0)]
    res = gs.minimize(
        fun,
        [3.0, -4.0],
        jac=lambda x: 2 * x + 20 * np.pi * np.sin(2 * np.pi * x),
        method=methods,
        bounds=bounds,
        seed=1,
    )
    assert res.success
    assert res.reason == "gtol"
    assert res.fun == 0
    assert np.abs(points).max() <= 5


def test_bad_sequences():
    with pytest.raises(ValueError, match="at least two"):
        minimizers.Sequence("adam")
    with pytest.raises(ValueError, match='"plateau"'):
        minimizers.Sequence("adam", "bfgs", switch="never")
    with pytest.raises(ValueError, match="2 entries"):
        minimizers.Sequence("adam", "gd", "bfgs", switch=[1])


def test_points_beyond_a_bound_are_drawn_again():
    core = _core.CMA(np.ones(2), False, True)
    core.begin(np.zeros(2), 1.0, 50, np.inf)
    free, box = core.ask(7, 0, None, None), np.full(2, 0.5)
    drawn = core.ask(7, 0, -box, box)
    first = int(np.flatnonzero((np.abs(free) > 0.5).any(axis=1))[0])
    np.testing.assert_array_equal(drawn[:first], free[:first])
    assert (np.abs(drawn) <= 0.5).all()
    mirrored = np.where(np.abs(free) > 0.5, np.sign(free) - free, free)[first]
    assert not np.allclose(drawn[first], np.clip(mirrored, -0.5, 0.5))


def test_bounds_that_leave_one_point_are_kept():
    res = gs.minimize(lambda x: float(x @ x), [1.0, 2.0], method="cma-es", bounds=[(1, 1), (2, 2)], seed=0, maxiter=3)
    np.testing.assert_array_equal(res.x, [1.0, 2.0])
