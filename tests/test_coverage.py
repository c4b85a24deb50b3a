"""Which of NumPy's functions have derivatives: those of the issue, of autograd and of MyGrad, and
what becomes of all the others."""

import functools

import numpy as np
import pytest

from minigrad import Tensor, functions
from minigrad.derivatives.refusals import REFUSALS
from minigrad.kinds import called
from minigrad.table import CONSTANTS, RULES
from minigrad.tensor import ADAPTERS

DIFFERENTIABLE = {  # almost everywhere, and used in models
    "ufuncs": """add subtract multiply divide negative positive reciprocal square power
        float_power remainder fmod mod absolute abs fabs maximum minimum fmax fmin hypot copysign
        exp exp2 expm1 log log2 log10 log1p logaddexp logaddexp2 sqrt cbrt sin cos tan arcsin
        arccos arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh deg2rad rad2deg radians
        degrees sinc heaviside ldexp true_divide divmod modf frexp conjugate conj""",
    "reductions": """sum prod mean average var std min max amin amax ptp nansum nanprod nanmean
        nanvar nanstd nanmin nanmax nanmedian nanquantile nanpercentile nancumsum nancumprod
        median quantile percentile cumsum cumprod trapezoid diff ediff1d gradient corrcoef cov""",
    "products": """dot vdot inner outer matmul vecdot tensordot einsum kron cross trace
        linalg.multi_dot linalg.matrix_power linalg.outer linalg.cross linalg.matmul linalg.vecdot
        linalg.tensordot linalg.trace linalg.diagonal""",
    "shaping": """reshape ravel squeeze expand_dims swapaxes moveaxis rollaxis transpose
        matrix_transpose broadcast_to broadcast_arrays atleast_1d atleast_2d atleast_3d tile
        repeat roll flip fliplr flipud rot90 pad concatenate stack vstack hstack dstack
        column_stack append block split array_split hsplit vsplit dsplit insert delete resize copy
        full_like lib.stride_tricks.sliding_window_view""",
    "selection": """where select choose take take_along_axis compress extract diagonal diag
        diagflat triu tril sort partition clip nan_to_num interp convolve correlate meshgrid
        vander piecewise trim_zeros bincount unwrap apply_along_axis apply_over_axes""",
    "polynomials": "polyval polyder polyint polyadd polysub polymul linspace logspace geomspace i0",
    "linear algebra": """linalg.inv linalg.pinv linalg.det linalg.slogdet linalg.solve
        linalg.cholesky linalg.eigh linalg.eigvalsh linalg.eig linalg.eigvals linalg.svd
        linalg.svdvals linalg.qr linalg.norm linalg.matrix_norm linalg.vector_norm linalg.cond
        linalg.lstsq linalg.tensorinv linalg.tensorsolve""",
    "complex numbers": "real imag angle real_if_close",
    "Fourier transforms": """fft.fft fft.ifft fft.rfft fft.irfft fft.hfft fft.ihfft fft.fft2
        fft.ifft2 fft.rfft2 fft.irfft2 fft.fftn fft.ifftn fft.rfftn fft.irfftn fft.fftshift
        fft.ifftshift""",
}
CONSTANT = """floor ceil trunc rint round around fix floor_divide signbit isnan isinf isfinite
    less less_equal greater greater_equal equal not_equal logical_and logical_or logical_not
    argmax argmin argsort argpartition nonzero searchsorted digitize any all count_nonzero lexsort
    isclose allclose array_equal linalg.matrix_rank shape ndim size zeros_like ones_like
    empty_like einsum_path can_cast result_type may_share_memory shares_memory nanargmax nanargmin
    spacing isin"""
# What autograd 1.8 and MyGrad 2.3 have rules for, or let through as constants, among NumPy's names.
AUTOGRAD = """absolute add amax amin angle arccos arccosh arcsin arcsinh arctan arctan2 arctanh
    array_split astype atleast_1d atleast_2d atleast_3d broadcast_to clip conjugate cos cosh cross
    cumsum deg2rad degrees diag diagonal diff divide dot dsplit einsum exp exp2 expand_dims expm1
    fabs fliplr flipud fmax fmin gradient hsplit hypot imag inner kron linspace log log10 log1p
    log2 logaddexp logaddexp2 matmul max maximum mean min minimum moveaxis multiply nan_to_num
    negative outer pad partition power prod rad2deg radians ravel real real_if_close reciprocal
    remainder repeat reshape roll rollaxis rot90 sin sinc sinh sort split sqrt square squeeze std
    subtract sum swapaxes tan tanh tensordot tile trace transpose tril triu var vsplit where
    fft.fft fft.fft2 fft.fftn fft.fftshift fft.ifft fft.ifft2 fft.ifftn fft.ifftshift fft.irfft
    fft.irfft2 fft.irfftn fft.rfft fft.rfft2 fft.rfftn linalg.cholesky linalg.det linalg.eig
    linalg.eigh linalg.inv linalg.norm linalg.pinv linalg.slogdet linalg.solve linalg.svd"""
MYGRAD = """absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh cbrt cos cosh divide
    exp exp2 expm1 log log10 log1p log2 logaddexp logaddexp2 matmul maximum minimum multiply
    negative positive power reciprocal sin sinh sqrt square subtract tan tanh amax amin atleast_1d
    atleast_2d atleast_3d broadcast_to clip concatenate cumprod cumsum einsum expand_dims
    full_like max mean min moveaxis linalg.norm prod ravel repeat reshape roll squeeze stack std
    sum swapaxes transpose var where sinc linalg.multi_dot lib.stride_tricks.sliding_window_view"""
MYGRAD_CONSTANTS = """allclose any argmax argmin can_cast ceil equal floor floor_divide greater
    greater_equal isclose isfinite isinf isnan less less_equal logical_and logical_not logical_or
    logical_xor may_share_memory min_scalar_type not_equal empty_like ones_like zeros_like
    result_type rint shape shares_memory signbit trunc"""
NEWER = {"astype", "unstack", "cumulative_sum", "cumulative_prod", "matvec", "vecmat"}
SPACES = [np, np.linalg, np.fft, np.lib.stride_tricks]


def named(name):
    """np.linalg.inv for linalg.inv; None for a function that this NumPy does not have yet."""
    found = np
    for part in name.split("."):
        found = getattr(found, part, None)
    assert found is not None or name in NEWER
    return found


def all_of(text):
    return [f for f in map(named, text.split()) if f is not None]


def is_differentiable(function):
    return (function in RULES or function in ADAPTERS) and function not in REFUSALS


@pytest.mark.parametrize("chapter", DIFFERENTIABLE)
def test_what_people_use_in_models_has_a_derivative(chapter):
    assert [f for f in all_of(DIFFERENTIABLE[chapter]) if not is_differentiable(f)] == []


def test_what_is_newer_than_the_oldest_numpy_has_a_derivative_where_it_exists():
    newer = [getattr(np, name) for name in NEWER if hasattr(np, name)]
    assert [f for f in newer if not is_differentiable(f)] == []


def test_what_autograd_and_mygrad_differentiate_is_differentiable():
    assert [f for f in all_of(AUTOGRAD + " " + MYGRAD) if not is_differentiable(f)] == []


def test_what_is_piecewise_constant_is_included_as_a_constant():
    assert [f for f in all_of(CONSTANT + " " + MYGRAD_CONSTANTS) if f not in CONSTANTS] == []
    assert type(np.sign(Tensor([2.0]))) is np.ndarray


def test_functions_of_our_own_stand_beside_numpys():
    assert {"logsumexp", "softmax", "log_softmax", "relu"} <= set(functions.__all__)


def handed_over():
    """All of NumPy's public functions that look for Tensors among their arguments."""
    dispatcher = type(np.sum)
    return {
        f
        for space in SPACES
        for f in vars(space).values()
        if isinstance(f, (np.ufunc, dispatcher)) and not f.__name__.startswith("_")
    }


WITHOUT = [f for f in handed_over() if f not in ADAPTERS and f not in RULES and f not in CONSTANTS]


@pytest.mark.parametrize("function", sorted(WITHOUT, key=called), ids=called)
def test_whatever_has_no_rule_says_so_by_name(function):
    t = Tensor([1.0, 2.0])
    call = functools.partial(t.__array_function__, function, (Tensor,), (t,), {})
    if isinstance(function, np.ufunc):
        call = functools.partial(function, *[t] * function.nin)
    with pytest.raises(TypeError, match=rf"{called(function)} has no derivative rule: .*\.data"):
        call()


@pytest.mark.parametrize(
    "make",
    [
        lambda t: np.full((2,), t),
        lambda t: np.array(t),
        lambda t: np.asarray([t, t]),
        lambda t: np.asanyarray(t),
        lambda t: np.ascontiguousarray(t),
        lambda t: np.require(t),
        lambda t: np.full_like(np.ones(2), t),
        lambda t: np.arange(t),
        lambda t: np.lib.stride_tricks.as_strided(t, (2,)),
        lambda t: np.r_[t, t],
        lambda t: np.kaiser(4, t),
    ],
    ids=range(11),
)
def test_what_numpy_does_not_hand_over_is_refused_with_a_remedy(make):
    with pytest.raises(TypeError, match=r"np\.stack|np\.broadcast_to"):
        make(Tensor(2.0))
