"""Inverses, equations, determinants, decompositions and norms.

Matrices are drawn with singular values and eigenvalues well apart. Vectors that are given up to
their sign, or their phase, are multiplied in pairs.
"""

import numpy as np
from hypothesis import strategies as st

from domains.samples import FLIP, WIDE, axes, calls, flat, one, several, signed
from minigrad import Tensor
from minigrad.derivatives import norms, spectra
from minigrad.derivatives.decompositions import eigen_factors, singular_factors


# ---- matrices: functions (rng, shape) -> array ---------------------------------------------------
def frame(rng, shape, k):
    """Orthonormal columns."""
    return np.linalg.qr(rng.normal(size=(*shape, k)))[0] if k else np.zeros((*shape, 0))


def apart(rng, shape):
    """Numbers 0.6 apart, in any order, none near 0."""
    return 0.8 + 0.6 * rng.permuted(np.broadcast_to(np.arange(shape[-1]), shape), axis=-1)


def regular(rng, shape):
    """Full rank, with singular values well apart."""
    *lead, m, n = shape
    k = min(m, n)
    s = apart(rng, (*lead, k))
    u, v = frame(rng, (*lead, m), k), frame(rng, (*lead, n), k)
    return (u * s[..., None, :]) @ np.swapaxes(v, -1, -2)


def symmetric(rng, shape):
    """Eigenvalues of both signs, with sizes well apart."""
    w = apart(rng, shape[:-1]) * rng.choice([-1, 1], shape[:-1])
    v = frame(rng, shape[:-1], shape[-1])
    return (v * w[..., None, :]) @ np.swapaxes(v, -1, -2)


def diagonalizable(rng, shape):
    """Real eigenvalues well apart, and vectors that are not orthogonal."""
    w = apart(rng, shape[:-1]) * rng.choice([-1, 1], shape[:-1])
    v = frame(rng, shape[:-1], shape[-1]) + rng.uniform(-0.2, 0.2, shape)
    return (v * w[..., None, :]) @ np.linalg.inv(v)


def complex_frame(rng, shape, k):
    """Orthonormal columns of complex numbers."""
    noise = rng.normal(size=(2, *shape, k))
    return np.linalg.qr(noise[0] + 1j * noise[1])[0] if k else np.zeros((*shape, 0), complex)


def complex_regular(rng, shape):
    """Full rank, with singular values well apart, of a complex matrix."""
    *lead, m, n = shape
    k = min(m, n)
    u, v = complex_frame(rng, (*lead, m), k), complex_frame(rng, (*lead, n), k)
    return (u * apart(rng, (*lead, k))[..., None, :]) @ np.swapaxes(v, -1, -2)


def hermitian(rng, shape):
    """Eigenvalues of both signs, with sizes well apart, and complex vectors."""
    w = apart(rng, shape[:-1]) * rng.choice([-1, 1], shape[:-1])
    v = complex_frame(rng, shape[:-1], shape[-1])
    return (v * w[..., None, :]) @ np.conj(np.swapaxes(v, -1, -2))


def complex_positive(rng, shape):
    """Hermitian, with eigenvalues well apart, all above 0."""
    v = complex_frame(rng, shape[:-1], shape[-1])
    return (v * apart(rng, shape[:-1])[..., None, :]) @ np.conj(np.swapaxes(v, -1, -2))


def complex_equal(rng, shape):
    """A multiple of a complex matrix with orthonormal rows or columns."""
    *lead, m, n = shape
    k = min(m, n)
    u, v = complex_frame(rng, (*lead, m), k), complex_frame(rng, (*lead, n), k)
    return 1.5 * u @ np.swapaxes(v, -1, -2)


def complex_diagonalizable(rng, shape):
    """Complex eigenvalues well apart, and vectors that are not orthogonal."""
    w = apart(rng, shape[:-1]) * np.exp(1j * rng.uniform(-3, 3, shape[:-1]))
    v = complex_frame(rng, shape[:-1], shape[-1]) + rng.uniform(-0.2, 0.2, shape)
    return (v * w[..., None, :]) @ np.linalg.inv(v)


def complex_numbers(rng, shape):
    return rng.uniform(-2, 2, shape) + 1j * rng.uniform(-2, 2, shape)


def complex_singular(rng, shape):
    a = complex_regular(rng, shape)
    a[..., 0, :] = 0
    return a


def turning(rng, shape):
    """A real matrix with complex eigenvalues."""
    n = shape[-1]
    skew = np.tri(n, k=-1) - np.tri(n, k=-1).T
    return np.broadcast_to(np.diag(np.arange(n) * 0.3) + skew, shape) + rng.uniform(
        -0.1, 0.1, shape
    )


def positive(rng, shape):
    v = frame(rng, shape[:-1], shape[-1])
    return (v * apart(rng, shape[:-1])[..., None, :]) @ np.swapaxes(v, -1, -2)


def equal(rng, shape):
    """A multiple of a matrix with orthonormal rows or columns."""
    *lead, m, n = shape
    k = min(m, n)
    return 1.5 * frame(rng, (*lead, m), k) @ np.swapaxes(frame(rng, (*lead, n), k), -1, -2)


def any_rank(rng, shape):
    """Some singular values are 0."""
    k = min(shape[-2:])
    rank = int(rng.integers(0, k + 1))
    return rng.uniform(-1, 1, (*shape[:-1], rank)) @ rng.uniform(
        -1, 1, (*shape[:-2], rank, shape[-1])
    )


def sized(rng, shape):
    """Sizes distinct among the entries, and among their sums along axes; any sign."""
    places = np.indices(shape)
    power = sum(
        rng.permutation(n)[i] * 3**k for k, (n, i) in enumerate(zip(shape, places, strict=True))
    )
    return 0.4 * 1.12**power * rng.choice([-1, 1], shape)


def complex_sized(rng, shape):
    """Of the same sizes, and any phase."""
    return sized(rng, shape) * np.exp(1j * rng.uniform(-3, 3, shape))


# ---- shapes --------------------------------------------------------------------------------------
LEADS = st.sampled_from([(), (), (2,), (2, 1), (0,)])
SIDE = st.sampled_from([2, 3, 1, 2, 3, 0])
FULL = st.sampled_from([2, 3, 1])


@st.composite
def square(draw, side=SIDE, leads=LEADS):
    n = draw(side)
    return [(*draw(leads), n, n)]


@st.composite
def oblong(draw, side=SIDE, leads=LEADS):
    return [(*draw(leads), draw(side), draw(side))]


@st.composite
def several_frames(draw):
    lead, m, k = draw(LEADS), draw(SIDE), draw(SIDE)
    return [(*lead, m, k), (*lead, m, k), (*lead, k)]


@st.composite
def equations(draw):
    """A stack of matrices; one vector for all, or matrices whose stack broadcasts."""
    n, lead = draw(SIDE), draw(LEADS)
    b = draw(st.sampled_from([(n,), (*lead, n, 2), (n, 1), (2, *(1 for _ in lead), n, 0)]))
    return [(*lead, n, n), b]


@st.composite
def low_rank(draw):
    lead, m, n, r = draw(LEADS), draw(FULL), draw(FULL), draw(st.integers(1, 2))
    return [(*lead, m, min(m, n, r)), (*lead, min(m, n, r), n)]


@st.composite
def least_squares(draw):
    m, n = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    return [(m, n), draw(st.sampled_from([(m,), (m, 2)]))]


# ---- what does not depend on signs, or phases ----------------------------------------------------
def mT(a):
    return np.swapaxes(a, -1, -2)


def pairs(u, v):
    """Every uⱼ vⱼᵀ."""
    return u[..., :, None, :] * v[..., None, :, :]


def of_eigh(a, *args, **keywords):
    w, v = np.linalg.eigh(a, *args, **keywords)
    return flat([w, pairs(v, np.conj(v))])


def of_eig(a):
    w, v = np.linalg.eig(a)
    vh = np.conj(mT(v))
    return flat([power_sums(w), *[(v * w[..., None, :] ** k) @ vh for k in (0, 1, 2)]])


def of_eigvals(a):
    return power_sums(np.linalg.eigvals(a))


def power_sums(w):
    """The eigenvalues, whatever their order."""
    return flat([np.sum(w**k, axis=-1) for k in (1, 2, 3)])


def of_svd(a, **keywords):
    u, s, vh = np.linalg.svd(a, **keywords)
    k = s.shape[-1]
    u, v = u[..., :k], mT(vh)[..., :k]
    return flat([s, pairs(u, v), pairs(u, np.conj(u)), pairs(v, np.conj(v))])


def of_qr(a, *args, **keywords):
    """With the signs that make R's diagonal positive."""
    q, r = np.linalg.qr(a, *args, **keywords)
    k = q.shape[-1]
    sign = signs(r[..., :k])
    return flat([q * sign[..., None, :], r * sign[..., None]])


def signs(r):
    return np.sign(np.diagonal(r.data if isinstance(r, Tensor) else r, axis1=-2, axis2=-1))


def of_r(a):
    r = np.linalg.qr(a, "r")
    return r * signs(r[..., : r.shape[-2]])[..., None]


def leading(rng, shape):
    """Regular already in the first columns, from which QR makes Q."""
    *lead, m, n = shape
    if m >= n:
        return regular(rng, shape)
    rest = rng.normal(size=(*lead, m, n - m))
    return np.concatenate([regular(rng, (*lead, m, m)), rest], axis=-1)


def complex_leading(rng, shape):
    """Regular already in the first columns, and complex."""
    *lead, m, n = shape
    if m >= n:
        return complex_regular(rng, shape)
    rest = rng.normal(size=(*lead, m, n - m)) * 1j
    return np.concatenate([complex_regular(rng, (*lead, m, m)), rest], axis=-1)


# ---- options -------------------------------------------------------------------------------------
def choose(*options):
    return lambda draw, *shapes: ((), draw(st.sampled_from(options)))


UPLO = [((), {}), (("L",), {}), (("u",), {}), ((), {"UPLO": "U"})]


def uplo(draw, shape):
    return draw(st.sampled_from(UPLO))


def svd_options(draw, shape):
    full = shape[-1] == shape[-2] and draw(FLIP)
    return (), {} if full else {"full_matrices": False}


def qr_options(draw, shape):
    complete = [(("complete",), {})] if shape[-2] <= shape[-1] else []
    return draw(st.sampled_from([((), {}), ((), {"mode": "reduced"}), *complete]))


VECTOR_ORDERS = [1, 2, np.inf, -np.inf, 3, 0.5, -1, -2.5]
ENTRY_ORDERS = ["fro", 1, -1, np.inf, -np.inf]
VALUE_ORDERS = [2, -2, "nuc"]


def either(draw, **keywords):
    """By place or by name."""
    by_place = tuple(keywords.values()), {}
    return draw(st.sampled_from([by_place, ((), keywords)]))


def norm_options(draw, shape):
    axis = draw(axes(len(shape), min_axes=1).filter(lambda a: np.size(a) < 3))
    count = len(shape) if axis is None else np.size(axis)
    ord = draw(st.sampled_from([None, *{1: VECTOR_ORDERS, 2: ENTRY_ORDERS}.get(count, [])]))
    return either(draw, ord=ord, axis=axis, keepdims=draw(FLIP))


def zero_size_options(draw, shape):
    keywords = {"axis": None, "keepdims": draw(FLIP)}
    if len(shape) and draw(FLIP):
        keywords |= {"axis": draw(st.integers(-len(shape), len(shape) - 1)), "ord": 1}
    return (), keywords


def vector_norm_options(draw, shape):
    axis = draw(axes(len(shape), min_axes=1)) if shape else None
    ord = draw(st.sampled_from(VECTOR_ORDERS))
    return (), {"axis": axis, "ord": ord, "keepdims": draw(FLIP)}


def matrix_norm_options(*orders):
    def options(draw, shape):
        return (), {"ord": draw(st.sampled_from(orders)), "keepdims": draw(FLIP)}

    return options


def norm_of_moved(x, ord, keepdims):
    """The matrices stand along other axes than the last two."""
    columns_first = np.moveaxis(x, -1, 0)
    return np.linalg.norm(columns_first, ord, (-1, 0), keepdims)


def p_norm_options(draw, shape):
    p = draw(st.sampled_from([3, 0.5, -1, -2.5, 1.5]))
    return (p, draw(st.integers(-len(shape), len(shape) - 1)), draw(FLIP)), {}


# ---- calls of the helpers of rules, with factors that belong to their matrix ---------------------
def of_eigen(function):
    def call(first, a):
        a = spectra.mirrored(a)
        return function(first, a, *eigen_factors(np.linalg.eigh)(a))

    return call


def of_singular(function, fixed=False):
    def call(first, a):
        return function(first, a, *singular_factors()(a), fixed)

    return call


@st.composite
def values_and_matrix(draw, shapes):
    (shape,) = draw(shapes)
    return [(*shape[:-2], min(shape[-2:])), shape]


def twice(shapes):
    return shapes.map(lambda s: s * 2)


def quotient_call(x, d):
    return spectra.quotient(x, d, np.zeros((), bool))


def of_lstsq(a, b):
    x, squares, _, s = np.linalg.lstsq(a, b, rcond=None)
    return flat([x, squares, s])


def of_truncated_lstsq(a, b):
    return np.linalg.lstsq(a, b, rcond=0.5)[0]


def norms_of(entries, matrix, of_equal):
    """By entries, by singular values that are apart, and the one that does not mind equal ones."""
    every = matrix_norm_options(*ENTRY_ORDERS[:1], *VALUE_ORDERS)
    return st.one_of(
        calls(np.linalg.norm, entries, shapes=one(1, 1), options=norm_options),
        calls(np.linalg.norm, entries, shapes=one(), options=zero_size_options),
        calls(norm_of_moved, matrix, shapes=oblong(FULL), options=every),
        calls(lambda x: np.linalg.norm(x, "nuc"), of_equal, shapes=oblong(FULL, st.just(()))),
    )


def matrix_norms_of(entries, matrix):
    by_entries, by_values = matrix_norm_options(*ENTRY_ORDERS), matrix_norm_options(*VALUE_ORDERS)
    return st.one_of(
        calls(np.linalg.matrix_norm, entries, shapes=one(2, 1), options=by_entries),
        calls(np.linalg.matrix_norm, matrix, shapes=oblong(FULL), options=by_values),
    )


def condition(matrix):
    by_values, by_inverse = (
        lambda draw, shape, orders=orders: either(draw, p=draw(st.sampled_from(orders)))
        for orders in ([None, 2, -2], ["fro", "nuc"])
    )
    return st.one_of(
        calls(np.linalg.cond, matrix, shapes=oblong(FULL), options=by_values),
        calls(np.linalg.cond, matrix, shapes=square(FULL), options=by_inverse),
    )


def pseudo_inverses(matrix, of_equal, own_adjoint):
    cuts = choose({}, {"rcond": 1e-3}, {"rtol": None}, {"rtol": 0.1})
    return st.one_of(
        calls(np.linalg.pinv, matrix, shapes=oblong(), options=cuts),
        calls(np.linalg.pinv, of_equal, shapes=oblong(FULL)),
        calls(lambda a: np.linalg.pinv(a, rtol=0.5), matrix, shapes=oblong(FULL)),
        calls(lambda a: np.linalg.pinv(a, hermitian=True), own_adjoint, shapes=square()),
        calls(lambda a: np.linalg.pinv(a, 0.5, True), own_adjoint, shapes=square(FULL)),
        calls(lambda b, c: np.linalg.pinv(b @ c, 1e-5), matrix, matrix, shapes=low_rank()),
    )


def least_square_solutions(matrix, numbers):
    return st.one_of(
        calls(of_lstsq, matrix, numbers, shapes=least_squares()),
        calls(of_truncated_lstsq, matrix, numbers, shapes=least_squares()),
    )


def cholesky_factors(matrix):
    options = choose({}, {"upper": True}, {"upper": False})
    return calls(np.linalg.cholesky, matrix, shapes=square(), options=options)


def singular_vectors(matrix, own_adjoint):
    def values(a):
        return np.linalg.svd(a, compute_uv=False, hermitian=True)

    return st.one_of(
        calls(of_svd, matrix, shapes=oblong(), options=svd_options),
        calls(lambda a: of_svd(a, hermitian=True), own_adjoint, shapes=square()),
        calls(values, own_adjoint, shapes=square()),
        calls(lambda a: np.linalg.svd(a, compute_uv=False), matrix, shapes=oblong()),
    )


def orthonormal_and_triangular(matrix):
    return st.one_of(
        calls(of_qr, matrix, shapes=oblong(), options=qr_options),
        calls(of_r, matrix, shapes=oblong()),
    )


DOMAINS = {
    # inverses and equations
    np.linalg.inv: calls(np.linalg.inv, regular, shapes=square()),
    np.linalg.solve: calls(np.linalg.solve, regular, WIDE, shapes=equations()),
    np.linalg.tensorsolve: st.one_of(
        calls(
            lambda a, b: np.linalg.tensorsolve(np.reshape(a, (2, 3, 6)), b),
            regular,
            WIDE,
            shapes=st.just([(6, 6), (2, 3)]),
        ),
        calls(
            lambda a, b: np.linalg.tensorsolve(
                np.moveaxis(np.reshape(a, (4, 2, 2)), 2, 0), b, axes=(0,)
            ),
            regular,
            WIDE,
            shapes=st.just([(4, 4), (4,)]),
        ),
    ),
    np.linalg.tensorinv: st.sampled_from(
        [((2, 2, 4), 2), ((4, 2, 2), 1), ((2, 3, 3, 2), 2)]
    ).flatmap(
        lambda form: calls(
            lambda a: np.linalg.tensorinv(np.reshape(a, form[0]), ind=form[1]),
            regular,
            shapes=st.just([(int(np.prod(form[0]) ** 0.5),) * 2]),
        )
    ),
    np.linalg.pinv: pseudo_inverses(regular, equal, symmetric),
    np.linalg.lstsq: least_square_solutions(regular, WIDE),
    # determinants
    np.linalg.det: st.one_of(
        calls(np.linalg.det, any_rank, shapes=square()),
        calls(np.linalg.det, regular, shapes=square()),
    ),
    np.linalg.slogdet: calls(lambda a: np.linalg.slogdet(a)[1], regular, shapes=square()),
    # decompositions
    np.linalg.cholesky: cholesky_factors(positive),
    np.linalg.eigh: calls(of_eigh, symmetric, shapes=square(), options=uplo),
    np.linalg.eigvalsh: calls(np.linalg.eigvalsh, symmetric, shapes=square(), options=uplo),
    np.linalg.eig: calls(of_eig, diagonalizable, shapes=square()),
    np.linalg.eigvals: calls(of_eigvals, diagonalizable, shapes=square()),
    np.linalg.svd: singular_vectors(regular, symmetric),
    np.linalg.svdvals: calls(np.linalg.svdvals, regular, shapes=oblong()),
    np.linalg.qr: orthonormal_and_triangular(leading),
    # norms
    np.linalg.norm: norms_of(sized, regular, equal),
    np.linalg.vector_norm: calls(
        np.linalg.vector_norm, sized, shapes=one(0, 1), options=vector_norm_options
    ),
    np.linalg.matrix_norm: matrix_norms_of(sized, regular),
    np.linalg.cond: condition(regular),
    norms.p_norm: calls(norms.p_norm, sized, shapes=one(1, 1), options=p_norm_options),
    # helpers of the rules
    spectra.mirrored: calls(
        spectra.mirrored,
        WIDE,
        shapes=square(),
        options=lambda draw, shape: ((draw(FLIP),), {}),
    ),
    spectra.quotient: calls(quotient_call, WIDE, signed(0.4, 2), shapes=several(2)),
    spectra.turned: calls(
        lambda g, z, w: spectra.turned(g, z, spectra.differences(w)),
        WIDE,
        WIDE,
        apart,
        shapes=several_frames(),
    ),
    norms.nuclear_norm: calls(
        lambda x: norms.nuclear_norm(x, singular_factors()), regular, shapes=oblong(FULL)
    ),
    spectra.eigen_sum: calls(
        of_eigen(spectra.eigen_sum), WIDE, symmetric, shapes=values_and_matrix(square())
    ),
    spectra.eigen_loads: calls(
        of_eigen(spectra.eigen_loads), WIDE, symmetric, shapes=twice(square())
    ),
    spectra.singular_sum: calls(
        of_singular(spectra.singular_sum), WIDE, regular, shapes=values_and_matrix(oblong())
    ),
    spectra.singular_loads: calls(
        of_singular(spectra.singular_loads), WIDE, regular, shapes=twice(oblong())
    ),
}

WITH_COMPLEX_NUMBERS = {
    np.linalg.slogdet: calls(
        lambda a: flat(np.linalg.slogdet(a)), complex_regular, shapes=square()
    ),
    np.linalg.inv: calls(np.linalg.inv, complex_regular, shapes=square()),
    np.linalg.solve: st.one_of(
        calls(np.linalg.solve, complex_regular, WIDE, shapes=equations()),
        calls(np.linalg.solve, regular, complex_numbers, shapes=equations()),
    ),
    np.linalg.tensorsolve: calls(
        lambda a, b: np.linalg.tensorsolve(np.reshape(a, (2, 3, 6)), b),
        complex_regular,
        complex_numbers,
        shapes=st.just([(6, 6), (2, 3)]),
    ),
    np.linalg.tensorinv: calls(
        lambda a: np.linalg.tensorinv(np.reshape(a, (2, 2, 4))),
        complex_regular,
        shapes=st.just([(4, 4)]),
    ),
    np.linalg.det: st.one_of(
        calls(np.linalg.det, complex_regular, shapes=square()),
        calls(
            lambda b, c: np.linalg.det(b @ c),
            complex_numbers,
            complex_numbers,
            shapes=st.just([(3, 1), (1, 3)]),
        ),
        calls(np.linalg.det, complex_singular, shapes=square(FULL)),
    ),
    np.linalg.eig: st.one_of(
        calls(of_eig, complex_diagonalizable, shapes=square()),
        calls(of_eig, turning, shapes=square(FULL)),
    ),
    np.linalg.eigvals: st.one_of(
        calls(of_eigvals, complex_diagonalizable, shapes=square()),
        calls(of_eigvals, turning, shapes=square(FULL)),
    ),
    # decompositions
    np.linalg.cholesky: cholesky_factors(complex_positive),
    np.linalg.eigh: calls(of_eigh, hermitian, shapes=square(), options=uplo),
    np.linalg.eigvalsh: calls(np.linalg.eigvalsh, hermitian, shapes=square(), options=uplo),
    np.linalg.svd: singular_vectors(complex_regular, hermitian),
    np.linalg.svdvals: calls(np.linalg.svdvals, complex_regular, shapes=oblong()),
    np.linalg.qr: orthonormal_and_triangular(complex_leading),
    # by singular values
    np.linalg.pinv: pseudo_inverses(complex_regular, complex_equal, hermitian),
    np.linalg.lstsq: st.one_of(
        least_square_solutions(complex_regular, complex_numbers),
        least_square_solutions(regular, complex_numbers),
    ),
    np.linalg.norm: norms_of(complex_sized, complex_regular, complex_equal),
    np.linalg.vector_norm: calls(
        np.linalg.vector_norm, complex_sized, shapes=one(0, 1), options=vector_norm_options
    ),
    np.linalg.matrix_norm: matrix_norms_of(complex_sized, complex_regular),
    np.linalg.cond: condition(complex_regular),
    # helpers of the rules: what weighs values is real, what weighs matrices is complex
    norms.nuclear_norm: calls(
        lambda x: norms.nuclear_norm(x, singular_factors()), complex_regular, shapes=oblong(FULL)
    ),
    spectra.eigen_sum: calls(
        of_eigen(spectra.eigen_sum), WIDE, hermitian, shapes=values_and_matrix(square())
    ),
    spectra.eigen_loads: calls(
        of_eigen(spectra.eigen_loads), complex_numbers, hermitian, shapes=twice(square())
    ),
    spectra.singular_sum: calls(
        of_singular(spectra.singular_sum), WIDE, complex_regular, shapes=values_and_matrix(oblong())
    ),
    spectra.singular_loads: calls(
        of_singular(spectra.singular_loads),
        complex_numbers,
        complex_regular,
        shapes=twice(oblong()),
    ),
}
