"""The schedules: their formulas, their shapes, and the settings they refuse."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.schedules import CosineDecay, ExponentialDecay, StepDecay, Warmup, number

rates = st.floats(0, 10)
steps = st.integers(0, 1000)
counts = st.integers(1, 100)
factors = st.floats(0.01, 1.0)

EACH = [
    StepDecay(0.1, every=30),
    ExponentialDecay(0.1, every=5, factor=0.9),
    CosineDecay(0.1, steps=100, final=0.01),
    Warmup(0.1, steps=5),
    Warmup(CosineDecay(0.1, steps=100), steps=5),
]
each = pytest.mark.parametrize("schedule", EACH, ids=repr)


@given(rates, counts, factors, steps)
def test_step_decay_multiplies_once_for_every_full_interval(lr, every, factor, step):
    expected = lr
    for _ in range(every, step + 1, every):
        expected *= factor
    assert StepDecay(lr, every, factor)(step) == pytest.approx(expected, rel=1e-9, abs=1e-300)


@given(rates, counts, factors, steps)
def test_exponential_decay_multiplies_alike_from_step_to_step(lr, every, factor, step):
    schedule = ExponentialDecay(lr, every, factor)
    ratio = math.exp(math.log(factor) / every)
    assert schedule(0) == lr
    assert schedule(step + 1) == pytest.approx(ratio * schedule(step), rel=1e-9, abs=1e-300)


@given(rates, counts, factors, st.integers(0, 20))
def test_exponential_and_step_decay_meet_at_every_stair(lr, every, factor, stair):
    exponential, stairs = ExponentialDecay(lr, every, factor), StepDecay(lr, every, factor)
    assert exponential(stair * every) == pytest.approx(stairs(stair * every))


@given(rates, rates, st.integers(2, 100), st.integers(0, 120))
def test_cosine_decay_is_half_a_turn_from_lr_to_final(lr, final, length, step):
    rate = CosineDecay(lr, length, final)(step)
    turn = math.pi * min(step / length, 1.0)
    expected = lr * math.cos(turn / 2) ** 2 + final * math.sin(turn / 2) ** 2
    assert rate == pytest.approx(expected, abs=1e-12)
    assert step < length or rate == final


@given(rates, st.integers(0, 50), steps)
def test_warmup_rises_evenly_to_its_number(lr, length, step):
    expected = lr * min(1.0, (step + 1) / (length + 1))
    assert Warmup(lr, length)(step) == pytest.approx(expected)


@given(st.floats(0.01, 10), st.integers(0, 50), steps)
def test_after_the_warmup_the_wrapped_schedule_starts_at_its_own_step_0(lr, length, step):
    wrapped = CosineDecay(lr, 40)
    schedule = Warmup(wrapped, length)
    assert schedule(length + step) == wrapped(step)
    assert all(0 < schedule(s) < schedule(s + 1) for s in range(length))


def test_warmup_wraps_any_function_of_the_step():
    schedule = Warmup(lambda step: 1 / (step + 1), steps=1)
    assert [schedule(step) for step in range(4)] == [0.5, 1.0, 0.5, 1 / 3]


def test_the_defaults_are_a_tenth_a_hundredth_less_and_down_to_zero():
    assert StepDecay(1.0, every=3)(3) == pytest.approx(0.1)
    assert ExponentialDecay(1.0)(1) == pytest.approx(0.99)
    assert CosineDecay(1.0, steps=3)(3) == 0.0


@each
def test_a_schedule_is_a_value(schedule):
    again = pickle.loads(pickle.dumps(schedule))
    assert again == schedule
    assert hash(again) == hash(schedule)
    assert eval(repr(schedule)) == schedule
    with pytest.raises(AttributeError):
        schedule.steps = 3


@each
def test_a_rate_is_a_python_float_whatever_counts_the_steps(schedule):
    for step in (0, 7, 1000):
        assert type(schedule(np.int64(step))) is float
        assert schedule(np.int64(step)) == schedule(step)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StepDecay(-1, 1), r"lr must be in \[0, inf\), not -1"),
        (lambda: StepDecay(1, 0), "every must be at least 1, not 0"),
        (lambda: StepDecay(1, 1, 0), r"factor must be in \(0, 1\], not 0"),
        (lambda: ExponentialDecay(math.nan), "lr must be in .*, not nan"),
        (lambda: ExponentialDecay(1, -2), "every must be at least 1, not -2"),
        (lambda: ExponentialDecay(1, 1, 1.5), r"factor must be in \(0, 1\], not 1.5"),
        (lambda: CosineDecay(math.inf, 1), "lr must be in .*, not inf"),
        (lambda: CosineDecay(1, 0), "steps must be at least 1, not 0"),
        (lambda: CosineDecay(1, 1, -1), "final must be in .*, not -1"),
        (lambda: Warmup(-1, 1), "lr must be in .*, not -1"),
        (lambda: Warmup(1, -1), "steps must be at least 0, not -1"),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StepDecay(1, 2.5), "every must be a whole number of steps, not 2.5"),
        (lambda: CosineDecay(1, True), "steps must be a whole number of steps, not True"),
        (lambda: Warmup(1, "5"), "steps must be a whole number of steps, not '5'"),
        (lambda: Warmup("he", 5), "lr must be a number .*, not 'he'"),
        (lambda: StepDecay(True, 1), "lr must be a number .*, not True"),
    ],
)
def test_a_setting_of_another_type_is_refused_by_name(make, message):
    with pytest.raises(TypeError, match=message):
        make()


@pytest.mark.parametrize(
    ("interval", "inside", "outside"),
    [
        ("[0, 1)", [0, 0.5], [-1e-9, 1, math.nan]),
        ("(0, 1]", [1, 0.5], [0, 1.1, -1]),
        ("[0, inf)", [0, 1e300], [math.inf, -1]),
        ("(0, inf]", [math.inf, 1e-300], [0, math.nan]),
    ],
)
def test_intervals_are_read_as_written(interval, inside, outside):
    assert [number("x", x, interval) for x in inside] == inside
    for x in outside:
        with pytest.raises(ValueError, match="x must be in"):
            number("x", x, interval)
