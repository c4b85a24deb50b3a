"""The seven transforms: values, structures, nests, refusals and costs.

Oracles are closed forms, complex steps and finite differences (`oracle.py`).
"""

import threading
from collections import Counter, OrderedDict, namedtuple
from concurrent.futures import ThreadPoolExecutor

import hypothesis.extra.numpy as hnp
import numpy as np
import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import polynomial

import minigrad as mg
from minigrad import backward, graph, lifting

X = np.array([0.3, -0.7, 1.1])
Point = namedtuple("Point", "x y")
numbers = st.floats(-2, 2)
vectors = hnp.arrays(float, 3, elements=numbers)


def bowl(x):
    """A scalar of a vector, smooth, with every second derivative."""
    return np.sum(np.sin(x) * x[::-1]) + np.prod(x) * np.exp(x[0])


def curve(x):
    """A vector of five of a vector of three."""
    return np.stack([x[0] * x[1], np.sin(x[2]), np.exp(x[0] - x[2]), x[1] ** 3, x[0] / (x[1] + 9)])


def exact_slope(f, x):
    """The gradient by the complex step."""
    return np.array([oracle.complex_along(f, [x], [unit]) for unit in np.eye(len(x))])


def near(a, b, rtol=1e-9):
    np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-9)


def arrays_alone(tree):
    """No Tensor in it, and no Python number."""
    if isinstance(tree, dict):
        return all(map(arrays_alone, tree.values()))
    if isinstance(tree, (list, tuple)):
        return all(map(arrays_alone, tree))
    return type(tree) is np.ndarray


# ---- what each one computes ----------------------------------------------------------------------
@given(vectors)
def test_grad_is_the_complex_step(x):
    near(mg.grad(bowl)(x), exact_slope(bowl, x))


@given(vectors)
def test_value_and_grad_are_the_value_and_the_gradient(x):
    value, slope = mg.value_and_grad(bowl)(x)
    near(value, bowl(x))
    np.testing.assert_array_equal(slope, mg.grad(bowl)(x))


@given(vectors, hnp.arrays(float, 5, elements=numbers))
def test_a_pullback_is_the_cotangent_times_the_jacobian(x, g):
    y, pullback = mg.vjp(curve, x)
    near(y, curve(x))
    near(pullback(g), g @ exact_slope(curve, x).T)


@given(vectors, vectors)
def test_jvp_is_the_derivative_along_a_line(x, v):
    y, dy = mg.jvp(curve, x, v)
    near(y, curve(x))
    near(dy, oracle.complex_along(curve, [x], [v]))


@given(vectors)
def test_jacobian_is_the_complex_step(x):
    near(mg.jacobian(curve)(x), exact_slope(curve, x).T)


@given(vectors)
def test_hessian_is_symmetric_and_the_jacobian_of_the_gradient(x):
    h = mg.hessian(bowl)(x)
    near(h, h.T)
    np.testing.assert_array_equal(h, mg.jacobian(mg.grad(bowl))(x))
    near(h, exact_slope(gradient_of_bowl, x))


def gradient_of_bowl(x):
    """The gradient of `bowl` by hand, also of complex numbers."""
    others = np.array([x[1] * x[2], x[0] * x[2], x[0] * x[1]]) * np.exp(x[0])
    first = np.array([np.prod(x) * np.exp(x[0]), 0, 0])
    return np.cos(x) * x[::-1] + np.sin(x)[::-1] + others + first


@given(vectors, vectors)
def test_hvp_is_the_hessian_times_the_vector(x, v):
    near(mg.hvp(bowl)(x, v), mg.hessian(bowl)(x) @ v)


# ---- Jacobians: rows, columns, shapes ------------------------------------------------------------
@given(st.integers(0, 7), st.integers(0, 7), st.sampled_from("fd"), st.sampled_from("fd"))
def test_rows_and_columns_make_the_same_jacobian(m, n, dtype, other):
    rng = np.random.default_rng(m * 8 + n)
    W, x = rng.normal(size=(m, n)).astype(other), rng.normal(size=n).astype(dtype)
    jacobian = mg.jacobian(lambda x: np.tanh(W @ x))(x)
    assert (jacobian.shape, jacobian.dtype) == ((m, n), x.dtype)
    near(jacobian, (1 - np.tanh(W @ x) ** 2)[:, None] * W, rtol=1e-4 if "f" in dtype + other else 0)


@given(hnp.array_shapes(max_dims=2, max_side=3), hnp.array_shapes(max_dims=2, max_side=3))
def test_a_jacobian_has_the_axes_of_the_output_and_then_of_the_input(out, given):
    x = np.arange(1.0, 1 + np.prod(given)).reshape(given)
    jacobian = mg.jacobian(lambda x: np.broadcast_to(np.sum(x**2), out))(x)
    np.testing.assert_array_equal(jacobian, np.broadcast_to(2 * x, (*out, *given)))


def test_a_jacobian_by_several_arguments_of_several_outputs_is_a_tree_of_trees():
    f = mg.jacobian(lambda p, k: {"y": p["a"] * k, "z": [np.sum(p["a"])]}, argnums=(0, 1))
    (by_p, by_k), ((z_by_p, z_by_k),) = f({"a": X}, 2.0).values()
    np.testing.assert_array_equal(by_p["a"], 2 * np.eye(3))
    np.testing.assert_array_equal(by_k, X)
    np.testing.assert_array_equal(z_by_p["a"], np.ones(3))
    assert z_by_k == 0


def test_a_hessian_by_a_dict_is_a_dict_of_dicts_and_symmetric():
    p = {"a": X[:2], "b": X[2:]}
    h = mg.hessian(lambda p: bowl(np.concatenate([p["a"], p["b"]])))(p)
    blocks = np.block([[h["a"]["a"], h["a"]["b"]], [h["b"]["a"], h["b"]["b"]]])
    near(blocks, mg.hessian(bowl)(X))


def test_a_hessian_by_two_arguments_is_a_tuple_of_tuples():
    (aa, ab), (ba, bb) = mg.hessian(lambda a, b: a**2 * b**3, argnums=(0, -1))(3.0, 2.0)
    assert (aa, ab, ba, bb) == (2 * 8, 6 * 12, 6 * 12, 9 * 12)


# ---- arguments -----------------------------------------------------------------------------------
def test_argnums_count_from_either_end():
    def f(a, b, c):
        return a * 100 + b * 10 + c * a

    at = (2.0, 3.0, 5.0)
    assert mg.grad(f)(*at) == 105
    assert mg.grad(f, 1)(*at) == 10
    assert mg.grad(f, -1)(*at) == 2
    assert mg.grad(f, (2, 0))(*at) == (2, 105)
    assert mg.grad(f, [-3, 1])(*at) == (105, 10)
    assert mg.grad(f, (1,))(*at) == (10,)
    assert mg.grad(f, ())(*at) == ()


def test_hvp_takes_argnums():
    def f(a, b):
        return a**2 * b**3

    assert mg.hvp(f, 1)(3.0, 2.0, 1.0) == 9 * 12
    assert mg.hvp(f, -2)(3.0, 2.0, 1.0) == 16
    assert mg.hvp(f, (0, 1))(3.0, 2.0, (1.0, 10.0)) == (16 + 720, 72 + 1080)


def test_other_arguments_and_keywords_are_handed_through():
    def f(x, labels, *, scale=1.0, name="?"):
        assert name == "kept"
        assert labels.dtype == int
        return scale * np.sum(x[labels])

    options = {"scale": 3.0, "name": "kept"}
    labels = np.array([0, 0, 2])
    np.testing.assert_array_equal(mg.grad(f)(X, labels, **options), [6, 0, 3])
    np.testing.assert_array_equal(mg.jacobian(f)(X, labels, **options), [6, 0, 3])
    np.testing.assert_array_equal(mg.hvp(f)(X, labels, X, **options), np.zeros(3))


def test_what_stands_beside_the_scalar_is_handed_through():
    def f(x):
        return np.sum(x**2), {"twice": 2 * x, "word": "word", "none": None}

    slope, aux = mg.grad(f, has_aux=True)(X)
    np.testing.assert_array_equal(slope, 2 * X)
    assert type(aux["twice"]) is np.ndarray
    np.testing.assert_array_equal(aux["twice"], 2 * X)
    assert (aux["word"], aux["none"]) == ("word", None)
    (value, _), again = mg.value_and_grad(f, has_aux=True)(X)
    assert value == np.sum(X**2)
    np.testing.assert_array_equal(again, slope)
    y, pullback, other = mg.vjp(f, X, has_aux=True)
    assert (y, other["word"]) == (value, "word")
    np.testing.assert_array_equal(pullback(1.0), slope)


SEVEN = {  # (with has_aux, without) at X along V
    "grad": (lambda f, **aux: mg.grad(f, **aux)(X)),
    "vjp": (lambda f, **aux: mg.vjp(f, X, **aux)),
    "jvp": (lambda f, **aux: mg.jvp(f, X, V, **aux)),
    "jacobian": (lambda f, **aux: mg.jacobian(f, **aux)(X)),
    "hessian": (lambda f, **aux: mg.hessian(f, **aux)(X)),
    "hvp": (lambda f, **aux: mg.hvp(f, **aux)(X, V)),
}
V = np.array([1.0, -2.0, 0.5])


@pytest.mark.parametrize("name", SEVEN)
def test_all_transforms_hand_through_what_stands_beside(name):
    *found, aux = SEVEN[name](lambda x: (np.sum(x**3), {"word": "word", "x": x * 2}), has_aux=True)
    expected = SEVEN[name](lambda x: np.sum(x**3))
    for a, b in zip(found, expected if isinstance(expected, tuple) else [expected], strict=True):
        if not callable(a):
            np.testing.assert_array_equal(a, b)
    assert aux["word"] == "word"
    assert type(aux["x"]) is np.ndarray
    assert np.array_equal(aux["x"], 2 * X)


@pytest.mark.parametrize("name", SEVEN)
def test_an_outer_transform_sees_through_what_stands_beside(name):
    def beside(z):
        return np.sum(SEVEN[name](lambda x: (np.sum(x**3), z * z * x), has_aux=True)[-1])

    assert mg.grad(beside)(2.0) == pytest.approx(4 * np.sum(X))


@pytest.mark.parametrize("x", [2, 2.0, np.float64(2), np.array(2.0), True])
def test_numbers_and_arrays_without_axes_are_the_same(x):
    assert arrays_alone(mg.grad(lambda x: x**3)(x))
    assert mg.grad(lambda x: x**3)(x) == 3 * x**2
    assert mg.hessian(lambda x: x**3)(x) == 6 * x
    assert mg.jvp(lambda x: x**3, x, 1) == (x**3, 3 * x**2)


def test_one_number_in_an_array_with_axes_is_a_scalar():
    np.testing.assert_array_equal(mg.grad(lambda x: x.sum(keepdims=True))(X), np.ones(3))


# ---- trees ---------------------------------------------------------------------------------------
leaves = hnp.arrays(float, hnp.array_shapes(min_dims=0, max_dims=2, max_side=2), elements=numbers)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=2).map(tuple),
        st.dictionaries(st.text(max_size=2), inner, max_size=3),
        st.builds(Point, inner, inner),
    ),
    max_leaves=6,
)


def by_hand(function, tree):
    """Apply a function to every array of a tree: what `minigrad.trees` does, said again."""
    if isinstance(tree, Point):
        return Point(by_hand(function, tree.x), by_hand(function, tree.y))
    if isinstance(tree, dict):
        return {key: by_hand(function, part) for key, part in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(by_hand(function, part) for part in tree)
    y = function(tree)
    return y if isinstance(y, mg.Tensor) else np.asarray(y)


def listed(tree):
    found = []
    by_hand(found.append, tree)
    return found


def sum_of_sines(tree):
    return sum([np.sum(np.sin(x) * (i + 1)) for i, x in enumerate(listed(tree))], 0.0)


def assert_same_tree(a, b):
    assert type(a) is type(b)
    if isinstance(b, dict):
        assert list(a) == list(b)
        a, b = list(a.values()), list(b.values())
    if isinstance(b, (list, tuple)):
        assert len(a) == len(b)
        for part, other in zip(a, b, strict=True):
            assert_same_tree(part, other)
    else:
        near(a, b)


@given(trees)
def test_gradients_have_the_structure_of_the_argument(tree):
    weights = iter(range(1, 100))
    assert_same_tree(
        mg.grad(sum_of_sines)(tree), by_hand(lambda x: next(weights) * np.cos(x), tree)
    )


@given(trees)
def test_a_hessian_product_has_the_structure_of_the_argument(tree):
    weights = iter(range(1, 100))
    v = by_hand(np.ones_like, tree)
    assert_same_tree(
        mg.hvp(sum_of_sines)(tree, v), by_hand(lambda x: -next(weights) * np.sin(x), tree)
    )


@given(trees)
def test_pullbacks_take_and_tangents_give_the_structure_of_the_output(tree):
    def sines(tree):
        return by_hand(np.sin, tree)

    ones = by_hand(np.ones_like, tree)
    y, pullback = mg.vjp(sines, tree)
    assert_same_tree(y, by_hand(np.sin, tree))
    assert_same_tree(pullback(ones), by_hand(np.cos, tree))
    if type(tree) is not tuple:  # a tuple would be several arguments
        assert_same_tree(mg.jvp(sines, tree, ones)[1], by_hand(np.cos, tree))


def test_a_mapping_of_any_kind_comes_back_as_a_dict():
    net = mg.mlp([2, 1], rng=0)
    slopes = mg.grad(lambda p: np.sum(p["W1"] ** 2) + np.sum(p["b1"]))(net.params)
    np.testing.assert_array_equal(slopes["W1"], 2 * net.params["W1"])
    np.testing.assert_array_equal(slopes["b1"], [1])
    assert mg.grad(lambda p: p["b"])(OrderedDict(b=1.0, a=2.0)) == {"b": 1, "a": 0}


def test_vectors_find_their_place_by_the_key():
    f = mg.jvp(lambda p: p["a"] * 10 + p["b"], {"a": 1.0, "b": 2.0}, {"b": 1.0, "a": 0.0})
    assert f == (12, 1)


# ---- nests ---------------------------------------------------------------------------------------
ONE = np.array(1.0)
MODES = {  # ways to differentiate a function of one number
    "grad": lambda f, x: mg.grad(f)(x),
    "value_and_grad": lambda f, x: mg.value_and_grad(f)(x)[1],
    "vjp": lambda f, x: mg.vjp(f, x)[1](ONE),
    "jvp": lambda f, x: mg.jvp(f, x, ONE)[1],
    "jacobian": lambda f, x: mg.jacobian(f)(x),
    "columns": lambda f, x: mg.jacobian(lambda x: np.stack([f(x)] * 3))(x)[1, ...],
    "tree": lambda f, x: mg.grad(lambda p: f(p["x"][0]))({"x": [x]})["x"][0],
    "argnums": lambda f, x: mg.grad(lambda a, b: f(b), argnums=-1)(0.0, x),
    "keyword": lambda f, x: mg.grad(lambda a, *, b: f(a * b))(ONE, b=x) / x,
    "closure": lambda f, x: mg.grad(lambda u: f(x + u))(0.0),
    "aux": lambda f, x: mg.grad(lambda a: (f(a), a), has_aux=True)(x)[0],
}
SECOND = {
    "hessian": lambda f, x: mg.hessian(f)(x),
    "hvp": lambda f, x: mg.hvp(f)(x, ONE),
    "hvp in the vector": lambda f, x: mg.grad(lambda v: mg.hvp(f)(x, v))(2.0),
}
each_mode = pytest.mark.parametrize("mode", MODES.values(), ids=list(MODES))


def horner(coefficients, x):
    total = 0.0
    for c in reversed(coefficients):
        total = total * x + c
    return total


@given(
    st.lists(st.sampled_from(list(MODES)), min_size=1, max_size=4),
    st.lists(st.integers(-3, 3), min_size=1, max_size=6),
    st.floats(0.5, 2),
)
def test_any_nest_of_transforms_differentiates_a_polynomial(nest, coefficients, x):
    def f(x):
        return horner(coefficients, x)

    for mode in nest:
        f = derivative(MODES[mode], f)
    expected = polynomial.polyval(x, polynomial.polyder([*coefficients, 0], len(nest)))
    assert not isinstance(f(x), mg.Tensor)
    near(f(x), expected)


def derivative(mode, f):
    return lambda x: mode(f, x)


@pytest.mark.parametrize("second", SECOND.values(), ids=list(SECOND))
@each_mode
def test_second_order_transforms_stand_inside_and_outside_of_others(mode, second):
    near(mode(lambda x: second(lambda x: x**5, x), 2.0), 60 * 4)
    near(second(lambda x: mode(lambda x: x**5, x), 2.0), 60 * 4)


@pytest.mark.parametrize("inner", MODES.values(), ids=list(MODES))
@pytest.mark.parametrize("outer", MODES.values(), ids=list(MODES))
def test_the_perturbations_of_two_transforms_are_not_confused(inner, outer):
    """Source: Siskind and Pearlmutter, Perturbation Confusion (2005); Manzyuk et al. (2019)."""
    assert outer(lambda x: x * inner(lambda y: x + y, 1.0), 1.0) == 1
    near(outer(lambda x: x * inner(lambda y: x * y, 2.0), 3.0), 6)
    near(outer(lambda x: inner(lambda y: x * y * y, 3.0), 2.0), 6)
    near(outer(lambda x: inner(lambda y: x**2 * y**3, x), 2.0), 12 * 2**3)
    near(outer(lambda x: inner(lambda y: inner(lambda z: x * y * z**2, x), x), 2.0), 8)
    near(outer(lambda x: inner(lambda y: y * inner(lambda z: x * z**2, 1.0), 2.0), 3.0), 2)
    near(outer(lambda x: inner(lambda y: x * inner(lambda z: y * z**2, 1.0), 2.0), 3.0), 2)


@each_mode
def test_a_derivative_of_a_shift_taken_twice_is_the_second_derivative(mode):
    """Source: Manzyuk et al., Perturbation confusion in forward AD of higher-order functions."""

    def shifted(f):
        return lambda y: mode(lambda u: f(u / 2 + y), 2.0) * 2

    near(shifted(shifted(np.exp))(1.0), np.exp(3.0))


def test_a_transform_of_what_the_outer_one_does_not_touch_returns_arrays():
    seen = []

    def f(x):
        seen.append(mg.grad(lambda y: y * y)(3.0))
        return x * seen[0]

    assert mg.grad(f)(2.0) == 6
    assert arrays_alone(seen)


@given(vectors, vectors, vectors)
def test_mixed_second_derivatives_are_the_same_in_every_order(x, v, w):
    expected = w @ mg.hessian(bowl)(x) @ v
    near(mg.grad(lambda x: mg.jvp(bowl, x, v)[1])(x) @ w, expected)
    near(mg.jvp(mg.grad(bowl), x, v)[1] @ w, expected)
    near(mg.jvp(lambda x: mg.jvp(bowl, x, v)[1], x, w)[1], expected)
    near(mg.vjp(lambda x: mg.jvp(bowl, x, v)[1], x)[1](1.0) @ w, expected)
    near(mg.vjp(mg.grad(bowl), x)[1](w) @ v, expected)
    near(mg.grad(lambda t: mg.jvp(bowl, x + t * w, v)[1])(0.0), expected)
    near(mg.jvp(lambda t: mg.grad(bowl)(x + t * w) @ v, 0.0, 1.0)[1], expected)
    near(mg.vjp(mg.jacobian(bowl), x)[1](w) @ v, expected)


def test_pullbacks_and_tangents_are_differentiated_by_their_vectors():
    _, pullback = mg.vjp(curve, X)
    jacobian = mg.jacobian(curve)(X)
    near(mg.jacobian(pullback)(np.ones(5)), jacobian.T)
    near(mg.jacobian(lambda v: mg.jvp(curve, X, v)[1])(np.ones(3)), jacobian)
    near(mg.jacobian(lambda v: mg.hvp(bowl)(X, v))(X), mg.hessian(bowl)(X))


@given(st.integers(1, 4))
def test_a_newton_step_inside_is_differentiated_outside(steps):
    """√a by Newton's method, with the derivative inside by grad: d√a/da = 1 / 2√a."""

    def root(a):
        x = a
        for _ in range(steps + 4):
            x = x - (x * x - a) / mg.grad(lambda x: x * x - a)(x)
        return x

    near(mg.grad(root)(2.0), 0.5 / np.sqrt(2))
    near(mg.hessian(root)(2.0), -0.25 * 2**-1.5)


# ---- with Tensors --------------------------------------------------------------------------------
def test_an_argument_that_is_a_tensor_makes_results_tensors():
    x = mg.Tensor(X)
    results = [
        mg.grad(bowl)(x),
        *mg.value_and_grad(bowl)(x),
        mg.vjp(curve, x)[0],
        mg.vjp(curve, x)[1](np.ones(5)),
        *mg.jvp(curve, x, X),
        mg.jacobian(curve)(x),
        mg.hessian(bowl)(x),
        mg.hvp(bowl)(x, X),
        mg.jvp(curve, X, x)[1],
        mg.vjp(curve, X)[1](mg.Tensor(np.ones(5))),
        mg.hvp(bowl)(X, x),
        mg.grad(lambda y, w: np.sum(y * w))(X, x),
        mg.grad(lambda y, w: np.sum(y * w))(X, w=x),
    ]
    assert all(type(result) is mg.Tensor for result in results)


def test_backward_and_gradients_go_on_where_a_transform_ends():
    x = mg.Tensor(X)
    slope = mg.grad(bowl)(x)
    hessian = mg.hessian(bowl)(X)
    near(mg.gradients(slope, x, np.ones(3)), hessian.sum(axis=0))
    np.sum(slope).backward()
    near(x.grad, hessian.sum(axis=0))
    dy = mg.jvp(bowl, x, mg.Tensor(X))[1]
    near(mg.gradients(dy, x), hessian @ X)


def test_transforms_go_on_where_gradients_end():
    def by_gradients(x):
        return mg.gradients(bowl(x), x, create_graph=True)

    near(mg.jacobian(by_gradients)(X), mg.hessian(bowl)(X))
    near(mg.jvp(by_gradients, X, X)[1], mg.hessian(bowl)(X) @ X)


def test_backward_inside_a_function_reaches_leaves_and_leaves_the_transform_alone():
    w = mg.Tensor(3.0)

    def f(x):
        y = w * x * x
        y.backward()
        return y

    assert mg.grad(f)(2.0) == 12
    assert w.grad == 4


def test_no_transform_writes_into_grad():
    x, w = mg.Tensor(X), mg.Tensor(2.0)
    mg.hessian(lambda x: bowl(x) * w)(x)
    mg.jvp(lambda x: bowl(x) * w, x, X)
    assert x.grad is None
    assert w.grad is None


def test_tensors_of_a_closure_do_not_count():
    w = mg.Tensor(3.0)
    slope = mg.grad(lambda x: w * x * x)(2.0)
    assert arrays_alone(slope)
    assert slope == 12


def test_the_argument_is_not_the_tensor_of_the_closure():
    x = mg.Tensor(3.0)
    assert mg.grad(lambda y: x * y)(x).item() == 3
    assert mg.gradients(mg.grad(lambda y: x * y * y)(x), x) == 4 * 3


def test_parameters_of_layers_do_not_count_unless_they_are_arguments():
    layer = mg.Affine(3, 2, rng=0)
    W, x = layer.params["W"], X[None]
    slope = mg.grad(lambda x: np.sum(np.tanh(layer(x))))(x)
    assert arrays_alone(slope)
    near(slope, (1 - np.tanh(x @ W) ** 2) @ W.T)
    assert arrays_alone(mg.jacobian(layer)(x))
    assert arrays_alone(mg.jvp(layer, x, x))
    slope = mg.grad(lambda W: np.sum(np.tanh(x @ W)))(layer.tensors()["W"])
    assert type(slope) is mg.Tensor


# ---- dtypes, constants, hard points --------------------------------------------------------------
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
def test_the_dtype_of_the_argument_stays(dtype):
    x = X.astype(dtype)
    results = [
        mg.grad(bowl)(x),
        *mg.value_and_grad(bowl)(x),
        mg.vjp(curve, x)[1](np.ones(5)),
        *mg.jvp(curve, x, X),
        mg.jacobian(curve)(x),
        mg.jacobian(lambda x: curve(x)[:, None] * np.ones(9))(x),
        mg.hessian(bowl)(x),
        mg.hvp(bowl)(x, np.ones(3, int)),
        mg.grad(lambda p: p["a"] * 2.0)({"a": dtype(3)})["a"],
        mg.grad(lambda x: 1.0)(x),
        mg.jacobian(lambda x: np.ones(2))(x),
    ]
    assert {result.dtype for result in results} == {np.dtype(dtype)}


def test_arguments_of_two_dtypes_get_gradients_of_two():
    slopes = mg.grad(lambda a, b: np.sum(a * b), argnums=(0, 1))(X, X.astype("f"))
    assert [slope.dtype for slope in slopes] == [np.float64, np.float32]


@pytest.mark.parametrize("output", [3, 3.0, np.float32(3), np.array([3]), mg.Tensor(3.0)])
def test_what_does_not_depend_on_the_argument_has_derivative_zero(output):
    def f(x):
        return output

    size = np.shape(output.data if isinstance(output, mg.Tensor) else output)
    value, slope = mg.value_and_grad(f)(X)
    assert arrays_alone(value)
    assert value == 3
    for zeros in (slope, mg.vjp(f, X)[1](np.ones(size)), mg.hvp(f)(X, X)):
        np.testing.assert_array_equal(zeros, np.zeros(3))
    assert mg.jvp(f, X, X) == (3, 0)
    np.testing.assert_array_equal(mg.jacobian(f)(X), np.zeros((*size, 3)))
    np.testing.assert_array_equal(mg.hessian(f)(X), np.zeros((3, 3)))
    assert mg.grad(lambda x: mg.grad(f)(x) @ x)(X).shape == (3,)


def test_a_linear_function_has_hessian_zero():
    np.testing.assert_array_equal(mg.hessian(lambda x: np.sum(x * X))(X), np.zeros((3, 3)))
    np.testing.assert_array_equal(mg.hvp(lambda x: np.sum(x * X))(X, X), np.zeros(3))


def test_constants_among_outputs_have_tangents_zero():
    def f(x):
        return {"y": x * 2, "n": 7, "c": np.ones(2, "f")}

    y, dy = mg.jvp(f, X, X)
    np.testing.assert_array_equal(dy["y"], 2 * X)
    assert (y["n"], dy["n"], dy["c"].dtype) == (7, 0, np.float32)
    slope = mg.vjp(f, X)[1]({"y": X, "n": 1.0, "c": [1.0, 2.0]})
    np.testing.assert_array_equal(slope, 2 * X)


@pytest.mark.parametrize("empty", [{}, [], (), {"a": []}])
def test_an_empty_argument_has_an_empty_gradient(empty):
    w = mg.Tensor(2.0)
    for f in (lambda p: 3.0, lambda p: w * w):
        assert mg.grad(f)(empty) == empty
        assert mg.hvp(f)(empty, empty) == empty
        assert mg.jacobian(f)(empty) == empty


def test_a_function_of_no_arguments_has_tangent_zero():
    w = mg.Tensor(2.0)
    assert mg.jvp(lambda: w * w, (), ()) == (4, 0)
    assert mg.vjp(lambda: w * w)[1](1.0) == ()


def test_arrays_without_entries_have_derivatives_without_entries():
    none = np.zeros((0, 2))
    assert mg.grad(np.sum)(none).shape == (0, 2)
    assert mg.jacobian(lambda x: x * 2)(none).shape == (0, 2, 0, 2)
    assert mg.jacobian(lambda x: x[:0])(X).shape == (0, 3)
    assert mg.jacobian(lambda x: np.sum(x) * X)(none).shape == (3, 0, 2)
    assert mg.jvp(lambda x: x * 2, none, none)[1].shape == (0, 2)


def test_the_identity_has_derivative_one():
    assert mg.grad(lambda x: x)(2.0) == 1
    assert mg.jvp(lambda x: x, 2.0, 3.0) == (2, 3)
    np.testing.assert_array_equal(mg.jacobian(lambda x: x)(X), np.eye(3))
    np.testing.assert_array_equal(mg.vjp(lambda x: (x, x), X)[1]((X, X)), 2 * X)


def test_values_too_large_for_the_sum_of_several_outputs_do_not_warn():
    big = np.array([1e300])
    slope = mg.vjp(lambda x: (x, x * 2), big)[1]((big, big))
    assert slope == 3e300
    assert mg.jvp(lambda a, b: a * b, (big, 1.0), (np.array([0.0]), 1.0))[1] == 1e300


# ---- what is refused -----------------------------------------------------------------------------
def labelled_loss(x):
    return np.sum(x)


DATA = {"x": [1.0, np.arange(3)]}
REFUSED = {
    "an integer array": (
        lambda: mg.grad(labelled_loss)(np.arange(3)),
        (TypeError, r"argument 0 of labelled_loss: an integer array .* say .astype\(float\)"),
    ),
    "an integer array in a tree": (
        lambda: mg.grad(labelled_loss, 1)(X, DATA),
        (TypeError, r"argument 1 of labelled_loss, at \['x'\]\[1\]: an integer array"),
    ),
    "a complex sum": (lambda: mg.grad(np.sum)(X * 1j), (TypeError, "a complex number")),
    "text": (lambda: mg.grad(np.sum)("text"), (TypeError, "argument 0 of sum: .* not <U4")),
    "None": (lambda: mg.grad(np.sum)({"x": None}), (TypeError, r"at \['x'\]: .*NoneType")),
    "integers for hvp": (
        lambda: mg.hvp(labelled_loss)(np.arange(3), X),
        (TypeError, "argument 0 of labelled_loss: an integer array"),
    ),
    "an argument that is not there": (
        lambda: mg.grad(labelled_loss, 1)(X),
        (ValueError, "argnums 1: labelled_loss was called with 1 positional arguments"),
    ),
    "an argument by keyword": (
        lambda: mg.grad(lambda x: x)(x=1.0),
        (ValueError, "argnums 0: the function was called with 0 .* only those"),
    ),
    "a name for a number": (lambda: mg.grad(np.sum, "x")(X), (ValueError, "argnums 'x'")),
    "an argument twice": (
        lambda: mg.grad(np.dot, (0, -2))(X, X),
        (ValueError, r"argnums \(0, -2\) name an argument twice"),
    ),
    "a vector for a scalar": (
        lambda: mg.grad(curve)(X),
        (ValueError, r"curve returned shape \(5,\): use jacobian, or vjp with a cotangent"),
    ),
    "no scalar at all": (
        lambda: mg.value_and_grad(lambda x: x[:0])(X),
        (ValueError, r"scalar functions, and the function returned shape \(0,\)"),
    ),
    "a vector for hessian": (lambda: mg.hessian(curve)(X), (ValueError, "curve returned shape")),
    "a pair without has_aux": (
        lambda: mg.grad(lambda x: (x, x))(1.0),
        (ValueError, "one scalar, and the function returned a tuple: has_aux=True"),
    ),
    "no pair with has_aux": (
        lambda: mg.grad(lambda x: x, has_aux=True)(1.0),
        (ValueError, "must return a pair"),
    ),
    "a forgotten return": (
        lambda: mg.grad(lambda x: None)(1.0),
        (TypeError, "the function returned None: is a return missing?"),
    ),
    "a forgotten return in a tree": (
        lambda: mg.jacobian(lambda x: {"y": [x, None]})(1.0),
        (TypeError, r"returned None at \['y'\]\[1\]"),
    ),
    "no number": (
        lambda: mg.vjp(lambda x: "word", 1.0),
        (TypeError, "the function returned str, and .* returns numbers"),
    ),
    "a complex constant": (lambda: mg.grad(lambda x: 1j)(1.0), (TypeError, "a complex number")),
    "a cotangent of another shape": (
        lambda: mg.vjp(curve, X)[1](X),
        (ValueError, r"the cotangent: shape \(3,\) does not fit \(5,\)"),
    ),
    "a cotangent for another tree": (
        lambda: mg.vjp(lambda x: {"y": x}, X)[1]({"z": X}),
        (ValueError, r"the cotangent has the keys \['z'\] where \['y'\] are needed"),
    ),
    "a complex cotangent": (
        lambda: mg.vjp(np.sin, X)[1](X * 1j),
        (TypeError, r"the cotangent: ndarray \(complex128\) is no real array"),
    ),
    "no cotangent": (lambda: mg.vjp(np.sin, X)[1](None), (TypeError, "the cotangent: NoneType")),
    "a tangent of another shape": (
        lambda: mg.jvp(curve, X, np.ones(5)),
        (ValueError, r"tangents: shape \(5,\) does not fit \(3,\)"),
    ),
    "too few tangents": (
        lambda: mg.jvp(np.dot, (X, X), (X,)),
        (ValueError, "tangents needs 2 entries"),
    ),
    "a tangent that is no tuple": (
        lambda: mg.jvp(np.dot, (X, X), X),
        (ValueError, "tangents needs 2 entries"),
    ),
    "a vector of another shape": (
        lambda: mg.hvp(bowl)(X, np.ones(2)),
        (ValueError, r"v: shape \(2,\) does not fit \(3,\)"),
    ),
    "a vector of another structure": (
        lambda: mg.hvp(lambda p: p["a"])({"a": 1.0}, [1.0]),
        (ValueError, r"v has a list where \['a'\] are needed"),
    ),
    "no vector": (
        lambda: mg.hvp(labelled_loss)(X),
        (TypeError, "hvp: labelled_loss needs its arguments, and a vector behind them"),
    ),
}


@pytest.mark.parametrize(("call", "error"), REFUSED.values(), ids=list(REFUSED))
def test_what_makes_no_sense_is_refused_and_said(call, error):
    with pytest.raises(error[0], match=error[1]):
        call()
    assert lifting._OPEN == []


def test_an_exception_closes_every_transform():
    def fails(y):
        raise ZeroDivisionError

    def outer(x):
        with pytest.raises(ZeroDivisionError):
            mg.grad(lambda y: mg.hessian(fails)(y))(x)
        assert len(lifting._OPEN) == 1
        return x * x

    assert mg.grad(outer)(3.0) == 6
    with pytest.raises(ZeroDivisionError):
        mg.grad(lambda x: mg.jvp(fails, x, x)[1])(3.0)
    assert lifting._OPEN == []
    assert arrays_alone(mg.grad(lambda x: x)(3.0))


# ---- whose the arrays are ------------------------------------------------------------------------
def owned_results(x, v):
    y, pullback = mg.vjp(lambda x: [x, x, C], x)
    return [
        mg.grad(np.sum)(x),
        mg.grad(lambda x: np.sum(x * v))(x),
        *mg.grad(lambda a, b: np.sum(a + b), (0, 1))(x, v),
        *mg.value_and_grad(lambda x: x.reshape(1, -1) @ v)(x),
        *y,
        pullback([v, v, v]),
        pullback([v, 0 * v, v]),
        *mg.jvp(lambda x: x, x, v),
        *mg.jvp(lambda x: C, x, v),
        mg.jacobian(lambda x: x)(x),
        mg.hvp(lambda x: np.sum(x**2) / 2)(x, v),
    ]


C = np.array([1.0, 2.0, 3.0])


def test_results_are_the_callers_own():
    x, v = X.copy(), np.ones(3)
    results = owned_results(x, v)
    for i, result in enumerate(results):
        assert result.flags.writeable
        for other in (x, v, C, *results[:i]):
            assert not np.may_share_memory(result, other)
        result[...] = np.nan
    for again in owned_results(x, v):
        assert np.all(np.isfinite(again))
    np.testing.assert_array_equal(x, X)


def test_a_pullback_serves_again_whatever_happens_to_the_argument():
    x = X.copy()
    _, pullback = mg.vjp(np.sin, x)
    x[:] = 0
    first = pullback(np.ones(3))
    first[:] = 0
    near(pullback(np.ones(3)), np.cos(X))
    near(pullback(2 * np.ones(3)), 2 * np.cos(X))


def test_a_transform_keeps_the_name_and_the_documentation_of_the_function():
    def cost(x):
        """What it costs."""
        return x * x

    for transform in (mg.grad, mg.value_and_grad, mg.jacobian, mg.hessian, mg.hvp):
        assert transform(cost).__name__ == "cost"
        assert transform(cost).__doc__ == "What it costs."


@pytest.mark.parametrize("f", [np.tanh, mg.ReLU(), mg.mlp([3, 1], rng=0), lambda x: x])
def test_functions_are_whatever_can_be_called(f):
    assert mg.jacobian(f)(X[None]).shape[-2:] == (1, 3)


# ---- threads -------------------------------------------------------------------------------------
def test_two_threads_nest_independently():
    meeting = threading.Barrier(2, timeout=60)

    def work(k):
        def f(x):
            meeting.wait()  # both are open
            inner = mg.grad(lambda y: k * y**3)(2.0)
            meeting.wait()
            return x * mg.grad(lambda y: x * y * y)(k), inner

        (value, inner), slope = mg.value_and_grad(f, has_aux=True)(3.0)
        return arrays_alone([value, inner, slope]), float(value), float(inner), float(slope)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, [1.0, 10.0])) == [
            (True, 18, 12, 12),
            (True, 180, 120, 120),
        ]
    assert lifting._OPEN == []


def test_a_thread_that_a_function_starts_is_inside_of_its_transforms():
    def f(x):
        with ThreadPoolExecutor(2) as pool:
            return sum(pool.map(lambda k: mg.grad(lambda y: x * y * y)(k), [1.0, 2.0]))

    assert mg.grad(f)(5.0) == 6


# ---- costs, by counting --------------------------------------------------------------------------
@mg.primitive(joint=lambda g, y, x: [g])
def tick(x):
    """The identity: `each` is asked for its rules whenever somebody looks at a call."""
    return x + 0.0


@pytest.fixture
def looks(monkeypatch):
    """Count how often the walk back, and the search for outer arguments, look at a node."""
    counts = Counter()
    each = graph.each

    def counting(place):
        def counted(rules):
            counts[place] += 1
            return each(rules)

        return counted

    monkeypatch.setattr(backward, "each", counting("walk"))
    monkeypatch.setattr(graph, "each", counting("search"))
    return counts


OLD, INNER = 3000, 50


def chain(x, length=OLD):
    for _ in range(length):
        x = tick(x)
    return x


@pytest.mark.parametrize("mode", ["grad", "jvp", "vjp", "jacobian"])
def test_an_inner_transform_walks_no_older_nodes(looks, mode):
    def f(x):
        h = chain(x)
        for _ in range(INNER):
            h = h + MODES[mode](lambda y, h=h: y * y + h, 2.0)
        assert looks["walk"] <= 5 * INNER
        assert looks["search"] <= 2 * OLD + 20 * INNER
        return h

    assert mg.grad(f)(1.0) == 1
    assert OLD <= looks["walk"] <= OLD + 10 * INNER  # by the outer one, when its time has come


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_an_open_transform_looks_at_an_older_node_once_ever(looks, levels):
    w = mg.Tensor(1.0)
    slopes = []

    def f(x, level=1):
        if level < levels:
            return mg.grad(lambda y: f(y * x, level + 1))(2.0)
        h = chain(w)  # hangs on no argument, which takes a whole search to know
        slopes.extend(mg.grad(lambda y: y * y * h)(3.0) for _ in range(INNER))
        return x

    mg.grad(f)(1.0)
    assert slopes == [6.0] * INNER
    assert arrays_alone(slopes)
    assert looks["walk"] == 0
    assert OLD <= looks["search"] <= levels * (2 * OLD + 20 * INNER)


def test_what_an_inner_transform_computed_in_vain_is_forgotten():
    known = []

    def f(x):
        for _ in range(INNER):
            mg.grad(lambda y: chain(y, 100))(2.0)
        known.append(len(lifting._OPEN[0].known))
        return x

    mg.grad(f)(1.0)
    assert known[0] < 10


def test_outside_of_transforms_nothing_is_searched(looks):
    h = chain(mg.Tensor(1.0))
    assert mg.grad(lambda y: y * y * h)(3.0) == 6
    assert looks == {}


def test_a_transform_by_nothing_looks_for_nothing(looks):
    h = chain(mg.Tensor(1.0))
    assert mg.grad(lambda none: [mg.grad(lambda y: y * h)(3.0), h][1])({}) == {}
    assert sum(looks.values()) <= 10


def test_a_gradient_takes_each_rule_once_and_a_hessian_product_no_more_than_four_times(looks):
    mg.grad(lambda x: chain(x, 100) ** 3)(1.0)
    assert looks["walk"] == 100
    looks.clear()
    assert mg.hvp(lambda x: chain(x, 100) ** 3)(1.0, 1.0) == 6
    assert looks["walk"] <= 400


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 40), (40, 1), (3, 40), (40, 3)])
def test_a_jacobian_takes_as_many_passes_as_its_shorter_side(looks, inputs, outputs):
    W = np.ones((outputs, inputs))
    np.testing.assert_array_equal(mg.jacobian(lambda x: W @ chain(x, 100))(W[0]), W)
    assert looks["walk"] <= 100 * (2 + 2 * min(inputs, outputs))


def test_a_long_chain_needs_no_recursion():
    assert mg.grad(lambda x: mg.grad(lambda y: chain(x * y, 20_000))(2.0))(1.0) == 1


def test_nested_arguments_and_what_stands_beside_them_go_together():
    p = {"layers": [(X, 2.0), {"b": np.array(3.0)}], "scale": 0.5}

    def f(p, shift):
        (w, k), last = p["layers"]
        y = np.sum(w**2) * k + last["b"] * p["scale"] + shift
        return y, {"parts": [y * 2, (w * k, "word")], "none": None}

    def check(value, slopes, aux):
        assert value == np.sum(X**2) * 2 + 1.5 + 1
        (dw, dk), last = slopes["layers"]
        np.testing.assert_array_equal(dw, 4 * X)
        assert (dk, last["b"], slopes["scale"]) == (np.sum(X**2), 0.5, 3)
        doubled, (scaled, word) = aux["parts"]
        assert (doubled, word, aux["none"]) == (2 * value, "word", None)
        np.testing.assert_array_equal(scaled, 2 * X)
        assert type(scaled) is np.ndarray

    (value, aux), slopes = mg.value_and_grad(f, has_aux=True)(p, 1.0)
    check(value, slopes, aux)
    slopes, aux = mg.grad(f, has_aux=True)(p, 1.0)
    check(value, slopes, aux)
    (value, aux), (slopes, shift) = mg.value_and_grad(f, (0, 1), has_aux=True)(p, 1.0)
    check(value, slopes, aux)
    assert shift == 1
    y, pullback, aux = mg.vjp(f, p, 1.0, has_aux=True)
    slopes, shift = pullback(1.0)
    check(y, slopes, aux)
