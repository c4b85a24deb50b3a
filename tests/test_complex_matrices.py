"""The hard points of complex matrices: phases, values that coincide, zeros, triangles."""

import numpy as np
import oracle
import pytest
from domains import linalg
from domains.linalg import mT
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import Tensor, gradients
from minigrad.derivatives import decompositions

SEEDS = st.integers(0, 2**32 - 1)
few = settings(max_examples=max(5, settings().max_examples // 5))
RNG = np.random.default_rng(0)
H = linalg.complex_numbers(RNG, (4, 4, 4))  # directions
WEIGHTS = RNG.normal(size=(4, 4))


def mH(a):
    return np.conj(mT(a))


def rotated(*values):
    """A Hermitian matrix with these eigenvalues."""
    n = len(values)
    v = linalg.complex_frame(np.random.default_rng(1), (n,), n)
    return (v * values) @ mH(v)


def slope(f, at, v=None):
    """Differentiate f at a point: its pullback, of ones or of v."""
    x = Tensor(at)
    y = f(x)
    return gradients(y, x, np.ones(y.shape) if v is None else v)


def curvature(f, at, h, k):
    """Differentiate a real f along h, and that along k."""
    x = Tensor(at)
    first = gradients(f(x), x, create_graph=True)
    return oracle.inner(gradients(np.real(np.sum(first * h)), x), k)


# ---- phases --------------------------------------------------------------------------------------
VECTORS = {
    "np.linalg.eigh": lambda a: np.linalg.eigh(a)[1],
    "np.linalg.eig": lambda a: np.linalg.eig(a)[1],
    "np.linalg.svd": lambda a: np.linalg.svd(a)[0],
    "np.linalg.svd gives": lambda a: np.linalg.svd(a)[2],
    "np.linalg.eigh gives": lambda a: np.linalg.svd(a, hermitian=True)[0],
}
PHASED = {
    "one part": np.real,
    "a square": lambda v: np.imag(v * v),
    "a small share": lambda v: np.abs(v) ** 2 + 1e-5 * np.imag(v),
}


@pytest.mark.parametrize("name", VECTORS)
@pytest.mark.parametrize("f", PHASED.values(), ids=PHASED)
def test_what_changes_with_the_phases_of_vectors_has_no_derivative_and_says_so(name, f):
    with pytest.raises(TypeError, match=rf"{name}.* up to a phase, .*np\.abs\(v\)"):
        slope(lambda a: np.sum(f(VECTORS[name](a)) * WEIGHTS), H[0])


@pytest.mark.parametrize("name", VECTORS)
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_what_does_not_change_with_them_has_every_derivative(name, dtype):
    def f(a):
        return np.sum(np.abs(VECTORS[name](a)) ** 2 * WEIGHTS.astype(dtype).real)

    y = x = Tensor(H[0].astype(dtype))
    y = f(x)
    for _ in range(3):
        y = np.real(np.sum(gradients(y, x, create_graph=True) * H[1].astype(dtype)))
        assert np.isfinite(y.item())


def test_two_factors_of_one_svd_may_turn_together():
    a = H[0]
    assert slope(lambda a: rebuilt(*np.linalg.svd(a)), a, H[1]) == pytest.approx(H[1])
    with pytest.raises(TypeError, match="phase"):  # of two of them, nobody says that they do
        slope(lambda a: rebuilt(*np.linalg.svd(a)[:2], np.linalg.svd(a)[2]), a, H[1])


def rebuilt(u, s, vh):
    return (u * s[..., None, :]) @ vh


@few
@given(seed=SEEDS)
def test_the_phases_that_numpy_chose_make_no_difference(seed):
    rng = np.random.default_rng(seed)
    turn = np.exp(2j * np.pi * rng.uniform(size=4))
    for rule, (first, *columns) in (
        (decompositions.eigh_gradient, np.linalg.eigh(H[0])),
        (decompositions.svd_gradient, (lambda u, s, vh: (s, u, mH(vh)))(*np.linalg.svd(H[0]))),
    ):
        weights = rng.normal(size=(len(columns), 4, 4))

        def pulled(columns, rule=rule, first=first, weights=weights):
            g = [2 * np.conj(v) * w for v, w in zip(columns, weights, strict=True)]
            return rule(np.vstack([first[None], *g]), np.vstack([first[None], *columns]), H[0])

        np.testing.assert_allclose(pulled([v * turn for v in columns]), pulled(columns), 1e-9, 1e-9)


# ---- real matrices are complex ones --------------------------------------------------------------
def thin(a):
    return np.linalg.svd(a, full_matrices=False)


FUNCTIONS = {
    "eigvalsh": lambda a: np.sum(np.linalg.eigvalsh(a) ** 3),
    "eigh": lambda a: np.sum(np.abs(np.linalg.eigh(a)[1]) ** 2 * WEIGHTS),
    "svdvals": lambda a: np.sum(np.linalg.svdvals(a) ** 3),
    "svd": lambda a: np.sum(np.abs(np.linalg.svd(a)[0]) ** 2 * WEIGHTS),
    "svd of few columns": lambda a: np.sum(np.abs(thin(a[:, :2]).U) ** 2 * WEIGHTS[:, :2]),
    "svd of few rows": lambda a: np.sum(np.abs(thin(a[:2]).Vh) ** 2 * WEIGHTS[:2]),
    "cholesky": lambda a: np.sum(np.real(np.linalg.cholesky(a @ mH(a))) * WEIGHTS),
    "pinv": lambda a: np.sum(np.real(np.linalg.pinv(a[:, :3])) * WEIGHTS[:3]),
    "lstsq": lambda a: np.sum(np.abs(np.linalg.lstsq(a[:, :3], WEIGHTS)[0])),
    "nuc": lambda a: np.linalg.norm(a, "nuc"),
    "2": lambda a: np.linalg.norm(a, 2),
    "cond": np.linalg.cond,
    "cond nuc": lambda a: np.linalg.cond(a, "nuc"),
    "qr": lambda a: np.sum(np.abs(np.linalg.qr(a)[1]) * WEIGHTS),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_at_a_real_matrix_the_gradient_is_that_of_real_numbers(name):
    f, a, (h, k) = FUNCTIONS[name], H[0].real, H[1:3].real
    z = a.astype(complex)
    np.testing.assert_allclose(slope(f, z).real, slope(f, a), 1e-9, 1e-9)
    np.testing.assert_allclose(curvature(f, z, h, k), curvature(f, a, h, k), 1e-9, 1e-9)


def test_the_factors_of_qr_are_numpys_with_a_real_diagonal():
    for shape in ((4, 4), (4, 2), (2, 4)):
        a, h = (x[: shape[0], : shape[1]] for x in H[:2])
        (q, r), moved = mg.jvp(lambda a: [*np.linalg.qr(a)], a, h)
        assert np.all(np.diagonal(r).imag == 0)
        np.testing.assert_array_equal(q, np.linalg.qr(a)[0])
        for i, dy in enumerate(moved):
            np.testing.assert_allclose(
                dy, oracle.along(lambda a, i=i: np.linalg.qr(a)[i], [a], [h]), 1e-7, 1e-8
            )


def test_a_real_matrix_beside_complex_numbers_has_a_real_gradient():
    A, b = Tensor(H[0].real[:, :2]), Tensor(H[1, 0])
    x, squares, _, _ = np.linalg.lstsq(A, b)
    assert squares.dtype == float
    dA, db = gradients(np.sum(np.abs(x)) + np.sum(squares), [A, b])
    assert (dA.dtype, db.dtype) == (float, complex)


# ---- transforms ----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", FUNCTIONS)
def test_transforms_of_functions_of_complex_matrices(name):
    f, a, h = FUNCTIONS[name], H[0], H[1]
    g = mg.grad(f)(a)
    np.testing.assert_allclose(mg.jacobian(f)(a), g)
    assert mg.jvp(f, a, h)[1] == pytest.approx(oracle.inner(g, h))
    numeric = oracle.along(mg.grad(f), [a], [h], h=0.002)
    np.testing.assert_allclose(mg.hvp(f)(a, h), numeric, 1e-5, 1e-5)


def test_jacobians_of_what_is_real_and_of_what_is_not_holomorphic():
    values = mg.jacobian(np.linalg.eigvalsh)(rotated(1, 2, 3))
    assert values.shape == (3, 3, 3)
    np.testing.assert_allclose(np.sum(values, axis=0), np.eye(3), atol=1e-12)
    np.testing.assert_allclose(  # of a regular matrix the pseudo-inverse is holomorphic
        mg.jacobian(np.linalg.pinv)(H[0]), mg.jacobian(np.linalg.inv)(H[0]), 1e-9, 1e-9
    )
    with pytest.raises(TypeError, match="not holomorphic"):
        mg.jacobian(np.linalg.pinv)(H[0, :2])


# ---- values that coincide, or are zero -----------------------------------------------------------
SYMMETRIC_FUNCTIONS = {
    "sum": (np.sum, lambda a: np.eye(4)),
    "sum of squares": (lambda w: np.sum(w * w), lambda a: 2 * a),
    "sum of logarithms": (lambda w: np.sum(np.log(w)), np.linalg.inv),
}


@pytest.mark.parametrize("name", SYMMETRIC_FUNCTIONS)
@pytest.mark.parametrize("values", [(2, 2, 2, 2), (1, 1, 3, 3), (1, 2, 2, 2)])
def test_a_symmetric_function_of_equal_eigenvalues_has_a_gradient(name, values):
    f, gradient = SYMMETRIC_FUNCTIONS[name]
    a = rotated(*values)
    for of in (np.linalg.eigvalsh, lambda a: np.linalg.eigh(a)[0]):
        grad = slope(lambda a, of=of: f(of(a + mH(a))), a / 2)
        np.testing.assert_allclose(grad, 2 * mT(gradient(a)), atol=1e-12)


def test_the_largest_eigenvalue_does_not_mind_that_others_coincide():
    a, (h, k) = np.diag([1.0, 1.0, 1.0, 3.0]) + 0j, (H[:2] + mH(H[:2])) / 2
    exact = 2 * np.real(np.sum(h[:3, 3] * np.conj(k[:3, 3]))) / (3 - 1)
    for top in (lambda a: np.linalg.eigvalsh(a)[-1], lambda a: np.linalg.norm(a, 2)):
        assert oracle.inner(slope(top, a), h) == pytest.approx(h[3, 3].real)
        assert curvature(top, a, h, k) == pytest.approx(exact)


def test_the_vectors_of_equal_values_have_no_derivative_and_say_so():
    a = np.eye(3) + 0j
    for f in (VECTORS["np.linalg.eigh"], VECTORS["np.linalg.svd"]):
        assert not np.isfinite(slope(lambda a, f=f: np.abs(f(a)) ** 2 * WEIGHTS[:3, :3], a)).any()


@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (2, 4)])
def test_the_nuclear_norm_has_two_derivatives_at_equal_singular_values(shape):
    a = linalg.complex_equal(np.random.default_rng(2), shape)
    h, k = (x[: shape[0], : shape[1]] for x in H[:2])
    numeric = oracle.along(lambda x: oracle.inner(slope(FUNCTIONS["nuc"], x), h), [a], [k])
    assert curvature(FUNCTIONS["nuc"], a, h, k) == pytest.approx(numeric, rel=1e-8)


def test_a_singular_value_of_zero_has_derivative_zero():
    a = np.diag([3j, 0.0])
    for f in (np.linalg.svdvals, lambda a: np.linalg.svd(a).S, lambda a: np.linalg.norm(a, "nuc")):
        assert slope(f, 0 * a).tolist() == (0 * a).tolist()
        np.testing.assert_allclose(slope(f, a), [[-1j, 0], [0, 0]], atol=1e-15)
    u = slope(lambda a: np.abs(np.linalg.svd(a)[0]) ** 2 * [1, 0], a)
    assert np.isfinite(u).all()
    assert slope(np.linalg.pinv, 0 * a).tolist() == np.zeros((2, 2)).tolist()


def test_equal_singular_values_share_the_2_norm_and_the_condition_evenly():
    a = 1j * np.eye(3)
    for order in (2, -2):
        grad = slope(lambda a, o=order: np.linalg.norm(a, o), a)
        np.testing.assert_allclose(grad, -a / 3, atol=1e-15)
    for p in (None, 2, -2, "fro", "nuc"):
        grad = slope(lambda a, p=p: np.linalg.cond(a, p), a)
        np.testing.assert_allclose(grad, 0, atol=1e-14)


# ---- the triangle that is read -------------------------------------------------------------------
ONE_TRIANGLE = {
    "eigvalsh": np.linalg.eigvalsh,
    "eigh": lambda a, UPLO="L": np.abs(np.linalg.eigh(a, UPLO).eigenvectors) ** 2,
    "cholesky": lambda a, UPLO="L": np.linalg.cholesky(a, upper=UPLO == "U"),
    "svd": lambda a, UPLO: np.linalg.svd(a, hermitian=True).S,
    "pinv": lambda a, UPLO: np.linalg.pinv(a, hermitian=True),
}


@pytest.mark.parametrize("name", ONE_TRIANGLE)
@pytest.mark.parametrize("UPLO", ["L", "U"])
def test_nothing_reaches_the_other_triangle_nor_the_imaginary_part_of_the_diagonal(name, UPLO):
    f, lower = ONE_TRIANGLE[name], UPLO == "L" or name in ("svd", "pinv")
    read = np.tri(4) if lower else np.tri(4).T
    a = rotated(1, 2, 3, 5)
    junk = np.where(read > 0, a + 1j * np.diag([1.0, 2, 3, 4]), H[0])
    x, y = Tensor(a), Tensor(junk)
    values = [f(t, UPLO) for t in (x, y)]
    np.testing.assert_allclose(values[0].data, values[1].data, atol=1e-12)
    v = RNG.normal(size=values[0].shape)
    grads = [gradients(value, t, v) for value, t in zip(values, (x, y), strict=True)]
    np.testing.assert_allclose(grads[0], grads[1], atol=1e-12)
    assert np.all(grads[0][read == 0] == 0)
    assert np.all(np.diagonal(grads[0]).imag == 0)
    assert np.all(grads[0][read > 0] != 0)
