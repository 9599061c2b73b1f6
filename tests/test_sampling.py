"""The sample of cases that `--most` leaves."""

from __future__ import annotations

from sampling import sample

RULES = [f"Rule{i}" for i in range(30)]
NAMES = ["test_plain", *(f"test_{test}[{rule}-float{bits}]" for test in "abc" for rule in RULES for bits in (32, 64))]


def test_each_test_has_cases_and_each_value_of_several_tests_is_in_one() -> None:
    kept = sample(NAMES, 2)
    assert kept == sample(NAMES, 2) < set(NAMES)
    assert "test_plain" in kept
    for test in "abc":
        assert len([name for name in kept if name.startswith(f"test_{test}[")]) >= 2
    for value in (*RULES, "float32", "float64"):
        assert any(value in name for name in kept)
    assert len(kept) <= 1 + len(RULES)


def test_values_of_one_test_alone_are_not_all_kept() -> None:
    assert len(sample([f"test_sizes[{i}]" for i in range(100)], 3)) == 3
    assert sample(NAMES, 1000) == set(NAMES)
