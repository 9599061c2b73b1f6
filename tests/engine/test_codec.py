"""Numbers in fewer bits, to the bit, through steps that only decode or only encode."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from gradstep.optimizers import SGD, Adagrad
from reference import codec

ml_dtypes = pytest.importorskip("ml_dtypes")

F32, F64 = np.dtype("f4"), np.dtype("f8")
BF16, F16 = np.dtype(ml_dtypes.bfloat16), np.dtype("f2")
HALVES = pytest.mark.parametrize("half", [F16, BF16], ids=str)
WORDS = np.arange(65536, dtype=np.uint16)
SMALLEST = 2.0**-126  # below it a float32 is subnormal, and a step takes it for 0


def converted(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """As NumPy does it, which warns of nans that signal and of what is too large."""
    with np.errstate(over="ignore", invalid="ignore"):
        return x.astype(dtype)


def negated(g: np.ndarray, dtype: np.dtype, **options: object) -> np.ndarray:
    """-g in another type: -0 - 1 g, which no rounding but that into the type has touched, and 0 keeps its sign."""
    w = np.full(len(g), -0.0, dtype)
    SGD(1.0, **options).step(w, g)
    return w


def assert_same(found: np.ndarray, expected: np.ndarray, given: np.ndarray) -> None:
    """The same bits, whichever nan a nan is."""
    assert found.dtype == expected.dtype
    integer = f"u{found.itemsize}"
    wrong = np.where(np.isnan(expected), ~np.isnan(found), found.view(integer) != expected.view(integer))
    assert not wrong.any(), [(given[i], found[i], expected[i]) for i in np.flatnonzero(wrong)[:5]]


# -- half types --------------------------------------------------------------------------------------------------------


@HALVES
@pytest.mark.parametrize("wide", [F32, F64], ids=str)
def test_every_word_is_decoded(half: np.dtype, wide: np.dtype, isa: str) -> None:
    given = WORDS.view(half)
    expected = -converted(given, wide)
    expected[np.abs(expected) < SMALLEST] *= 0  # bfloat16 has subnormals of float32
    assert_same(negated(given, wide), expected, given)


@functools.cache
def hard_cases(half: np.dtype) -> np.ndarray:
    """Every word, every middle of two, and what lies next to these; other floats of all sizes; what is no number."""
    sizes = np.sort(converted(WORDS.view(half), F64))
    sizes = sizes[(sizes >= 0) & np.isfinite(sizes)]
    sizes = np.append(sizes, 2 * sizes[-1] - sizes[-2])  # where infinity would be, were it a number
    exact = converted(np.concatenate([sizes, (sizes[1:] + sizes[:-1]) / 2]), F32)
    exact = exact[np.isfinite(exact)]
    beside = [np.nextafter(exact, np.float32(to)) for to in (-3e38, 3e38)]
    any_bits = np.random.default_rng(0).integers(0, 2**32, 200_000, dtype=np.uint32).view("f4")
    given = np.concatenate([exact, *beside, any_bits, np.float32([np.inf, np.nan])])
    given = given[~(np.abs(given) < SMALLEST) | (given == 0)]
    return np.concatenate([given, -given])


@HALVES
def test_float32_is_rounded_to_the_nearest_half(half: np.dtype, isa: str) -> None:
    given = hard_cases(half)
    assert len(given) > 300_000
    assert_same(negated(given, half), converted(-given, half), given)


def test_a_chance_rounds_to_a_neighbour_as_often_as_it_is_near() -> None:
    n = 1 << 17
    for low, share in ((1.0, 0.25), (1.0, 0.75), (-3.0, 2.0**-7), (2.0**100, 0.5), (2.0**-120, 1 - 2.0**-8)):
        lower = np.float32(low).astype(BF16)
        upper = (lower.view(np.uint16) + np.uint16(1)).view(BF16)
        exact = np.float32((1 - share) * np.float64(lower) + share * np.float64(upper))
        w = negated(np.full(n, -exact, "f4"), BF16, stochastic_rounding=True, seed=5)
        ups = (w == upper).sum()
        assert ups + (w == lower).sum() == n
        assert abs(ups - n * share) < 5 * np.sqrt(n * share * (1 - share)), (low, share)  # standard errors


def test_a_chance_leaves_what_is_exact_and_what_is_no_number(isa: str) -> None:
    given = WORDS.view(BF16)
    expected = -converted(given, F32)
    expected[np.abs(expected) < SMALLEST] *= 0
    found = negated(converted(given, F32), BF16, stochastic_rounding=True, seed=5)
    assert_same(found, converted(expected, BF16), given)


def test_a_chance_is_the_elements_own(isa: str) -> None:
    """Wherever the array is cut: strided arrays are staged in blocks, others are not."""
    g = np.random.default_rng(0).standard_normal(70_000).astype("f4")
    options = {"stochastic_rounding": True, "seed": 5}
    found = negated(g, BF16, **options)
    strided = np.full((len(g), 3), -0.0, BF16)
    SGD(1.0, **options).step(strided[:, 1], g)
    assert strided[:, 1].tobytes() == found.tobytes()
    for n in (1, 127, 128, 1025, 66_001):
        assert negated(g[:n], BF16, **options).tobytes() == found[:n].tobytes()


# -- state of 8 bits ---------------------------------------------------------------------------------------------------

BLOCK = 256
SIGNS = pytest.mark.parametrize("has_signs", [True, False], ids=["signs", "no signs"])


def kept(given: np.ndarray, has_signs: bool, t: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes and scales after a step that leaves exactly these numbers as state; the numbers."""
    given = np.asarray(given, "f4")
    optimizer = SGD(1.0, momentum=0.5) if has_signs else Adagrad(initial_accumulator_value=0.0)
    optimizer = type(optimizer).from_config({**optimizer.get_config(), "state_dtype": "int8"})
    bound = optimizer.bind(np.zeros(len(given), "f4"))
    if t:
        optimizer.load_state_dict({**optimizer.state_dict(), "iterations": np.array(t)})
    g = -given if has_signs else np.sqrt(given)
    bound.step(g)
    state = optimizer.state_dict()
    slot = "velocity" if has_signs else "accumulator"
    return codec.in_order(state[f"0.{slot}"]), state[f"0.{slot}.scale"], given if has_signs else g * g


def drawn(n: int, has_signs: bool, seed: int = 0) -> np.ndarray:
    """Numbers of eleven decades."""
    rng = np.random.default_rng(seed)
    sizes = 10.0 ** rng.uniform(-11, 0, n)
    return sizes * rng.choice([-1, 1], n) if has_signs else sizes


@SIGNS
@pytest.mark.parametrize("n", [1, 2, 255, 256, 257, 1000], ids=str)
def test_a_code_is_a_neighbour_of_its_count(has_signs: bool, n: int, isa: str) -> None:
    codes, scales, given = kept(drawn(n, has_signs) * 1e3, has_signs)
    most = 127 if has_signs else 255
    assert codes.dtype == np.uint8
    assert len(scales) == -(-n // BLOCK)
    for i, scale in enumerate(scales):
        block = slice(i * BLOCK, (i + 1) * BLOCK)
        count, code = codec.counts(given[block], most), codes[block].astype(int)
        if has_signs:
            assert np.array_equal(code >= 128, np.signbit(given[block]))
            code &= 127
        else:
            assert (code[count > 0] > 0).all()  # nothing but 0 becomes 0
            count = np.maximum(count, 1)
        # float32 counts to within 255 2^-22.
        assert (np.abs(code - count) < 1 + 1e-4).all()
        assert code[np.argmax(count)] == most
        assert scale == pytest.approx(codec.nearly_root(np.abs(given[block]).max()) / most, rel=2**-22)


@SIGNS
def test_codes_are_right_in_the_mean_over_steps(has_signs: bool) -> None:
    """As often up as the count lies near the upper neighbour: a second moment moves by less than a code a step."""
    numbers, steps = drawn(BLOCK, has_signs), 500
    most = 127 if has_signs else 255
    found = np.zeros(BLOCK)
    for t in range(steps):
        codes, _, given = kept(numbers, has_signs, t)
        found += codes & most
    count = codec.counts(given, most)
    inside = (count > 1) | has_signs
    # Steps take multiples of the golden ratio: n of them miss a share by at most (1 + log2 n) / n, here 0.02. The
    # dither stops 5e-5 short of a half on either side.
    assert np.abs(found / steps - count)[inside].max() < 0.02


@SIGNS
def test_every_code_is_decoded(has_signs: bool, isa: str) -> None:
    for scale in (2e-9, 0.25 / 255, 3.7, 1e7):
        codes = np.arange(BLOCK, dtype=np.uint8)
        expected = codec.decode(codec.in_order(codes).astype(int), np.float32(scale), has_signs)
        w = np.full(BLOCK, -0.0, "f4")
        if has_signs:
            optimizer = SGD(1.0, momentum=1.0, state_dtype="int8")
            slot, g = "velocity", np.zeros(BLOCK, "f4")
        else:
            optimizer = Adagrad(1.0, initial_accumulator_value=0.0, epsilon=0.0, state_dtype="int8")
            slot, g = "accumulator", np.full(BLOCK, 1e-18, "f4")
        bound = optimizer.bind(w)
        scales = np.full(1, scale, "f4")
        optimizer.load_state_dict({**optimizer.state_dict(), f"0.{slot}": codes, f"0.{slot}.scale": scales})
        bound.step(g)
        if has_signs:  # w is the velocity
            # A count times the scale is rounded once, by 2^-24, and the fourth power makes up to eight of that.
            inside = np.abs(expected) >= SMALLEST
            assert w[inside] == pytest.approx(expected[inside], rel=2**-20)
            assert (np.abs(w[~inside]) < 2 * SMALLEST).all()
            assert (w[expected == 0] == 0).all()
        else:  # w is -g / sqrt(accumulator + g^2)
            seen = expected > 1e-34
            assert -w[seen] == pytest.approx(1e-18 / np.sqrt(expected[seen] + 1e-36), rel=2**-19)
            assert (w[expected == 0] == -1).all()


@SIGNS
def test_what_was_decoded_keeps_its_codes(has_signs: bool, isa: str) -> None:
    """A thousand steps that change nothing change no code, whatever the dither."""
    numbers = drawn(1000, has_signs)
    if has_signs:
        optimizer, slot, g = SGD(1.0, momentum=1.0, state_dtype="int8"), "velocity", -numbers.astype("f4")
    else:
        optimizer = Adagrad(initial_accumulator_value=0.0, state_dtype="int8")
        slot, g = "accumulator", np.sqrt(numbers).astype("f4")
    bound = optimizer.bind(np.zeros(len(g), "f4"))
    bound.step(g)
    before = optimizer.state_dict()
    for _ in range(1000):
        bound.step(np.zeros(len(g), "f4"))
    after = optimizer.state_dict()
    changed = np.flatnonzero(before[f"0.{slot}"] != after[f"0.{slot}"])
    assert not changed.size or (has_signs and (before[f"0.{slot}"][changed] == 128).all())  # but -0 becomes 0
    # The scale is rounded on its way through the largest number, at first.
    assert after[f"0.{slot}.scale"] == pytest.approx(before[f"0.{slot}.scale"], rel=2**-22)


@SIGNS
def test_zeros_stay_zeros_beside_others(has_signs: bool, isa: str) -> None:
    """Whatever the dither: weights without a gradient would wander off."""
    for t in range(300):
        numbers = drawn(BLOCK, has_signs, t)
        numbers[t % 7 :: 7] = 0
        codes, _, _ = kept(numbers, has_signs, t)
        assert (codes[t % 7 :: 7] & 127 == 0).all(), t
    codes, scales, _ = kept(np.zeros(300), has_signs)
    assert not (codes & 127).any()
    assert not scales.any()


@SIGNS
def test_a_block_with_nan_in_it_is_nan(has_signs: bool, isa: str) -> None:
    numbers = drawn(3 * BLOCK, has_signs)
    numbers[BLOCK + 7] = np.nan
    _, scales, _ = kept(numbers, has_signs)
    assert np.isnan(scales).tolist() == [False, True, False]


@SIGNS
def test_infinity_leaves_the_rest_of_its_block_alone(has_signs: bool, isa: str) -> None:
    """A negative scale marks the block; the largest code is then infinity."""
    numbers = drawn(3 * BLOCK, has_signs)
    plain = numbers.copy()
    plain[BLOCK + 7] = 0
    numbers[BLOCK + 7] = np.inf
    _, scales, found = kept(numbers, has_signs)
    assert (scales < 0).tolist() == [False, True, False]
    assert np.isinf(found[BLOCK + 7])
    rest = np.arange(len(numbers)) != BLOCK + 7
    np.testing.assert_allclose(found[rest], numbers[rest], atol=0.04 * np.abs(plain[BLOCK:]).max(), rtol=0.6)


@pytest.mark.parametrize(("least", "gap"), [(1, 0.033), (0.1, 0.061), (0.01, 0.121), (1e-4, 0.48)])
def test_neighbours_are_near(least: float, gap: float) -> None:
    """The oracle, and so the codes, are as fine as packed.hpp says: how far neighbours are apart, for their size."""
    for most, bound in ((127, gap), (255, 0.515 * gap)):
        numbers = codec.nearly_power(np.arange(1, most + 1) / most)
        assert (numbers[1:] / numbers[:-1] - 1)[numbers[1:] >= least].max() <= bound
        assert numbers[0] < (4e-9 if most == 127 else 2.4e-10)
