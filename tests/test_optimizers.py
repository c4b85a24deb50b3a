"""The optimizers against the notes, the papers' formulas in plain Python, and bad input."""

import copy
import inspect
import io
import math
import pickle
from collections.abc import MutableMapping
from types import MappingProxyType

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import seed_notebook
from hypothesis import given
from hypothesis import strategies as st

from minigrad import optimizers
from minigrad.optimizers import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Momentum,
    Nesterov,
    Optimizer,
    RMSprop,
    clip_by_global_norm,
)
from minigrad.schedules import StepDecay

EACH = [SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam, AdamW]
each = pytest.mark.parametrize("Method", EACH)

numbers = st.floats(-100, 100).filter(lambda x: x == 0 or abs(x) > 1e-3)
slopes = st.lists(numbers, min_size=1, max_size=12)
rates = st.floats(1e-4, 1.0)
shares = st.floats(0.0, 0.99)
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
layouts = st.sampled_from(["C", "F", "strided", "reversed"])


def path(optimizer, start, slopes):
    """The values of one number under an optimizer, one for each slope."""
    params, values = {"w": start}, []
    for g in slopes:
        optimizer.update(params, {"w": g})
        values.append(params["w"])
    return values


def near(values):
    return pytest.approx(values, rel=1e-9, abs=1e-9)


def laid_out(array, layout):
    """An equal array in another memory layout, which a view writes through."""
    if layout == "F":
        return np.array(array, order="F")
    if layout == "strided":
        return np.repeat(array[..., None], 3, axis=-1)[..., 1]
    if layout == "reversed" and array.ndim:
        return array[::-1].copy()[::-1]
    return array.copy()


def random_params(rng, dtype=np.float64):
    shapes = {"W1": (4, 3), "b1": (3,), "s": ()}
    return {key: rng.standard_normal(shape).astype(dtype) for key, shape in shapes.items()}


def bits(arrays):
    return {key: (np.asarray(a).dtype, np.asarray(a).tobytes()) for key, a in arrays.items()}


def test_every_optimizer_of_the_module_is_tested():
    classes = {c for c in vars(optimizers).values() if inspect.isclass(c)}
    assert {c for c in classes if issubclass(c, Optimizer)} == {Optimizer, *EACH}


# ---- the notes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("Ours", "Theirs"),
    [
        (SGD, seed_notebook.SGD),
        (Momentum, seed_notebook.Momentum),
        (AdaGrad, seed_notebook.AdaGrad),
    ],
)
def test_200_steps_are_those_of_the_notes_to_the_last_bit(Ours, Theirs, dtype):
    ours, theirs = Ours(lr=0.03), Theirs(lr=0.03)
    params = random_params(np.random.default_rng(0), dtype)
    expected = copy.deepcopy(params)
    for _ in range(200):
        ours.update(params, {key: np.sin(3 * p) for key, p in params.items()})
        theirs.update(expected, {key: np.sin(3 * p) for key, p in expected.items()})
        assert bits(params) == bits(expected)
    for name in ours.states:
        assert bits(getattr(ours, name)) == bits(getattr(theirs, name))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (SGD(lr=0.95), seed_notebook.SGD(lr=0.95)),
        (Momentum(lr=0.1), seed_notebook.Momentum(lr=0.1)),
        (AdaGrad(lr=1.5), seed_notebook.AdaGrad(lr=1.5)),
    ],
)
def test_python_floats_take_the_path_of_the_notes_and_stay_python_floats(ours, theirs):
    params, expected = {"x": -7.0, "y": 2.0}, {"x": -7.0, "y": 2.0}
    for _ in range(30):
        ours.update(params, {"x": params["x"] / 10, "y": params["y"] * 2})
        theirs.update(expected, {"x": expected["x"] / 10, "y": expected["y"] * 2})
    assert params == expected
    assert {type(p) for p in params.values()} == {float}


# ---- the papers' formulas, in closed form --------------------------------------------------------


@given(slopes, rates)
def test_sgd_moves_by_the_sum_of_its_gradients(gs, lr):
    expected = [1 - lr * sum(gs[:t]) for t in range(1, len(gs) + 1)]
    assert path(SGD(lr), 1.0, gs) == near(expected)


@given(slopes, rates, shares)
def test_momentum_is_a_sum_of_fading_gradients(gs, lr, a):
    velocities = [-lr * sum(a ** (t - s) * gs[s] for s in range(t + 1)) for t in range(len(gs))]
    expected = [1 + sum(velocities[: t + 1]) for t in range(len(gs))]
    assert path(Momentum(lr, a), 1.0, gs) == near(expected)


@given(rates, shares, st.floats(-10, 10))
def test_nesterov_is_momentum_with_the_gradient_taken_one_step_ahead(lr, a, start):
    theta, v = start, 0.0
    optimizer, params = Nesterov(lr, a), {"w": start}
    for _ in range(10):
        v = a * v - lr * math.sin(theta + a * v)
        theta += v
        optimizer.update(params, {"w": math.sin(params["w"])})
        assert params["w"] == near(theta + a * v)
        assert optimizer.v["w"] == near(v)


@given(slopes, rates)
def test_adagrad_divides_by_the_length_of_all_gradients_so_far(gs, lr):
    w, expected = 1.0, []
    for t, g in enumerate(gs):
        w -= lr * g / (math.hypot(*gs[: t + 1]) + 1e-7)
        expected.append(w)
    assert path(AdaGrad(lr), 1.0, gs) == near(expected)


@given(slopes, rates, shares)
def test_rmsprop_divides_by_a_fading_root_mean_square(gs, lr, rho):
    w, expected = 1.0, []
    for t, g in enumerate(gs):
        h = (1 - rho) * sum(rho ** (t - s) * gs[s] ** 2 for s in range(t + 1))
        w -= lr * g / (math.sqrt(h) + 1e-7)
        expected.append(w)
    assert path(RMSprop(lr, rho), 1.0, gs) == near(expected)


def weighted_mean(values, share):
    weights = [share ** (len(values) - 1 - s) for s in range(len(values))]
    return sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)


@given(slopes, rates, shares, shares, st.floats(0, 0.5))
def test_adam_divides_a_weighted_mean_by_a_weighted_root_mean_square(gs, lr, a, b, decay):
    adam, adamw, w, u = [], [], 1.0, 1.0
    for t in range(1, len(gs) + 1):
        root = math.sqrt(weighted_mean([g * g for g in gs[:t]], b))
        direction = weighted_mean(gs[:t], a) / (root + 1e-8)
        w, u = w - lr * direction, u - lr * (direction + decay * u)
        adam.append(w)
        adamw.append(u)
    assert path(Adam(lr, a, b), 1.0, gs) == near(adam)
    assert path(AdamW(lr, a, b, weight_decay=decay), 1.0, gs) == near(adamw)


# ---- other people's conventions ------------------------------------------------------------------


@given(slopes, rates, shares)
def test_at_a_constant_rate_momentum_and_nesterov_are_pytorchs(gs, lr, a):
    w, u, b, momentum, nesterov = 1.0, 1.0, 0.0, [], []
    for g in gs:
        b = a * b + g
        w, u = w - lr * b, u - lr * (g + a * b)
        momentum.append(w)
        nesterov.append(u)
    assert path(Momentum(lr, a), 1.0, gs) == near(momentum)
    assert path(Nesterov(lr, a), 1.0, gs) == near(nesterov)


def test_when_the_rate_falls_to_zero_our_velocity_lasts_and_pytorchs_does_not():
    momentum = Momentum(lr=lambda step: 1.0 if step == 0 else 0.0, momentum=0.5)
    assert path(momentum, 0.0, [1.0, 1.0, 1.0]) == [-1.0, -1.5, -1.75]


def test_adam_is_the_books_up_to_its_epsilon():
    gs, w, m, v, expected = [0.3, -0.2, 0.5, 0.1] * 5, 1.0, 0.0, 0.0, []
    for t, g in enumerate(gs, start=1):
        rate = 0.001 * math.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        m += 0.1 * (g - m)
        v += 0.001 * (g * g - v)
        w -= rate * m / (math.sqrt(v) + 1e-7)
        expected.append(w)
    values = path(Adam(), 1.0, gs)
    assert values == pytest.approx(expected, abs=1e-6)
    assert values != pytest.approx(expected, abs=1e-12)


def test_the_defaults_are_the_books_and_the_papers():
    assert [repr(Method()) for Method in EACH] == [
        "SGD(lr=0.01)",
        "Momentum(lr=0.01, momentum=0.9)",
        "Nesterov(lr=0.01, momentum=0.9)",
        "AdaGrad(lr=0.01, eps=1e-07)",
        "RMSprop(lr=0.01, decay_rate=0.99, eps=1e-07)",
        "Adam(lr=0.001, beta1=0.9, beta2=0.999, eps=1e-08)",
        "AdamW(lr=0.001, beta1=0.9, beta2=0.999, eps=1e-08, weight_decay=0.01)",
    ]


@each
def test_a_repr_is_the_call_that_makes_the_optimizer(Method):
    optimizer = Method(lr=StepDecay(0.5, every=2))
    again = eval(repr(optimizer), {**vars(optimizers), "StepDecay": StepDecay})
    assert vars(again) == vars(optimizer)


# ---- arrays --------------------------------------------------------------------------------------


@each
@given(shape=shapes, layout=layouts, data=st.data())
def test_an_array_moves_as_each_of_its_numbers_would(Method, shape, layout, data):
    arrays = hnp.arrays(np.float64, shape, elements=numbers)
    W = laid_out(data.draw(arrays), layout)
    gs = [laid_out(data.draw(arrays), data.draw(layouts)) for _ in range(3)]
    starts, optimizer = W.copy(), Method(lr=0.1)
    for g in gs:
        optimizer.update({"W": W}, {"W": g})
    for i in np.ndindex(shape):
        assert path(Method(lr=0.1), starts[i], [g[i] for g in gs])[-1] == near(W[i])


@each
def test_an_update_happens_in_the_arrays_themselves(Method):
    base = np.ones((4, 6))
    view, scalar, empty = base[1:3, ::-2], np.array(1.0), np.ones((0, 3))
    params = {"W": view, "s": scalar, "e": empty}
    Method(lr=0.5).update(params, {key: np.ones(p.shape) for key, p in params.items()})
    assert params["W"] is view
    assert params["s"] is scalar
    assert params["e"] is empty
    assert scalar < 1
    touched = base < 1
    assert touched[1:3, 1::2].all()
    assert touched.sum() == view.size


class Watched(MutableMapping):
    """A mapping that notes what is stored in it, as the params of a network do."""

    def __init__(self, arrays):
        self.arrays, self.stored = arrays, []

    def __getitem__(self, key):
        return self.arrays[key]

    def __setitem__(self, key, value):
        self.stored.append((key, value is self.arrays[key], value.copy()))

    def __delitem__(self, key):
        raise NotImplementedError

    def __iter__(self):
        return iter(self.arrays)

    def __len__(self):
        return len(self.arrays)


@each
def test_an_update_finishes_by_storing_each_changed_array_once(Method):
    params = Watched({"W": np.ones(2), "b": np.ones(3)})
    Method(lr=0.5).update(params, {"b": np.ones(3), "W": np.ones(2)})
    assert [(key, same) for key, same, _ in params.stored] == [("W", True), ("b", True)]
    assert all(
        (value == params[key]).all() and (value < 1).all() for key, _, value in params.stored
    )


@each
def test_gradients_are_read_and_never_written(Method):
    params = random_params(np.random.default_rng(0))
    grads = random_params(np.random.default_rng(1))
    before = bits(grads)
    for g in grads.values():
        g.flags.writeable = False
    optimizer = Method(lr=0.5)
    for _ in range(3):
        optimizer.update(params, grads)
    assert bits(grads) == before
    states = [s for name in optimizer.states for s in getattr(optimizer, name).values()]
    assert not any(np.may_share_memory(s, g) for s in states for g in grads.values())


@each
def test_a_gradient_may_be_the_memory_of_a_parameter(Method):
    x, y = np.array([2.0, -1.0]), np.array([0.5, 3.0])
    params = {"x": x.copy(), "y": y.copy()}  # x * y, whose gradients are y and x
    Method(lr=0.1).update(params, {"x": params["y"], "y": params["x"][:]})
    expected = {"x": x, "y": y}
    Method(lr=0.1).update(expected, {"x": y.copy(), "y": x.copy()})
    assert bits(params) == bits(expected)


@each
def test_nothing_to_update_is_a_step_like_any_other(Method):
    optimizer = Method()
    optimizer.update({}, {})
    assert (optimizer.step, optimizer.t) == (1, {})


# ---- dtypes --------------------------------------------------------------------------------------


@each
def test_float32_stays_float32_whatever_it_meets(Method):
    optimizer = Method(lr=lambda step: np.float64(0.1))
    params = random_params(np.random.default_rng(0), np.float32)
    exact = {key: p.astype(np.float64) for key, p in params.items()}
    reference = Method(lr=0.1)
    for seed in range(5):
        grads = random_params(np.random.default_rng(seed))
        optimizer.update(params, grads)
        reference.update(exact, grads)
    states = [s for name in optimizer.states for s in getattr(optimizer, name).values()]
    assert {a.dtype for a in [*params.values(), *states]} == {np.dtype(np.float32)}
    for key, p in params.items():
        np.testing.assert_allclose(p, exact[key], rtol=1e-4, atol=1e-5)


@each
def test_float32_arithmetic_makes_no_float64_array(Method):
    dtypes = []

    class Recorded(np.ndarray):
        def __array_finalize__(self, source):
            dtypes.append(self.dtype)

    W, g = np.ones(3, np.float32).view(Recorded), np.ones(3, np.float32).view(Recorded)
    optimizer = Method()
    states = [np.zeros(3, np.float32).view(Recorded) for _ in optimizer.states]
    optimizer.rule(W, g, 0.1, 1, *states)
    assert set(dtypes) == {np.dtype(np.float32)}


@each
def test_float16_is_worked_in_float32_and_survives_a_zero_gradient(Method):
    params = {"W": np.ones(2, np.float16)}
    W = params["W"]
    optimizer = Method(lr=0.25)
    optimizer.update(params, {"W": np.array([0.0, 1.0])})
    assert params["W"] is W
    assert W.dtype == np.float16
    assert np.isfinite(W).all()
    assert W[1] < 1
    assert {getattr(optimizer, name)["W"].dtype for name in optimizer.states} <= {
        np.dtype(np.float32)
    }


@pytest.mark.parametrize("number", [1, 1.0, np.float64(1), np.float32(1), np.float16(1)])
def test_a_number_becomes_a_number_of_its_kind(number):
    params = {"x": number}
    SGD(lr=0.5).update(params, {"x": 1})
    assert params["x"] == 0.5
    assert type(params["x"]) is (float if type(number) is int else type(number))


def test_integer_gradients_and_foreign_byte_order_are_numbers_too():
    W = np.ones(2, ">f8")
    SGD(lr=0.5).update({"W": W}, {"W": np.array([1, 2])})
    assert W.tolist() == [0.5, 0.0]


@each
def test_states_follow_a_network_to_another_dtype(Method):
    optimizer = Method(lr=0.1)
    optimizer.update({"W": np.ones(2)}, {"W": np.ones(2)})
    W = np.ones(2, np.float32)
    optimizer.update({"W": W}, {"W": np.ones(2, np.float32)})
    assert W.dtype == np.float32
    assert {getattr(optimizer, name)["W"].dtype for name in optimizer.states} <= {W.dtype}


# ---- keys ----------------------------------------------------------------------------------------


@each
def test_a_parameter_that_comes_later_starts_as_if_it_were_first(Method):
    optimizer, gs = Method(lr=0.1), [0.3, -2.0, 0.7]
    path(optimizer, 5.0, [1.0, 1.0, 1.0])
    params, late = {"w": 5.0, "late": 1.0}, []
    for g in gs:
        optimizer.update(params, {"w": 1.0, "late": g})
        late.append(params["late"])
    assert late == path(Method(lr=0.1), 1.0, gs)


@each
def test_a_parameter_that_is_left_out_keeps_its_state(Method):
    optimizer, expected = Method(lr=0.1), path(Method(lr=0.1), 1.0, [0.3, -2.0])
    first = path(optimizer, 1.0, [0.3])
    optimizer.update({"other": np.ones(3)}, {"other": np.ones(3)})
    assert [*first, *path(optimizer, first[-1], [-2.0])] == expected


# ---- the rate ------------------------------------------------------------------------------------


@each
def test_a_schedule_is_asked_for_every_step_from_0(Method):
    asked = []
    optimizer = Method(lr=lambda step: asked.append(step) or 0.1)
    path(optimizer, 1.0, [1.0, 2.0, 3.0])
    assert asked == [0, 1, 2]


@given(slopes)
def test_a_schedule_gives_each_step_its_rate(gs):
    schedule = StepDecay(0.8, every=2, factor=0.5)
    expected = [1 - sum(schedule(s) * gs[s] for s in range(t + 1)) for t in range(len(gs))]
    assert path(SGD(lr=schedule), 1.0, gs) == near(expected)


@each
def test_a_rate_of_zero_leaves_parameters_where_they_are(Method):
    assert path(Method(lr=0), 1.0, [1.0, -2.0]) == [1.0, 1.0]


def test_the_rate_of_the_next_update_can_be_read_and_set():
    optimizer = SGD(lr=StepDecay(0.8, every=1, factor=0.5))
    path(optimizer, 1.0, [1.0])
    assert optimizer.rate == 0.4
    optimizer.lr = 0.25
    assert optimizer.rate == 0.25


@pytest.mark.parametrize(
    ("Method", "name", "bad"),
    [
        *[(Method, "lr", bad) for Method in EACH for bad in (-0.1, math.nan, math.inf)],
        *[(Method, "momentum", bad) for Method in (Momentum, Nesterov) for bad in (-0.1, 1, 1.5)],
        *[(Method, "eps", bad) for Method in EACH[3:] for bad in (0, -1e-8, math.inf)],
        *[(Method, name, 1) for Method in (Adam, AdamW) for name in ("beta1", "beta2")],
        (RMSprop, "decay_rate", 1),
        (AdamW, "weight_decay", -1e-3),
    ],
)
def test_a_setting_outside_its_interval_is_refused_by_name(Method, name, bad):
    with pytest.raises(ValueError, match=rf"{name} must be in [\[(]"):
        Method(**{name: bad})


@pytest.mark.parametrize("bad", ["0.1", None, True, [0.1], 1j])
def test_a_setting_that_is_no_number_is_refused_by_name(bad):
    with pytest.raises(TypeError, match=r"lr must be a number in \[0, inf\), not "):
        SGD(lr=bad)


# ---- bad input -----------------------------------------------------------------------------------

GOOD = {"W": np.zeros((2, 3)), "b": np.zeros(3)}
GRADS = {"W": np.ones((2, 3)), "b": np.ones(3)}
READ_ONLY = np.zeros(3)
READ_ONLY.flags.writeable = False

BAD = {
    "a missing gradient": (GOOD, {"W": GRADS["W"]}, KeyError, r"lacks \['b'\]"),
    "an unexpected gradient": (GOOD, {**GRADS, "c": 0.0}, KeyError, r"unexpected \['c'\]"),
    "another shape": (
        GOOD,
        {**GRADS, "b": np.ones((2, 3))},
        ValueError,
        r"'b' has shape \(3,\) but its gradient \(2, 3\): sum over",
    ),
    "two other shapes": (
        GOOD,
        {"W": GRADS["b"], "b": GRADS["W"]},
        ValueError,
        r"'W' has shape \(2, 3\) but its gradient \(3,\).*; parameter 'b' has shape",
    ),
    "a number for an array": (GOOD, {**GRADS, "b": 1.0}, ValueError, r"\(3,\) but .* \(\)"),
    "no gradient": (GOOD, {**GRADS, "b": None}, TypeError, r"gradient of 'b' is a NoneType"),
    "a list of numbers": (GOOD, {**GRADS, "b": [1.0] * 3}, TypeError, r"'b' is a list"),
    "a mask": (GOOD, {**GRADS, "b": np.ones(3, bool)}, TypeError, r"'b' holds bool"),
    "a complex gradient": (GOOD, {**GRADS, "b": np.ones(3, complex)}, TypeError, "complex128"),
    "whole numbers": (
        {**GOOD, "b": np.zeros(3, int)},
        GRADS,
        TypeError,
        r"'b' holds int64.*\.astype\(float\)",
    ),
    "complex numbers": ({**GOOD, "b": np.zeros(3, complex)}, GRADS, TypeError, "complex128"),
    "a list": ({**GOOD, "b": [0.0] * 3}, GRADS, TypeError, r"'b' is a list.*net\.params"),
    "a truth": ({**GOOD, "b": True}, GRADS, TypeError, r"'b' is a bool"),
    "a read-only array": ({**GOOD, "b": READ_ONLY}, GRADS, ValueError, r"'b' is read-only.*copy"),
    "a name that is no string": ({**GOOD, 3: 0.0}, {**GRADS, 3: 1.0}, TypeError, "strings, not 3"),
    "a list of gradients": (GOOD, [*GRADS.values()], TypeError, r"grads .*list.*dict\(zip"),
    "a list of parameters": ([*GOOD.values()], GRADS, TypeError, r"params .* mapping .*list"),
    "read-only params": (MappingProxyType(GOOD), GRADS, TypeError, "read-only mappingproxy"),
}


@each
@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_updated_is_named_and_changes_nothing(Method, case):
    params, grads, error, message = BAD[case]
    optimizer = Method(lr=StepDecay(0.5, every=1))
    optimizer.update(copy.deepcopy(GOOD), GRADS)
    before, states = repr(params), bits(optimizer.state_dict())
    with pytest.raises(error, match=message):
        optimizer.update(params, grads)
    assert repr(params) == before
    assert bits(optimizer.state_dict()) == states


@pytest.mark.parametrize("Method", EACH[1:])
def test_a_parameter_of_another_shape_than_its_state_is_another_networks(Method):
    optimizer, params = Method(), {"b": np.zeros(3), "W": np.zeros(4)}
    optimizer.update(copy.deepcopy(GOOD), GRADS)
    states = bits(optimizer.state_dict())
    with pytest.raises(ValueError, match=r"'W' has shape \(4,\), but \w+\.[vhm] holds \(2, 3\)"):
        optimizer.update(params, {"b": np.ones(3), "W": np.ones(4)})
    assert not params["b"].any()
    assert bits(optimizer.state_dict()) == states


@each
@pytest.mark.parametrize("bad", [-1.0, math.nan, "0.1", None])
def test_a_schedule_that_returns_no_rate_is_named_and_changes_nothing(Method, bad):
    optimizer = Method(lr=lambda step: bad if step else 0.1)
    params = {"w": 1.0}
    optimizer.update(params, {"w": 1.0})
    before, states = dict(params), bits(optimizer.state_dict())
    with pytest.raises((ValueError, TypeError), match=r"lr\(1\) must be"):
        optimizer.update(params, {"w": 1.0})
    assert params == before
    assert bits(optimizer.state_dict()) == states


# ---- state ---------------------------------------------------------------------------------------


def through_npz(entries):
    file = io.BytesIO()
    np.savez(file, **entries)
    file.seek(0)
    return np.load(file, allow_pickle=False)


def resumed(optimizer):
    """Every way to take an optimizer up again."""
    for entries in (optimizer.state_dict(), through_npz(optimizer.state_dict())):
        again = type(optimizer)(lr=optimizer.lr)
        again.load_state_dict(entries)
        yield again
    yield pickle.loads(pickle.dumps(optimizer))
    yield copy.deepcopy(optimizer)


@each
def test_a_resumed_run_is_the_run_to_the_last_bit(Method):
    optimizer = Method(lr=StepDecay(0.1, every=2, factor=0.5))
    params = {f"encoder.0.{key}": p for key, p in random_params(np.random.default_rng(0)).items()}

    def go_on(optimizer, params):
        for _ in range(5):
            optimizer.update(params, {key: np.sin(3 * p) for key, p in params.items()})
        return bits(params), bits(optimizer.state_dict())

    go_on(optimizer, params)
    runs = [(again, copy.deepcopy(params)) for again in resumed(optimizer)]
    expected = go_on(optimizer, params)
    assert all(go_on(*run) == expected for run in runs)


@each
def test_a_state_dict_is_a_copy_both_ways(Method):
    optimizer, params = Method(), {"W": np.ones(2)}
    optimizer.update(params, {"W": np.ones(2)})
    entries = optimizer.state_dict()
    other = Method()
    other.load_state_dict(entries)
    before = bits(other.state_dict())
    for entry in entries.values():
        entry += 1
    assert bits(other.state_dict()) == before
    assert bits(optimizer.state_dict()) == before


def test_a_state_dict_names_each_state_of_each_parameter():
    optimizer = Adam()
    optimizer.update({"W": 1.0, "b.0": np.ones(2)}, {"W": 1.0, "b.0": np.ones(2)})
    assert list(optimizer.state_dict()) == ["step", "t.W", "t.b.0", "m.W", "m.b.0", "v.W", "v.b.0"]


def test_the_state_of_a_new_optimizer_forgets():
    optimizer = Adam()
    path(optimizer, 1.0, [1.0, 2.0])
    optimizer.load_state_dict(Adam().state_dict())
    assert path(optimizer, 1.0, [3.0]) == path(Adam(), 1.0, [3.0])


BAD_STATES = {
    "no step": ({"step": None}, KeyError, r"lacks \['step'\]"),
    "a missing state": ({"m.W": None}, KeyError, r"lacks \['m.W'\]"),
    "missing states": ({"m.W": None, "t.W": None}, KeyError, r"lacks \['t.W', 'm.W'\]"),
    "unexpected entries": ({"h.W": 1.0, "m": 1.0}, KeyError, r"unexpected \['h.W', 'm'\]"),
    "half a step": ({"step": 0.5}, ValueError, "step must be a whole number, not 0.5"),
    "a negative count": ({"t.W": -1}, ValueError, "t.W must be a whole number, not -1"),
    "a list of counts": ({"t.W": [1, 2]}, ValueError, "t.W must be a whole number"),
    "two shapes": ({"v.W": np.ones(3)}, ValueError, r"'W' differ in shape: m.W \(2,\), v.W \(3,\)"),
    "a state of whole numbers": ({"m.W": np.ones(2, int)}, TypeError, "m.W holds int64"),
    "a state of words": ({"m.W": np.array(["a", "b"])}, TypeError, "m.W holds <U1"),
}


@pytest.mark.parametrize("case", BAD_STATES)
def test_what_is_no_state_is_named_and_changes_nothing(case):
    changes, error, message = BAD_STATES[case]
    optimizer = Adam()
    optimizer.update({"W": np.ones(2)}, {"W": np.ones(2)})
    before = bits(optimizer.state_dict())
    entries = {"step": 7, "t.W": 7, "m.W": np.ones(2), "v.W": np.ones(2)} | changes
    with pytest.raises(error, match=message):
        optimizer.load_state_dict({key: e for key, e in entries.items() if e is not None})
    assert bits(optimizer.state_dict()) == before


def test_a_state_that_is_no_mapping_is_refused():
    with pytest.raises(TypeError, match=r"the state must be a mapping .*list"):
        SGD().load_state_dict([1, 2])


def test_another_optimizers_state_is_refused():
    momentum = Momentum()
    path(momentum, 1.0, [1.0])
    with pytest.raises(KeyError, match=r"lacks \['h.w'\] and has the unexpected \['v.w'\]"):
        AdaGrad().load_state_dict(momentum.state_dict())


# ---- an optimizer of one's own -------------------------------------------------------------------


def test_an_optimizer_is_its_states_and_its_rule():
    class Averaged(Optimizer):
        states = ("mean",)

        def rule(self, W, g, lr, t, mean):
            mean += (g - mean) / t
            W -= lr * mean

    optimizer = Averaged(lr=1.0)
    assert path(optimizer, 0.0, [2.0, 4.0]) == [-2.0, -5.0]
    assert optimizer.mean["w"] == 3.0
    assert list(optimizer.state_dict()) == ["step", "t.w", "mean.w"]


def test_an_optimizer_without_a_rule_says_so():
    with pytest.raises(NotImplementedError, match="Optimizer has no rule"):
        Optimizer().update({"w": 1.0}, {"w": 1.0})


# ---- clipping ------------------------------------------------------------------------------------

gradients = st.dictionaries(
    st.text(max_size=3),
    hnp.arrays(
        st.sampled_from([np.float32, np.float64]), shapes, elements=st.floats(-8, 8, width=32)
    ),
    max_size=4,
)


def length(grads):
    return math.hypot(*(float(x) for g in grads.values() for x in np.ravel(g)))


@given(gradients, st.floats(1e-3, 1e3))
def test_clipping_keeps_the_direction_and_bounds_the_length(grads, max_norm):
    before = bits(grads)
    clipped = clip_by_global_norm(grads, max_norm)
    factor = min(1.0, max_norm / length(grads)) if length(grads) else 1.0
    assert list(clipped) == list(grads)
    for key, g in grads.items():
        np.testing.assert_allclose(clipped[key], g * factor, rtol=1e-5)
        assert (clipped[key].dtype, clipped[key].shape) == (g.dtype, g.shape)
        assert not np.shares_memory(clipped[key], g)
    assert length(clipped) <= max_norm * (1 + 1e-5)
    assert bits(grads) == before


@given(gradients)
def test_gradients_that_are_short_enough_are_not_changed(grads):
    assert bits(clip_by_global_norm(grads, 1e6)) == bits(grads)
    assert bits(clip_by_global_norm(grads, math.inf)) == bits(grads)


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1.0, 1e160, 1e307])
def test_the_norm_neither_overflows_nor_vanishes(size):
    grads = {"W": np.array([3.0, 0.0]) * size, "b": np.array(4.0) * size}
    clipped = clip_by_global_norm(grads, 0.5 * size)
    assert clipped["W"] == near([0.3 * size, 0.0]) or size < 1
    np.testing.assert_allclose(clipped["W"], [0.3 * size, 0.0], rtol=1e-14)
    np.testing.assert_allclose(clipped["b"], 0.4 * size, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_narrow_gradients_are_clipped_without_overflow(dtype):
    grads = {"W": np.full(100, np.finfo(dtype).max)}
    clipped = clip_by_global_norm(grads, 1.0)["W"]
    assert clipped.dtype == dtype
    np.testing.assert_allclose(clipped, np.full(100, 0.1), rtol=1e-3)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_where_one_gradient_is_not_finite_none_has_a_direction(bad):
    clipped = clip_by_global_norm({"W": np.array([1.0, bad]), "b": np.ones(2)}, 1.0)
    assert np.isnan([*clipped["W"], *clipped["b"]]).all()


def test_gradients_that_are_numbers_are_clipped_to_numbers():
    clipped = clip_by_global_norm({"x": 3, "y": -4.0, "z": np.float32(0)}, 1.0)
    assert clipped == {"x": near(0.6), "y": near(-0.8), "z": 0.0}
    assert [type(g) for g in clipped.values()] == [float, float, np.float32]


def test_clipping_refuses_what_has_no_length():
    with pytest.raises(ValueError, match=r"max_norm must be in \(0, inf\], not 0"):
        clip_by_global_norm({}, 0)
    with pytest.raises(TypeError, match="gradient of 'W' is a NoneType"):
        clip_by_global_norm({"W": None}, 1.0)
    with pytest.raises(TypeError, match=r"grads must be a mapping .* list"):
        clip_by_global_norm([np.ones(2)], 1.0)


# ---- the point of it -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "optimizer",
    [SGD(0.95), Momentum(0.1), Nesterov(0.1), AdaGrad(1.5), RMSprop(0.5), Adam(0.3), AdamW(0.3)],
    ids=repr,
)
def test_each_comes_down_the_books_valley(optimizer):
    params = {"x": -7.0, "y": 2.0}
    for _ in range(30):
        optimizer.update(params, {"x": params["x"] / 10, "y": 2 * params["y"]})
    assert params["x"] ** 2 / 20 + params["y"] ** 2 < 0.25  # from 6.45
