"""Complex numbers: what a gradient means, where real and complex meet, and what refuses them."""

import cmath
import copy
import math
import pickle

import numpy as np
import oracle
import pytest
from domains import DOMAINS
from domains import fft as fft_domain
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import Tensor, defvjp, gradients, primitive

SEEDS = st.integers(0, 2**32 - 1)


def some(seed, *shape):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, shape) + 1j * rng.uniform(-1, 1, shape)


def by_parts(L, z):
    """∂L/∂x − i ∂L/∂y by differences, entry by entry."""
    g = np.zeros(z.shape, complex)
    for i in np.ndindex(z.shape):
        unit = np.zeros(z.shape)
        unit[i] = 1
        g[i] = oracle.derivative(lambda s, e=unit: L(z + s * e))
        g[i] -= 1j * oracle.derivative(lambda s, e=unit: L(z + 1j * s * e))
    return g


def slope(f, z, v=None):
    z = Tensor(z)
    return gradients(f(z), z, v)


def curvature(f, z):
    """Differentiate the sum of both parts of the gradient."""
    z = Tensor(z)
    g = gradients(f(z), z, create_graph=True)
    return gradients(np.sum(np.real(g) + np.imag(g)), z)


# ---- the convention ------------------------------------------------------------------------------
LOSSES = {
    "energy": lambda z: np.sum(np.abs(z) ** 2),
    "length": lambda z: np.sum(np.abs(z)),
    "real part": lambda z: np.sum(np.real(z * z * z)),
    "imaginary part": lambda z: np.sum(np.imag(np.exp(z))),
    "both parts": lambda z: np.sum(z.real**3 * np.cos(z.imag)),
    "conjugates": lambda z: np.real(np.sum(z * np.conj(np.roll(z, 1)) ** 2)),
    "mixed": lambda z: np.abs(np.prod(np.sin(z)) + np.conj(z[0])) ** 2,
    "spectrum": lambda z: np.sum(np.abs(np.fft.fft(np.tanh(z), 5)) ** 2 * np.arange(5)),
    "spread": lambda z: np.std(z * z) + np.var(np.exp(z)),
    "real matrix": lambda z: np.sum(np.abs(np.array([[1.0, 2.0, 3.0]]) @ z[:, None]) ** 2),
}


@pytest.mark.parametrize("name", LOSSES)
@given(seed=SEEDS)
def test_the_gradient_of_a_real_loss_is_its_slope_by_x_less_i_times_its_slope_by_y(name, seed):
    z = some(seed, 3) + 1.5
    np.testing.assert_allclose(slope(LOSSES[name], z), by_parts(LOSSES[name], z), 1e-7, 1e-8)


@pytest.mark.parametrize("name", LOSSES)
@given(seed=SEEDS)
def test_the_loss_falls_fastest_against_the_conjugate_of_its_gradient(name, seed):
    L, z = LOSSES[name], some(seed, 3) + 1.5
    g = slope(L, z)
    steepest = oracle.derivative(lambda s: L(z - s * np.conj(g) / np.linalg.norm(g)), h=0.001)
    assert np.isclose(steepest, -np.linalg.norm(g), 1e-6, 1e-8)
    for direction in some(seed + 1, 5, 3):
        unit = direction / np.linalg.norm(direction)
        assert oracle.derivative(lambda s, u=unit: L(z + s * u), h=0.001) >= steepest - 1e-6


def test_the_energy_has_the_gradient_2_conj_z():
    assert slope(LOSSES["energy"], [1 + 2j, 3]).tolist() == [2 - 4j, 6]


HOLOMORPHIC = {
    "square": np.square,
    "cube": lambda z: z**3,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "arcsinh": np.arcsinh,
    "quotient": lambda z: (z + 1j) / (2 - z),
    "power": lambda z: z ** (1.5 - 0.5j),
    "spectrum": lambda z: np.fft.ifft(np.sin(np.fft.fft(z))),
}
each_holomorphic = pytest.mark.parametrize("f", HOLOMORPHIC.values(), ids=HOLOMORPHIC)


@each_holomorphic
@given(seed=SEEDS)
def test_the_parts_of_a_holomorphic_function_obey_cauchy_and_riemann(f, seed):
    z = some(seed, 3) / 2 + 1
    real, imag = (
        slope(lambda z: np.sum(np.real(f(z))), z),
        slope(lambda z: np.sum(np.imag(f(z))), z),
    )
    np.testing.assert_allclose(imag, -1j * real, 1e-12, 1e-12)
    mirrored = slope(lambda z: np.sum(np.imag(np.conj(f(z)))), z)
    np.testing.assert_allclose(mirrored, 1j * real, 1e-12, 1e-12)


@each_holomorphic
@given(seed=SEEDS)
def test_the_pullback_of_a_holomorphic_function_is_linear_over_the_complex_numbers(f, seed):
    z, (v, w, factors) = some(seed, 3) / 2 + 1, some(seed + 1, 3, 3)
    a, b = factors[:2]
    both = slope(f, z, a * v + b * w)
    np.testing.assert_allclose(both, a * slope(f, z, v) + b * slope(f, z, w), 1e-9, 1e-9)


@each_holomorphic
@given(seed=SEEDS)
def test_a_holomorphic_function_has_one_derivative_in_every_direction(f, seed):
    z, u = some(seed, 3) / 2 + 1, some(seed + 1, 3)
    v = some(seed + 2, 3)
    along = oracle.derivative(lambda s: f(z + s * u))
    np.testing.assert_allclose(np.sum(slope(f, z, v) * u), np.sum(v * along), 1e-7, 1e-7)


@given(seed=SEEDS)
def test_complex_numbers_are_pairs_of_real_ones(seed):
    z, w = some(seed, 2, 3)
    (x, y), v = (Tensor(np.array(part)) for part in (z.real, z.imag)), some(seed + 1, 3)
    pair = x + 1j * y
    dx, dy = gradients(np.sin(pair * w) / pair, [x, y], v)
    dz = slope(lambda z: np.sin(z * w) / z, z, v)
    assert dx.dtype == dy.dtype == np.float64
    np.testing.assert_allclose(dz, dx - 1j * dy, 1e-12)


def test_conjugating_twice_changes_nothing():
    v = np.array([1 + 1j, 2 - 3j])
    assert slope(np.conj, [1j, 2.0], v).tolist() == np.conj(v).tolist()
    assert slope(lambda z: np.conj(np.conj(z)), [1j, 2.0], v).tolist() == v.tolist()


# ---- real numbers in complex computations --------------------------------------------------------
@given(seed=SEEDS)
def test_real_parameters_of_a_complex_computation_have_real_gradients(seed):
    k, w = np.random.default_rng(seed).uniform(0.5, 2, 2), some(seed, 4, 2)

    def L(k):
        return np.sum(np.abs(np.sum(np.exp(1j * k * w.real) * w, axis=0) - k) ** 2)

    g = slope(L, k)
    assert g.dtype == np.float64
    np.testing.assert_allclose(g, by_parts(L, k).real, 1e-7, 1e-8)


def test_a_scalar_broadcast_against_complex_numbers_has_a_real_scalar_for_its_gradient():
    a, z = Tensor(2.0), Tensor(np.array([[1 + 1j, 2.0], [0, 3j]]))
    g, h = gradients(np.sum(np.imag(a * z)), [a, z])
    assert (g.dtype, g.shape, g.item()) == (np.float64, (), 4.0)
    assert h.tolist() == [[-2j, -2j], [-2j, -2j]]


def test_what_is_real_has_a_constant_imaginary_part_and_angle():
    x = np.array([1.0, -2.0, 0.0])
    for f in (np.imag, np.angle, lambda x: np.imag(np.conj(x))):
        assert slope(f, x, np.ones(3)).tolist() == [0, 0, 0]
    t = Tensor(x)
    assert np.real(t) is t
    assert type(np.sign(t)) is np.ndarray


def test_single_precision_stays_single():
    z, x = Tensor(np.ones(3, np.complex64)), Tensor(np.ones(3, np.float32))
    L = np.sum(np.abs(np.fft.rfft(x) * z[:2]) ** 2) + np.std(z * x * 1j)
    assert L.dtype == np.float32
    g, h = gradients(L, [z, x])
    assert (g.dtype, h.dtype) == (np.complex64, np.float32)


# ---- cotangents ----------------------------------------------------------------------------------
def test_a_complex_output_without_a_cotangent_names_the_remedies():
    for backward in (lambda y: y.backward(), lambda y: gradients(y, [])):
        with pytest.raises(TypeError, match=r"np\.real or np\.abs\(\.\.\.\)\*\*2, or pass grad="):
            backward(np.sum(Tensor([1j, 2])))


def test_a_real_output_refuses_a_complex_cotangent():
    y = np.abs(Tensor(1j))
    for grad, create_graph in ((1j, False), (np.array(1 + 0j), False), (Tensor(1j), True)):
        with pytest.raises(TypeError, match="real"):
            gradients(y, [], grad, create_graph)


def test_a_complex_output_takes_a_cotangent_of_either_kind():
    z = Tensor([1 + 1j, 2.0])
    (z * z).backward([1, 2])
    assert z.grad.tolist() == [2 + 2j, 8]
    (z * z).backward([1j, 0])
    assert z.grad.tolist() == [2j - 2 + 2 + 2j, 8]


# ---- transforms ----------------------------------------------------------------------------------
def tangled(p):
    """Complex and real arguments, complex and real results; not holomorphic."""
    z, x = p["z"], p["x"]
    return [np.conj(z) * np.exp(1j * x) + z**2, np.abs(z) * x, x**3]


@given(seed=SEEDS)
def test_tangents_are_pushed_as_the_function_moves(seed):
    z, u = some(seed, 2, 3)
    x, w = some(seed + 1, 2, 3).real
    value, pushed = mg.jvp(tangled, {"z": z, "x": x}, {"z": u, "x": w})
    for i, (y, dy) in enumerate(zip(value, pushed, strict=True)):
        along = oracle.derivative(lambda s, i=i: tangled({"z": z + s * u, "x": x + s * w})[i])
        assert dy.dtype == y.dtype
        np.testing.assert_allclose(dy, along, 1e-7, 1e-8)


@given(seed=SEEDS)
def test_what_is_pulled_back_measures_what_is_pushed_forward(seed):
    z, u, v = some(seed, 3, 3)
    (x, w), g = some(seed + 1, 2, 3).real, some(seed + 2, 2, 3).real
    _, pullback = mg.vjp(tangled, {"z": z, "x": x})
    _, pushed = mg.jvp(tangled, {"z": z, "x": x}, {"z": u, "x": w})
    pulled = pullback([v, *g])
    assert (pulled["z"].dtype, pulled["x"].dtype) == (complex, float)
    there = sum(map(oracle.inner, [v, *g], pushed))
    np.testing.assert_allclose(oracle.inner(pulled["z"], u) + oracle.inner(pulled["x"], w), there)


@given(seed=SEEDS)
def test_a_hessian_product_is_the_change_of_the_gradient_along_a_vector(seed):
    def L(z):
        return np.sum(np.abs(z) ** 2 * np.real(np.exp(z))) + np.imag(np.prod(z))

    z, v = some(seed, 2, 3) + 1.5
    along = oracle.derivative(lambda s: mg.grad(L)(z + s * v))
    np.testing.assert_allclose(mg.hvp(L)(z, v), along, 1e-6, 1e-7)


@pytest.mark.parametrize(
    "transform",
    [
        lambda: mg.grad(lambda z: np.sum(z**2))(np.array([1j])),
        lambda: mg.value_and_grad(lambda x: np.exp(1j * x))(1.0),
        lambda: mg.jacobian(np.conj)(np.array([1j])),
        lambda: mg.jacobian(lambda z: z * np.abs(z))(np.array([1 + 1j])),
        lambda: mg.hessian(lambda z: np.sum(np.abs(z) ** 2))(np.array([1j])),
        lambda: mg.vjp(np.abs, np.array([1j]))[1]([1j]),
        lambda: mg.jvp(np.exp, np.array([1.0]), np.array([1j])),
    ],
    ids=range(7),
)
def test_a_transform_refuses_what_has_no_meaning_for_complex_numbers(transform):
    with pytest.raises(TypeError, match=r"not holomorphic|real functions|no real array"):
        transform()


@given(seed=SEEDS)
def test_the_jacobian_of_a_holomorphic_function_is_its_complex_derivative(seed):
    A, z, dz = some(seed, 3, 2), some(seed + 1, 2), some(seed + 2, 2)
    J = mg.jacobian(lambda z: np.exp(A @ z))(z)
    np.testing.assert_allclose(J, np.exp(A @ z)[:, None] * A, 1e-12)
    np.testing.assert_allclose(J @ dz, mg.jvp(lambda z: np.exp(A @ z), z, dz)[1], 1e-12)
    J = mg.jacobian(lambda a: (a @ z) ** 2)(A)
    np.testing.assert_allclose(J, np.eye(3)[:, :, None] * (2 * A @ z)[:, None, None] * z, 1e-12)


@given(seed=SEEDS)
def test_a_jacobian_between_real_and_complex_numbers_is_what_moves_them(seed):
    A, z = some(seed, 3, 2), some(seed + 1, 2)
    x = z.real

    def waves(p):
        return {"waves": np.exp(1j * (A @ p["x"]) * p["k"]), "energy": np.abs(p["k"]) ** 2}

    J = mg.jacobian(waves)({"x": x, "k": 0.5})
    for k, unit in enumerate(np.eye(2)):
        moved = oracle.derivative(lambda s, unit=unit: np.exp(0.5j * (A @ (x + s * unit))))
        np.testing.assert_allclose(J["waves"]["x"][:, k], moved, 1e-7, 1e-9)
    assert J["energy"]["k"] == 1.0
    energy = mg.jacobian(lambda z: np.abs(A @ z) ** 2)(z)
    for row, slope in enumerate(energy):
        g = mg.grad(lambda z, row=row: np.abs(A @ z)[row] ** 2)(z)
        np.testing.assert_allclose(slope, g, 1e-12)


def test_a_jacobian_of_complex_numbers_differentiates_again_and_keeps_single_precision():
    second = mg.jacobian(mg.jacobian(lambda z: z**3))(np.array(1 + 1j))
    assert second == 6 + 6j
    J = mg.jacobian(lambda x: np.exp(1j * x))(np.ones(2, np.float32))
    assert J.dtype == np.complex64
    assert mg.hessian(lambda z: np.real(z**2))(np.array(1j)) == 2.0


# ---- making and reading --------------------------------------------------------------------------
def test_complex_numbers_and_lists_of_them_become_complex128():
    for data in (1j, [1, 2j], [[1.5], [2 + 0j]], np.array([1j])):
        z = Tensor(data)
        assert z.dtype == np.complex128
        np.testing.assert_array_equal(z.data, data)
    assert Tensor(np.complex64(1j)).dtype == np.complex64
    assert Tensor([1, 2], dtype=complex).dtype == Tensor([1.5], "D").dtype == np.complex128
    assert Tensor(1j, "F").dtype == np.complex64


@pytest.mark.parametrize(
    "drop",
    [
        lambda: Tensor(1j, float),
        lambda: Tensor([1.0, 1j], np.float32),
        lambda: Tensor(1j).astype(float),
        lambda: Tensor(1j).astype(int),
        lambda: np.sum(Tensor(1j), dtype=float),
        lambda: np.std(Tensor([1j]), None, np.float32),
        lambda: np.concatenate([Tensor([1j])], dtype=float),
        lambda: np.add(Tensor([1j]), 1, dtype=float, casting="unsafe"),
        lambda: int(Tensor(1 + 0j)),
        lambda: float(Tensor(1 + 0j)),
        lambda: Tensor([1.0, 2.0]).at[0].set(1j),
        lambda: Tensor([1.0, 2.0]).at[0].add(Tensor(1j)),
        lambda: np.full_like(np.ones(2), Tensor(1j)),
        lambda: np.full_like(Tensor([1.0]), Tensor(1j)),
    ],
    ids=range(14),
)
def test_an_imaginary_part_is_never_dropped(drop):
    with pytest.raises(TypeError):
        drop()


def test_conversion_keeps_the_gradient():
    x, z = Tensor([1.0, 2.0]), Tensor([1j, 2.0])
    assert gradients(np.sum(np.imag(x.astype(complex) * 1j)), x).tolist() == [1, 1]
    g = gradients(np.abs(np.sum(z.astype(np.complex64))), z)
    assert g.dtype == np.complex128
    assert z.astype(bool).tolist() == [True, True]


def test_values_read_as_numpys():
    z = Tensor([1 + 2j, 0], name="z")
    assert z.tolist() == [1 + 2j, 0]
    assert type(z.item(0)) is complex
    assert type(Tensor(1.0).item()) is float
    assert z[0].item() == 1 + 2j
    assert f"{z[0]:.1f}" == "1.0+2.0j"
    assert repr(z) == "Tensor([1.+2.j, 0.+0.j], name='z')"
    assert "complex64" in repr(Tensor(np.complex64(1)))
    assert (bool(z[0]), bool(z[1])) == (True, False)
    assert (z == [1 + 2j, 1]).tolist() == [True, False]
    assert (z.real.tolist(), z.imag.tolist(), z.conj().tolist()) == ([1, 0], [2, 0], [1 - 2j, 0])
    assert (np.isreal(z).tolist(), np.iscomplex(z).tolist()) == ([False, True], [True, False])
    assert np.iscomplexobj(z)


CMATH = [f for f in vars(cmath).values() if callable(f)]


@pytest.mark.parametrize("function", CMATH, ids=lambda f: f.__name__)
def test_the_cmath_module_never_drops_a_gradient(function):
    z = Tensor(1 + 2j)
    with pytest.raises(TypeError):
        function(*[z] * (2 if function in (cmath.isclose, cmath.rect) else 1))


def test_a_complex_tensor_is_no_real_number_to_python():
    z = Tensor(1 + 2j)
    for read in (float, int, complex, round, math.floor, np.asarray, "{:d}".format):
        with pytest.raises((TypeError, ValueError)):
            read(z)


def test_leaves_are_copied_and_pickled_with_their_gradients():
    z = Tensor([1j, 2.0])
    np.sum(np.abs(z)).backward()
    for twin in (copy.deepcopy(z), pickle.loads(pickle.dumps(z))):
        assert twin.tolist() == z.tolist()
        assert twin.grad.tolist() == z.grad.tolist() == [-1j, 1]


def test_what_is_real_but_for_rounding_is_real():
    z = Tensor([1 + 1e-15j, 2.0])
    assert np.real_if_close(z).dtype == np.float64
    assert gradients(np.sum(np.real_if_close(z)), z).tolist() == [1, 1]
    assert np.real_if_close(z, tol=2) is z
    assert np.real_if_close(z.real) is not z
    assert np.real_if_close(z * 1j).dtype == np.complex128


def test_updates_and_fills_of_complex_arrays_take_both_kinds():
    z, x = Tensor([1j, 2.0, 3.0]), Tensor(5.0)
    y = z.at[[0, 0]].add(x).at[1].set(x * 1j)
    assert y.tolist() == [10 + 1j, 5j, 3]
    assert gradients(np.real(np.sum(y)) + np.imag(np.sum(y)), x).item() == 3
    assert np.full_like(z, x).tolist() == [5, 5, 5]
    assert np.full_like(z, x).dtype == np.complex128


def test_a_value_of_fewer_axes_than_its_index_is_added_everywhere():
    index, v = np.array([[0, 1], [1, 1]]), Tensor([10.0, 100.0])
    y = Tensor([0.0, 0.0]).at[index].add(v)
    assert y.tolist() == [10, 300 - 100 + 10]
    assert gradients(y, v, [1.0, 2.0]).tolist() == [3, 4]


# ---- hard points ---------------------------------------------------------------------------------
def test_the_absolute_value_and_its_kin_have_derivative_zero_at_zero():
    z = [0j, 3 + 4j]
    assert slope(lambda z: np.sum(np.abs(z)), z).tolist() == [0, 0.6 - 0.8j]
    assert slope(lambda z: np.sum(np.angle(z)), z)[0] == 0
    assert slope(np.sign, z, np.ones(2))[0] == 0
    assert slope(lambda z: np.std(z), [1j, 1j, 1j]).tolist() == [0, 0, 0]
    for f in (np.abs, lambda z: np.abs(z) ** 2, lambda z: z.real * np.abs(z)):
        second = curvature(lambda z, f=f: np.sum(f(z)), z)
        assert np.all(np.isfinite(second))
    assert curvature(lambda z: np.sum(np.abs(z)), z)[0] == 0
    assert np.all(np.isfinite(curvature(np.std, [1j, 2, 3])))


def test_a_zero_cotangent_wins_over_a_complex_infinity():
    z = np.array([0j, 1j])
    unsafe = {
        "log": np.log,
        "sqrt": np.sqrt,
        "reciprocal": np.reciprocal,
        "quotient": lambda z: 1 / z,
        "power": lambda z: z ** (0.5 + 1j),
        "root": lambda z: z**0.5,
        "arccosh": lambda z: np.arccosh(z + 1),
        "arcsin": lambda z: np.arcsin(z + 1),
        "arctan": lambda z: np.arctan(z + 1j),
        "arctanh": lambda z: np.arctanh(z + 1),
        "arcsinh": lambda z: np.arcsinh(z + 1j),
        "direction": lambda z: z / np.abs(z),
    }
    for f in unsafe.values():
        with np.errstate(all="ignore"):
            g = slope(lambda z, f=f: np.where(z != 0, f(z), 0), z, [1, 0])
            h = slope(f, z, [0, 1])
        assert g.tolist() == [0, 0]
        assert h[0] == 0
        assert np.isfinite(h[1])


def test_powers_at_zero_have_the_conventions_of_real_ones():
    zero, one = slope(lambda z: z**0, 0j, 1), slope(lambda z: z**1, 0j, 1)
    assert (zero.item(), one.item()) == (0, 1)
    assert slope(lambda z: z**2, 0j, 1).item() == 0
    n = Tensor(2 + 0j)
    assert gradients(np.power(0.0, n), n, 1).item() == 0
    n = Tensor(0j)
    assert gradients(np.power(0.0, n), n, 1).item() == 0
    x = Tensor(-2.0)
    y = np.power(x, 0.5 + 0j)  # a negative number to a complex power: complex, on the cut
    np.testing.assert_allclose(gradients(np.imag(y), x), -0.5 / np.sqrt(2))
    m = Tensor(2 + 0j)
    for base in (-2.0, complex(-2, 0.0), complex(-2, -0.0)):  # the cut has two sides
        up = complex(0, np.copysign(np.pi, np.imag(base)))
        np.testing.assert_allclose(gradients(np.power(base, m), m, 1), 4 * (np.log(2) + up))


def test_infinite_and_nan_gradients_stay_what_they_are_where_the_cotangent_is_not_zero():
    with np.errstate(all="ignore"):
        assert not np.isfinite(slope(np.sqrt, 0j, 1))
        assert np.isnan(slope(np.abs, complex(np.nan, 0), 1))
        z = slope(lambda z: np.where([True, False], z, np.nan), [1j, 2j], [complex(np.inf, 1), 0])
    assert (z[0].real, z[1]) == (np.inf, 0)


# ---- functions of real numbers -------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "call"),
    {
        "maximum": lambda z: np.maximum(z, 0),
        "minimum": lambda z: np.minimum(z.real, 1j),
        "max": np.max,
        "min": lambda z: z.min(),
        "clip": lambda z: np.clip(z, 0, 1),
        "hypot": lambda z: np.hypot(z, 1),
        "arctan2": lambda z: np.arctan2(1.0, z),
        "fmax": lambda z: np.fmax(z, z),
        "remainder": lambda z: z % 2,
        "divmod": lambda z: np.divmod(z, 2),
        "trunc": np.trunc,
        "cbrt": np.cbrt,
        "copysign": lambda z: np.copysign(1.0, z),
        "relu": mg.relu,
        "softmax": mg.softmax,
        "logsumexp": mg.logsumexp,
        "affine": lambda z: mg.affine(np.ones((1, 2)), z[:, None]),
        "rfft": np.fft.rfft,
        "ihfft": np.fft.ihfft,
        "real numbers": mg.tanh,
    }.items(),
)
def test_what_has_no_meaning_for_complex_numbers_is_refused_by_name(name, call):
    with pytest.raises(TypeError, match=name.strip()):
        call(Tensor([1j, 2.0]))


@pytest.mark.parametrize("f", [mg.relu, mg.sigmoid, mg.softmax, mg.gelu, mg.log_softmax, mg.tanh])
def test_activations_of_complex_arrays_are_refused_too(f):
    with pytest.raises(TypeError, match="real numbers, not complex128: "):
        f(np.array([1j]))


def test_losses_refuse_complex_outputs_and_targets():
    z, x = np.array([1j, 0.2]), np.array([0.5, 0.2])
    for loss in (mg.mean_squared_error, mg.binary_cross_entropy_with_logits):
        for pair in ((z, x), (x, z), (Tensor(z), x), (Tensor(x), z), (x, Tensor(z))):
            with pytest.raises(TypeError, match="real numbers"):
                loss(*pair)
    for pair in ((z, x), (x, z), (Tensor(z), 0), (Tensor(x), z)):
        with pytest.raises(TypeError, match="complex"):
            mg.softmax_cross_entropy(*pair)


def test_a_primitive_refuses_complex_numbers_unless_its_rules_are_said_to_hold():
    @primitive(lambda g, y, x: g * 3 * x**2)
    def cube(x):
        return x * x * x

    with pytest.raises(TypeError, match=r"cube has a.*cube, rule, complex=True"):
        cube(Tensor(1j))
    defvjp(cube, lambda g, y, x: g * 3 * x**2, complex=True)
    assert slope(cube, 1j, 1).item() == -3
    defvjp(cube, lambda g, y, x: g * 3 * x**2)  # stated anew, for real numbers alone
    with pytest.raises(TypeError, match="real numbers alone"):
        cube(Tensor(1j))

    @primitive(lambda g, y, x: g * 1j * y)
    def phase(x):
        return np.exp(1j * x)

    with pytest.raises(TypeError, match=r"phase has a derivative for real"):
        phase(Tensor(1.0))

    turned = primitive(lambda g, y, x: g * 1j * y, complex=True)(lambda x: np.exp(1j * x))
    assert slope(lambda x: np.imag(turned(x)), 0.0).item() == 1


# ---- networks, layers, optimizers ----------------------------------------------------------------
X, T = np.ones((4, 2)), np.array([0, 1, 0, 1])


class Double(mg.Layer):
    def forward(self, x):
        return 2 * np.abs(x)

    def backward(self, dout):
        return 2 * dout


class Twisted(mg.Layer):
    def forward(self, x):
        return 2 * x

    def backward(self, dout):
        return 2j * dout


class Held(mg.Network):
    def __init__(self, W):
        super().__init__(loss=mg.MeanSquaredError())
        self.W = mg.Tensor(W)

    def __call__(self, x):
        return x @ self.W


def net():
    return mg.mlp([2, 3, 2], rng=0)


class Complaint(mg.Loss):
    def __call__(self, x, t):
        return np.sum(x - t) * 1j


ENTRIES = {
    "gradient": lambda: net().gradient(X * 1j, T),
    "gradient of a list": lambda: net().gradient((X * 1j).tolist(), T),
    "loss": lambda: net().loss(X * 1j, T),
    "predict": lambda: net().predict(X * 1j),
    "objective of a Tensor": lambda: net().objective(mg.Tensor(X * 1j), T),
    "accuracy": lambda: net().accuracy(X * 1j, T),
    "forward": lambda: net().forward(X * 1j),
    "call": lambda: net()(mg.Tensor(X * 1j)),
    "call on arrays": lambda: net()(X * 1j),
    "numerical_gradient": lambda: net().numerical_gradient(X * 1j, T),
    "targets": lambda: net().gradient(X, T * 1j),
    "targets of a yes": lambda: mg.SigmoidWithLoss().correct(X, X * 1j),
    "targets of numbers": lambda: mg.MeanSquaredError().forward(X, X * 1j),
    "Trainer": lambda: mg.Trainer(net(), mg.SGD(), progress=False).fit(X * 1j, T, epochs=1),
    "a parameter": lambda: Held([[1j], [1.0]]).params,
    "gradient by a parameter": lambda: Held([[1j], [1.0]]).gradient(X, np.ones((4, 1))),
    "mlp": lambda: mg.mlp([2, 3, 2], dtype=complex).predict(X),
    "Affine": lambda: mg.Affine(2, 3, dtype=complex).forward(X),
    "Affine called": lambda: mg.Affine(2, 3, dtype=complex)(X),
    "Affine on a Tensor": lambda: mg.Affine(2, 3)(mg.Tensor(X * 1j)),
    "astype": lambda: net().astype(complex),
    "params": lambda: net().params.update({"b1": np.ones(3) * 1j}),
    "load_state_dict": lambda: net().load_state_dict({**net().state_dict(), "b1": np.ones(3) * 1j}),
    "Dropout of an array": lambda: mg.Dropout(0.5)(X * 1j, train_flag=False),
    "by hand": lambda: Double()(mg.Tensor(X * 1j)),
    "backward by hand": lambda: Twisted()(mg.Tensor(X)).backward(X),
    "a complex loss": lambda: mg.Sequential(mg.Affine(2, 2), loss=Complaint()).loss(X, X),
    "gradient of a complex loss": lambda: mg.Sequential(mg.Affine(2, 2), loss=Complaint()).gradient(
        X, X
    ),
    "update": lambda: mg.SGD().update({"W": np.ones(2) * 1j}, {"W": np.ones(2)}),
    "gradients": lambda: mg.Adam().update({"W": np.ones(2)}, {"W": np.ones(2) * 1j}),
    "clip": lambda: mg.clip_by_global_norm({"W": np.ones(2) * 1j}, 1.0),
    "numerical x": lambda: mg.numerical_gradient(lambda x: np.sum(np.abs(x)), np.ones(2) * 1j),
    "numerical f": lambda: mg.numerical_gradient(lambda x: np.sum(x) * 1j, np.ones(2)),
    "initializer": lambda: mg.initializers.normal((2, 2), 0, dtype=complex),
}


@pytest.mark.parametrize("name", ENTRIES)
def test_networks_layers_and_optimizers_are_of_real_numbers(name):
    with pytest.raises((TypeError, ValueError), match=r"complex|real"):
        ENTRIES[name]()


def test_complex_arrays_of_a_foreign_layer_are_not_overlooked():
    class Foreign:
        def __init__(self):
            self.W = np.ones(2) * 1j

        def forward(self, x):
            return np.abs(x * self.W)

        def backward(self, dout):
            return dout

    with pytest.raises(TypeError, match=r"Foreign holds the arrays \.?W"):
        mg.Sequential(Foreign())
    with pytest.raises(TypeError, match="array of floats"):
        mg.wrap(Foreign(), param_grads={"W": "dW"})


def test_a_layer_may_go_through_complex_numbers_between_real_ones():
    class Filter(mg.Network):
        def __init__(self):
            super().__init__(loss=mg.MeanSquaredError())
            self.re, self.im = mg.Tensor(np.ones(3)), mg.Tensor(np.zeros(3))

        def __call__(self, x):
            return np.fft.irfft(np.fft.rfft(x) * (self.re + 1j * self.im), 4)

    net, rng = Filter(), np.random.default_rng(0)
    x, t = rng.normal(size=(2, 5, 4))
    grads, numerical = net.gradient(x, t), net.numerical_gradient(x, t)
    for name in ("re", "im"):
        np.testing.assert_allclose(grads[name], numerical[name], 1e-6, 1e-9)
    before = net.loss(x, t)
    for _ in range(20):
        mg.SGD(lr=0.3).update(net.params, net.gradient(x, t))
    assert net.loss(x, t) < before


# ---- Fourier transforms --------------------------------------------------------------------------
each_transform = pytest.mark.parametrize("f", fft_domain.DOMAINS, ids=lambda f: f.__name__)


@each_transform
@given(data=st.data())
def test_the_values_of_a_transform_are_numpys(f, data):
    double = data.draw(DOMAINS[f])
    for s in (double, double.in_float32()):
        y = s.call(*s.tensors())
        expected = s.call(*s.leaves)
        assert y.dtype == expected.dtype
        eps = 100 * np.finfo(expected.dtype).eps  # NumPy 2.0 takes the axes in another order
        np.testing.assert_allclose(y.data, expected, eps, eps)


@pytest.mark.parametrize("norm", [None, "backward", "ortho", "forward"])
@given(seed=SEEDS)
def test_parseval_the_energy_of_the_spectrum_has_the_gradient_of_the_energy(norm, seed):
    z, x = some(seed, 6), some(seed, 5).real
    factor = {"ortho": 1, "forward": 1 / 6}.get(norm, 6)

    def energy(transform):
        return lambda z: np.sum(np.abs(transform(z, norm=norm)) ** 2)

    np.testing.assert_allclose(slope(energy(np.fft.fft), z), 2 * factor * np.conj(z), 1e-12)
    np.testing.assert_allclose(slope(energy(np.fft.ifft), z), 2 / factor * np.conj(z), 1e-12)
    plane = z.reshape(2, 3)
    np.testing.assert_allclose(
        slope(energy(np.fft.fft2), plane), 2 * factor * np.conj(plane), 1e-12
    )
    factor = {"ortho": 1, "forward": 1 / 5}.get(norm, 5)
    whole = slope(energy(np.fft.fft), x)
    np.testing.assert_allclose(whole, 2 * factor * x, 1e-12)
    twice = np.array([1.0, 2.0, 2.0])  # for the frequencies that rfft leaves out

    def half(x):
        return np.sum(twice * np.abs(np.fft.rfft(x, norm=norm)) ** 2)

    np.testing.assert_allclose(slope(half, x), whole, 1e-12)


@given(seed=SEEDS, n=st.integers(1, 6))
def test_a_product_of_spectra_is_a_convolution_in_its_gradient_too(seed, n):
    a, b = some(seed, 2, n).real
    v = some(seed + 1, n).real
    circulant = b[(np.arange(n)[:, None] - np.arange(n)) % n]
    g = slope(lambda a: np.fft.irfft(np.fft.rfft(a) * np.fft.rfft(b), n), a, v)
    np.testing.assert_allclose(g, v @ circulant, 1e-9, 1e-12)


@given(seed=SEEDS, n=st.integers(1, 6))
def test_a_transform_and_its_inverse_leave_the_cotangent_alone(seed, n):
    z, v = some(seed, 2, n)
    x, w = z.real, v.real
    np.testing.assert_allclose(slope(lambda z: np.fft.ifft(np.fft.fft(z)), z, v), v, 1e-12, 1e-12)
    np.testing.assert_allclose(
        slope(lambda x: np.fft.irfft(np.fft.rfft(x), n), x, w), w, 1e-12, 1e-12
    )
    np.testing.assert_allclose(
        slope(lambda x: np.fft.hfft(np.fft.ihfft(x), n), x, w), w, 1e-12, 1e-12
    )
    np.testing.assert_array_equal(slope(lambda z: np.fft.ifftshift(np.fft.fftshift(z)), z, v), v)


def test_irfft_does_not_see_the_imaginary_parts_at_its_ends():
    z = np.array([1 + 1j, 2 + 2j, 3 + 3j])
    even, odd = (
        slope(np.fft.irfft, z, np.arange(4.0)),
        slope(lambda z: np.fft.irfft(z, 5), z, np.arange(5.0)),
    )
    assert (even[0].imag, even[2].imag, odd[0].imag) == (0, 0, 0)
    assert even[1].imag != 0
    assert odd[2].imag != 0


def test_a_transform_of_named_lengths_needs_its_axes():
    x = Tensor(np.ones((2, 3)))
    for f in (np.fft.fftn, np.fft.ifftn, np.fft.rfftn, np.fft.irfftn):
        with pytest.raises(TypeError, match=r"s=\[2, 3\] needs axes="):
            f(x, [2, 3])
    with pytest.raises(ValueError, match="different lengths"):
        np.fft.fft2(x, [2])


def test_rfftn_refuses_an_axis_twice():
    x = Tensor(np.ones((2, 3)))
    for axes in ((0, 0), (1, -1), (0, 1, -2)):
        with pytest.raises(TypeError, match="versions of NumPy differ on an axis twice"):
            np.fft.rfftn(x, axes=axes)


@pytest.mark.parametrize("f", [f for f in fft_domain.DOMAINS if "shift" not in f.__name__])
def test_a_transform_refuses_out_and_other_norms_as_numpy_does(f):
    x = Tensor(np.ones((2, 3)))
    with pytest.raises(TypeError, match="out="):
        f(x, out=np.zeros((2, 3), complex))
    with pytest.raises(ValueError, match=r"norm.*nonsense|nonsense"):
        f(x, norm="nonsense")


def test_frequencies_are_constants_which_a_step_may_be_a_tensor_in():
    assert type(np.fft.fftfreq(4)) is np.ndarray
    d = Tensor(0.5)
    f = np.fft.rfftfreq(4, d)
    assert f.tolist() == [0, 0.5, 1.0]
    assert gradients(np.sum(f), d).item() == -3
