"""The hard points of linear algebra: singular matrices, values that coincide, zeros, triangles."""

import itertools

import numpy as np
import oracle
import pytest
from domains import linalg
from hypothesis import given
from hypothesis import strategies as st
from test_derivatives import name_of

from minigrad import Tensor, gradients
from minigrad.derivatives import spectra
from minigrad.derivatives.decompositions import eigen_factors, singular_factors

RNG = np.random.default_rng(0)
H = RNG.normal(size=(4, 4, 4))  # directions


def slope(f, at, v=None):
    """Differentiate f at a point: its pullback, of ones or of v."""
    x = Tensor(at)
    y = f(x)
    return gradients(y, x, np.ones(y.shape) if v is None else v)


def along(f, at, directions):
    """Differentiate a scalar f again and again, each time along the next direction."""
    x, found = Tensor(at), []
    y = f(x)
    for h in directions:
        y = np.sum(gradients(y, x, create_graph=True) * h)
        found.append(y.item())
    return found


def curvature(f, at, h, k):
    return along(f, at, [h, k])[1]


def rotated(*values):
    """A symmetric matrix with these eigenvalues."""
    v = np.linalg.qr(np.random.default_rng(1).normal(size=(len(values),) * 2))[0]
    return v @ np.diag(values) @ v.T


@pytest.mark.parametrize("function", linalg.DOMAINS, ids=name_of)
@given(data=st.data())
def test_what_is_recorded_is_what_numpy_computes(function, data):
    s = data.draw(linalg.DOMAINS[function])
    assert np.array_equal(s.call(*s.tensors()).data, s.call(*s.leaves))


# ---- determinants of singular matrices -----------------------------------------------------------
def leibniz(a):
    """The determinant as the sum over permutations."""
    n = a.shape[-1]
    signs = [np.linalg.det(np.eye(n)[list(p)]) for p in itertools.permutations(range(n))]
    return sum(
        sign * np.prod(a[range(n), p])
        for sign, p in zip(signs, map(list, itertools.permutations(range(n))), strict=True)
    )


SINGULAR = {
    "zero": np.zeros((4, 4)),
    "one": np.eye(4),
    "rank 1": np.outer(H[0, 0], H[0, 1]),
    "rank 2": H[0][:, :2] @ H[1][:2],
    "rank 3": H[0][:, :3] @ H[1][:3],
    "rank 3, repeated": np.diag([2.0, 2.0, 2.0, 0.0]),
    "nearly singular": np.diag([1.0, -1e-3, 1e-6, 1e-9]),
    "a zero row": H[0] * [[1], [1], [0], [1]],
    "equal columns": H[0][:, [0, 1, 1, 3]],
}


@pytest.mark.parametrize("name", SINGULAR)
def test_the_determinant_has_all_its_derivatives_at_singular_matrices(name):
    a = SINGULAR[name]
    np.testing.assert_allclose(
        along(np.linalg.det, a, H), along(leibniz, a, H), rtol=1e-11, atol=1e-13
    )


def test_the_gradient_of_a_determinant_is_the_matrix_of_cofactors():
    assert slope(np.linalg.det, np.diag([3.0, 0.0, 2.0])).tolist() == np.diag([0, 6.0, 0]).tolist()
    assert slope(np.linalg.det, [[0.0]]).tolist() == [[1.0]]
    assert slope(np.linalg.det, np.zeros((0, 0))).shape == (0, 0)
    stack = np.stack([np.zeros((4, 4)), SINGULAR["rank 3"], np.eye(4) * 1e-5, H[3]])
    each = [slope(np.linalg.det, a) for a in stack]
    np.testing.assert_allclose(slope(np.linalg.det, stack), each, rtol=1e-9, atol=1e-18)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_gradient_of_a_determinant_is_nan_where_the_matrix_is():
    a = np.stack([np.full((2, 2), np.nan), np.eye(2)])
    grad = slope(np.linalg.det, a)
    assert np.isnan(grad[0]).all()
    np.testing.assert_allclose(grad[1], np.eye(2))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_infinite_entry_is_no_error_in_the_gradient_of_a_determinant():
    assert slope(np.linalg.det, [[np.inf, 0.0], [0.0, 1.0]]).shape == (2, 2)


def test_cofactors_of_many_rows_none_of_them_small():
    s = np.repeat([1.0, 1 / 400], 40)
    q, r = np.linalg.qr(np.random.default_rng(3).normal(size=(2, 80, 80)))[0]
    a = 15 * (q * s) @ r
    expected = np.linalg.det(a) * np.linalg.inv(a).T
    np.testing.assert_allclose(slope(np.linalg.det, a), expected, atol=1e-9 * np.max(expected))


def test_cofactors_of_a_large_matrix_do_not_overflow_by_the_way():
    a = np.diag([1e3] * 199 + [0.0]) * 1e-2
    grad = slope(np.linalg.det, a)
    assert grad[-1, -1] == pytest.approx(10.0**199, rel=1e-12)
    assert np.count_nonzero(np.abs(grad) > 1e150) == 1


def test_slogdet_of_a_singular_matrix_asks_nobody():
    a = np.stack([np.diag([1.0, 0.0]), np.diag([1.0, -2.0])])
    x = Tensor(a)
    sign, log = np.linalg.slogdet(x)
    assert type(sign) is np.ndarray
    assert sign.tolist() == [0.0, -1.0]
    assert log.data.tolist() == [-np.inf, np.log(2.0)]
    taken = gradients(log, x, np.array([0.0, 1.0]))
    assert taken.tolist() == [[[0.0, 0.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, -0.5]]]
    assert np.isnan(gradients(log, x, np.ones(2))[0]).all()
    chosen = np.where(sign == 0, 0.0, log)
    assert np.isfinite(gradients(np.sum(chosen), x)).all()


# ---- eigenvalues that coincide -------------------------------------------------------------------
SYMMETRIC_FUNCTIONS = {
    "sum": (np.sum, lambda a: np.eye(4)),
    "sum of squares": (lambda w: np.sum(w * w), lambda a: 2 * a),
    "sum of logarithms": (lambda w: np.sum(np.log(w)), np.linalg.inv),
    "product": (np.prod, lambda a: np.linalg.det(a) * np.linalg.inv(a)),
}


@pytest.mark.parametrize("name", SYMMETRIC_FUNCTIONS)
@pytest.mark.parametrize("values", [(2, 2, 2, 2), (1, 1, 3, 3), (1, 2, 2, 2), (1, 2, 3, 4)])
@pytest.mark.parametrize("of", [np.linalg.eigvalsh, lambda a: np.linalg.eigh(a)[0]])
def test_a_symmetric_function_of_equal_eigenvalues_has_a_gradient(name, values, of):
    f, gradient = SYMMETRIC_FUNCTIONS[name]
    for a in (np.diag(values) * 1.0, rotated(*values)):
        grad = slope(lambda a: f(of(a + mT(a))), a / 2)
        np.testing.assert_allclose(grad, 2 * gradient(a), atol=1e-12)


def mT(a):
    return np.swapaxes(a, -1, -2)


def test_the_largest_eigenvalue_does_not_mind_that_others_coincide():
    a, (h, k) = np.diag([1.0, 1.0, 1.0, 3.0]), (H[:2] + mT(H[:2])) / 2
    exact = 2 * np.sum(h[:3, 3] * k[:3, 3]) / (3 - 1)
    for top in (lambda a: np.linalg.eigvalsh(a)[-1], lambda a: np.linalg.eigh(a)[0][-1]):
        assert along(top, a, [h, k]) == pytest.approx([h[3, 3], exact], abs=1e-12)
    projection = along(lambda a: np.linalg.eigh(a)[1][0, 3] ** 2, a + 0.1 * np.eye(4), [h, k])
    assert projection == pytest.approx([0.0, 2 * h[0, 3] * k[0, 3] / 4], abs=1e-12)


def test_the_vectors_of_equal_eigenvalues_have_no_derivative_and_say_so():
    a = np.eye(3)
    assert not np.isfinite(slope(lambda a: np.linalg.eigh(a)[1] ** 3, a)).any()
    root = slope(lambda a: root_of(a), a)
    assert not np.isfinite(root[np.tri(3, k=-1) > 0]).any()
    squares = along(lambda a: np.sum(np.linalg.eigvalsh(a) ** 2), a, [H[0, :3, :3], H[1, :3, :3]])
    assert np.isfinite(squares[0])
    assert np.isnan(squares[1])


@pytest.mark.parametrize("values", [np.linalg.eigvalsh, np.linalg.svdvals])
def test_a_zero_cotangent_wins_over_a_second_derivative_that_is_nan(values):
    a = np.stack([np.eye(3), np.diag([1.0, 2.0, 3.0])])
    x = Tensor(a)
    first = gradients(np.sum(values(x) ** 3), x, create_graph=True)
    np.testing.assert_allclose(first.data, 3 * a**2, atol=1e-12)
    v = np.zeros((2, 3, 3))
    v[1] = 1.0
    second = gradients(first, x, v)
    assert second[0].tolist() == np.zeros((3, 3)).tolist()
    assert np.isfinite(second[1]).all()
    along_itself = gradients(first, x, a)
    np.testing.assert_allclose(along_itself, 6 * a**2, atol=1e-12)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_zero_cotangent_wins_over_a_quotient_that_is_nan():
    x, d = Tensor([0.0, 1.0]), Tensor([0.0, 2.0])
    y = spectra.quotient(x, d, np.array([True, True]))
    assert np.isnan(y.data).tolist() == [True, False]
    dx, dd = gradients(y, [x, d], np.array([0.0, 1.0]))
    assert (dx.tolist(), dd.tolist()) == ([0.0, 0.5], [0.0, -0.25])
    g, z, d = Tensor([[1.0, 0.0], [0.0, 0.0]]), Tensor(np.eye(2)), Tensor(np.zeros((2, 2)))
    y = spectra.turned(g, z, d)
    assert np.isnan(y.data).tolist() == [[False, False], [True, False]]
    assert not np.any(gradients(y, [g, z, d], np.zeros((2, 2))))


@pytest.mark.parametrize("shape", [(3, 3), (2, 3), (3, 2)])
def test_a_zero_cotangent_wins_over_slopes_that_are_nan(shape):
    a = Tensor(np.tri(*shape) + np.eye(*shape))
    g = Tensor(np.array([np.nan, 1.0, 2.0])[: min(shape)])
    values = [spectra.singular_sum(g, a, *singular_factors()(a), False)]
    if shape == (3, 3):
        values.append(spectra.eigen_sum(g, a, *eigen_factors(np.linalg.eigh)(a)))
    for y in values:
        assert all(np.all(dx == 0) for dx in gradients(y, [g, a], np.zeros(shape)))


def root_of(a):
    w, v = np.linalg.eigh(a)
    return (v * np.sqrt(w)) @ mT(v)


def test_a_vector_that_is_not_asked_for_does_no_harm():
    a = np.diag([1.0, 2.0, 2.0])
    first = slope(lambda a: np.linalg.eigh(a)[1][:, 0] ** 2, a, np.array([0.0, 1.0, 1.0]))
    assert first.tolist() == np.zeros((3, 3)).tolist()
    u = slope(lambda a: np.linalg.svd(a)[0][:, -1] * [0, 1, 2], a)  # s descends: 2, 2, 1
    assert np.isfinite(u).all()


def test_eigenvalues_of_a_matrix_that_is_not_symmetric():
    a = H[0] + 4 * np.diag([1.0, 2.0, 3.0, 4.0])
    assert np.isrealobj(np.linalg.eigvals(a))
    for f in (np.linalg.eigvals, lambda a: np.linalg.eig(a).eigenvalues):
        np.testing.assert_allclose(slope(f, a), np.eye(4), atol=1e-12)
        np.testing.assert_allclose(slope(lambda a, f=f: f(a) ** 2, a), 2 * a.T, atol=1e-11)
        np.testing.assert_allclose(slope(f, 2 * np.eye(3)), np.eye(3))
        assert f(Tensor([[0.0, -1.0], [1.0, 0.0]])).dtype == complex


def test_complex_eigenvalues_of_a_real_matrix_have_a_real_gradient():
    a = np.array([[0.3, -2.0], [2.0, 0.3]])
    for f in (np.linalg.eigvals, lambda a: np.linalg.eig(a).eigenvalues):
        grad = slope(lambda a, f=f: np.abs(f(a)) ** 2, a)
        assert grad.dtype == float
        np.testing.assert_allclose(grad, 2 * a, atol=1e-14)
        np.testing.assert_allclose(slope(lambda a, f=f: np.imag(f(a)) ** 2, a)[0, 0], 0, atol=1e-14)


# ---- the triangle that is read -------------------------------------------------------------------
ONE_TRIANGLE = {
    "eigvalsh": np.linalg.eigvalsh,
    "eigh": lambda a, UPLO="L": np.linalg.eigh(a, UPLO).eigenvalues,
    "cholesky": lambda a, UPLO="L": np.linalg.cholesky(a, upper=UPLO == "U"),
    "svd": lambda a: np.linalg.svd(a, hermitian=True).S,
    "pinv": lambda a: np.linalg.pinv(a, hermitian=True),
}


@pytest.mark.parametrize("name", ONE_TRIANGLE)
@pytest.mark.parametrize("UPLO", ["L", "U"])
def test_the_triangle_that_is_not_read_gets_no_gradient(name, UPLO):
    f = ONE_TRIANGLE[name]
    options = {"UPLO": UPLO} if name not in ("svd", "pinv") else {}
    lower = UPLO == "L" or not options
    read = np.tri(4) if lower else np.tri(4).T
    a = rotated(1, 2, 3, 5)
    junk = np.where(read > 0, a, H[0])
    x, y = Tensor(a), Tensor(junk)
    values = [f(t, **options) for t in (x, y)]
    assert np.array_equal(values[1].data, f(junk, **options))
    np.testing.assert_allclose(values[0].data, values[1].data)
    v = RNG.normal(size=values[0].shape)
    grads = [gradients(value, t, v) for value, t in zip(values, (x, y), strict=True)]
    np.testing.assert_allclose(grads[0], grads[1], atol=1e-12)
    assert np.all(grads[0][read == 0] == 0)
    assert np.all(grads[0][read > 0] != 0)


def test_the_gradient_by_a_triangle_is_that_of_the_symmetric_matrix():
    full = slope(lambda a: np.linalg.slogdet((a + mT(a)) / 2)[1], rotated(1, 2, 3, 5))
    half = slope(lambda a: np.sum(np.log(np.linalg.eigvalsh(a))), rotated(1, 2, 3, 5))
    np.testing.assert_allclose(half + half.T, 2 * full, atol=1e-12)


# ---- singular values that coincide, or are zero --------------------------------------------------
def test_the_gradient_of_equal_singular_values():
    q = np.linalg.qr(H[0])[0]
    for f in (np.linalg.svdvals, lambda a: np.linalg.svd(a)[1]):
        np.testing.assert_allclose(slope(f, 2 * q), q, atol=1e-14)
        np.testing.assert_allclose(slope(lambda a, f=f: f(a) ** 2, 2 * q), 4 * q, atol=1e-14)
    assert not np.isfinite(slope(lambda a: np.linalg.svd(a)[0] ** 3, np.eye(3))).any()


def test_a_singular_value_of_zero_has_derivative_zero():
    assert slope(np.linalg.svdvals, np.zeros((2, 3))).tolist() == np.zeros((2, 3)).tolist()
    a = np.diag([3.0, 0.0])
    assert slope(np.linalg.svdvals, a).tolist() == [[1.0, 0.0], [0.0, 0.0]]
    for order in ("nuc", 2, "fro", None):
        assert slope(lambda a, o=order: np.linalg.norm(a, o), a).tolist() == [[1, 0], [0, 0]]


@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (2, 4)])
def test_the_nuclear_norm_has_two_derivatives_at_equal_singular_values(shape):
    m, n = shape
    a = 1.5 * np.linalg.qr(H[0])[0][:m, :] @ np.linalg.qr(H[1])[0][:, :n]
    a = 1.5 * linalg.equal(np.random.default_rng(2), shape)
    h, k = H[0, :m, :n], H[1, :m, :n]

    def nuclear(x):
        return np.linalg.norm(x, "nuc")

    numeric = oracle.along(lambda x: np.sum(slope(nuclear, x) * h), [a], [k])
    assert curvature(nuclear, a, h, k) == pytest.approx(numeric, rel=1e-9)


def test_the_2_norm_does_not_mind_that_smaller_singular_values_coincide():
    for shape in ((4, 4), (4, 3), (3, 4)):
        a = np.eye(4)[: shape[0], : shape[1]] * [3.0, 1.0, 1.0, 1.0][: shape[1]]
        h, k = H[0, : shape[0], : shape[1]], H[1, : shape[0], : shape[1]]

        def gradient(x, h=h):
            return np.sum(slope(lambda x: np.linalg.norm(x, 2), x) * h)

        numeric = oracle.along(gradient, [a], [k])
        assert curvature(lambda x: np.linalg.norm(x, 2), a, h, k) == pytest.approx(numeric)


def test_equal_singular_values_share_the_2_norm_evenly():
    for order in (2, -2):
        grad = slope(lambda a, o=order: np.linalg.norm(a, o), np.eye(3))
        np.testing.assert_allclose(grad, np.eye(3) / 3)
    for p in (None, 2, -2):
        np.testing.assert_allclose(slope(lambda a, p=p: np.linalg.cond(a, p), np.eye(3)), 0)


def test_svd_of_a_symmetric_matrix_tells_opposite_eigenvalues_apart():
    a = np.diag([1.0, -1.0, 3.0])

    def rebuilt(a):
        u, s, vh = np.linalg.svd(a, hermitian=True)
        return (u * s[..., None, :]) @ vh

    h = H[0, :3, :3]
    np.testing.assert_allclose(
        slope(rebuilt, a, h), np.tri(3, k=-1) * (h + h.T) + np.diag(np.diag(h)), atol=1e-14
    )


# ---- pseudo-inverses -----------------------------------------------------------------------------
def test_the_pseudo_inverse_of_zero_has_derivative_zero():
    assert slope(np.linalg.pinv, np.zeros((3, 2))).tolist() == np.zeros((3, 2)).tolist()


@pytest.mark.parametrize(
    "a", [np.diag([2.0, 2.0, 0.0]), np.outer([1.0, 2.0, 3.0], [1.0, -1.0, 2.0]), np.zeros((2, 3))]
)
def test_to_cut_off_rounding_errors_alone_changes_no_derivative_of_the_pseudo_inverse(a):
    def derivatives(**cut):
        x = Tensor(a)
        y = np.linalg.pinv(x, **cut)
        first = gradients(y, x, H[0][: y.shape[0], : y.shape[1]], create_graph=True)
        return [first.data, gradients(first, x, H[1][: a.shape[0], : a.shape[1]])]

    for cut in ({"rcond": 1e-5}, {"rtol": 1e-5}):
        for found, expected in zip(derivatives(**cut), derivatives(), strict=True):
            assert np.isfinite(found).all()
            np.testing.assert_allclose(found, expected, atol=1e-12)


def test_the_pseudo_inverse_has_two_derivatives_at_equal_singular_values():
    h, k = H[0], H[1]

    def weighed(f):
        return lambda a: np.sum(f(a) * H[2])

    expected = along(weighed(np.linalg.inv), 2 * np.eye(4), [h, k])
    assert along(weighed(np.linalg.pinv), 2 * np.eye(4), [h, k]) == pytest.approx(expected)


def test_least_squares_with_too_few_or_dependent_rows():
    a, b = H[0][:, [0, 1, 1]], H[1, 0]
    x = slope(lambda b: np.linalg.lstsq(a, b)[0], b, np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(x, np.linalg.pinv(a, 1e-12).T @ [1, 2, 3], atol=1e-12)
    _, squares, rank, s = np.linalg.lstsq(Tensor(a), b)
    assert (rank, squares.shape) == (2, (0,))
    assert type(s) is Tensor
    full = np.linalg.lstsq(Tensor(H[0][:, :2]), Tensor(b))
    assert full[1].shape == (1,)
    np.testing.assert_allclose(gradients(full[1], full[0], np.ones(1)), 0, atol=1e-12)


# ---- norms at zero, and at ties ------------------------------------------------------------------
@pytest.mark.parametrize("order", [None, 1, 2, 3, 1.5, 0.5, np.inf, -np.inf])
def test_a_norm_of_zeros_has_derivative_zero(order):
    assert slope(lambda x: np.linalg.norm(x, order), np.zeros(3)).tolist() == [0, 0, 0]
    x = np.array([[3.0, -4.0], [0.0, 0.0]])
    grad = slope(lambda x: np.linalg.norm(x, order, axis=1), x)
    assert grad[1].tolist() == [0.0, 0.0]
    assert np.all(grad[0] * [1, -1] >= 0)


@pytest.mark.parametrize("order", [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_a_matrix_norm_of_zeros_has_derivative_zero(order):
    zero = np.zeros((2, 3))
    assert slope(lambda x: np.linalg.norm(x, order), zero).tolist() == zero.tolist()
    assert slope(lambda x: np.linalg.norm(x, order) ** 2, zero).tolist() == zero.tolist()


def test_a_norm_of_zeros_behind_a_where_is_safe_at_two_orders():
    def f(x):
        n = np.linalg.norm(x, axis=1)
        return np.sum(np.where(n > 0, n, 0.0))

    x = np.array([[0.0, 0.0], [3.0, 4.0]])
    first, second = along(f, x, [np.ones((2, 2))] * 2)
    assert first == pytest.approx(1.4)
    assert second == pytest.approx((25 * 2 - 49) / 125)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("order", [None, 3, -1])
def test_a_zero_cotangent_wins_over_a_norm_of_nan(order):
    x = np.array([[np.nan, 1.0], [3.0, 4.0]])
    grad = slope(lambda x: np.linalg.norm(x, order, axis=1), x, np.array([0.0, 1.0]))
    assert grad[0].tolist() == [0.0, 0.0]
    assert np.isfinite(grad[1]).all()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("order", [-1, -2, -2.5, -np.inf])
def test_negative_orders_look_at_the_smallest_entry(order):
    def norm(x):
        return np.linalg.norm(x, order)

    assert slope(norm, [0.0, 1.0, 2.0]).tolist() == [0.0, 0.0, 0.0]
    assert np.all(np.sign(slope(norm, [1.0, -1.0])) == [1, -1])


def test_entries_that_are_zero_have_slope_zero_in_a_p_norm():
    for p in (1.5, 3, 0.5, 1):
        assert slope(lambda x, p=p: np.linalg.norm(x, p), [0.0, 2.0]).tolist() == [0.0, 1.0]
    second = along(lambda x: np.linalg.norm(x, 3), [0.0, 2.0], np.array([[1.0, 0.0]] * 2))
    assert second == [0.0, 0.0]


def test_ties_of_norms_share_the_gradient():
    assert slope(lambda x: np.linalg.norm(x, np.inf), [2.0, -2.0]).tolist() == [0.5, -0.5]
    assert slope(lambda x: np.linalg.norm(x, 1), [[1.0, -1.0]]).tolist() == [[0.5, -0.5]]
    assert slope(lambda x: np.linalg.norm(x, np.inf), [[1.0], [-1.0]]).tolist() == [[0.5], [-0.5]]


def test_the_2_norm_neither_overflows_nor_underflows_in_its_derivative():
    assert slope(np.linalg.norm, [3e-150, 4e-150]) == pytest.approx([0.6, 0.8])
    assert slope(np.linalg.norm, [3e150, 4e150]) == pytest.approx([0.6, 0.8])
    assert slope(lambda x: np.linalg.norm(x, 8), [1.0, 1e-20]) == pytest.approx(
        [1.0, 1e-140], rel=1e-12, abs=0
    )


def test_the_count_of_entries_and_the_rank_are_constants():
    x = Tensor([[1.0, 0.0], [0.0, 0.0]])
    assert type(np.linalg.norm(x, 0, axis=1)) is np.ndarray
    assert np.linalg.norm(x, 0, axis=1, keepdims=True).tolist() == [[1.0], [0.0]]
    assert np.linalg.matrix_rank(x) == 1
    assert np.linalg.matrix_rank(x, tol=2.0, hermitian=True) == 0


# ---- QR, Cholesky, equations ---------------------------------------------------------------------
def test_a_stack_in_which_nobody_asks_for_the_qr_of_dependent_columns():
    a = np.stack([np.zeros((2, 2)), np.eye(2)])
    v = np.stack([np.zeros((2, 2)), np.ones((2, 2))])
    for f in (lambda a: np.linalg.qr(a)[0] * [1, 2], lambda a: np.linalg.qr(a, "r")):
        grad = slope(f, a, v)
        assert grad[0].tolist() == [[0.0, 0.0], [0.0, 0.0]]
        assert np.isfinite(grad[1]).all()


def test_qr_of_dependent_columns_has_no_derivative():
    a = np.array([[1.0, 1.0], [1.0, 1.0]])
    for f in (lambda a: np.linalg.qr(a)[0] * [1, 2], lambda a: np.linalg.qr(a, "r")):
        assert np.isfinite(slope(f, a, np.zeros((2, 2)))).all()
    a = np.array([[1.0, 0.0], [0.0, 0.0]])
    for f in (lambda a: np.linalg.qr(a)[0] * [1, 2], lambda a: np.linalg.qr(a, "r")):
        assert not np.isfinite(slope(f, a)).all()


def test_one_vector_is_one_right_hand_side_for_a_stack_of_matrices():
    a, b = np.stack([np.eye(2), 2 * np.eye(2)]), np.array([1.0, 2.0])
    A, B = Tensor(a), Tensor(b)
    x = np.linalg.solve(A, B)
    assert x.data.tolist() == [[1.0, 2.0], [0.5, 1.0]]
    dA, dB = gradients(x, [A, B], np.ones((2, 2)))
    assert dB.tolist() == [1.5, 1.5]
    assert dA.tolist() == [[[-1, -2], [-1, -2]], [[-0.25, -0.5], [-0.25, -0.5]]]
    assert slope(lambda b: np.linalg.solve([[2.0, 0.0], [0.0, 4.0]], b), b).tolist() == [0.5, 0.25]


def test_singular_equations_are_numpys_error():
    for call in (np.linalg.inv, lambda a: np.linalg.solve(a, [1.0, 1.0])):
        with pytest.raises(ValueError, match="Singular"):
            call(Tensor(np.zeros((2, 2))))
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.cholesky(Tensor(-np.eye(2)))


# ---- results by name, refusals -------------------------------------------------------------------
def test_results_have_numpys_names():
    a = np.diag([1.0, 2.0])
    for f in (np.linalg.eigh, np.linalg.eig, np.linalg.svd, np.linalg.qr, np.linalg.slogdet):
        expected, found = f(a), f(Tensor(a))
        assert type(found) is type(expected)
        for name in expected._fields:
            if name != "sign":
                assert type(getattr(found, name)) is Tensor
                assert np.array_equal(getattr(found, name).data, getattr(expected, name))
        one, *_ = found
        assert one is found[0]
    hermitian = np.linalg.svd(Tensor(a), hermitian=True)
    assert type(hermitian) is type(np.linalg.svd(a))


REFUSED = {
    "full_matrices": lambda a: np.linalg.svd(a),
    "full_matrices=False": lambda a: np.linalg.svd(mT(a), full_matrices=True),
    "mode='complete'": lambda a: np.linalg.qr(a, "complete"),
    "mode='raw'": lambda a: np.linalg.qr(a, mode="raw"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_derivative_is_refused_by_name(name):
    with pytest.raises(TypeError, match=name):
        REFUSED[name](Tensor(np.ones((3, 2))))


ERRORS = {
    "Invalid norm order": lambda a: np.linalg.norm(a, "no", axis=0),
    "Invalid norm order for matrices": lambda a: np.linalg.norm(a, 3),
    "Improper number": lambda a: np.linalg.norm(a[None], 2),
    "Duplicate axes": lambda a: np.linalg.norm(a, "nuc", (0, 0)),
    "Duplicate": lambda a: np.linalg.norm(a, 1, (0, -2)),
    "square": lambda a: np.linalg.det(a),
    "must be square": lambda a: np.linalg.eigh(a),
    "UPLO": lambda a: np.linalg.eigvalsh(a[:2], "X"),
    "both": lambda a: np.linalg.pinv(a, rcond=1.0, rtol=1.0),
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_numpy_refuses_is_refused_in_its_words(name):
    a = np.arange(6.0).reshape(3, 2)
    with pytest.raises(ValueError, match=name):
        ERRORS[name](a)
    with pytest.raises(ValueError, match=name):
        ERRORS[name](Tensor(a))
