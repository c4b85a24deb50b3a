"""Convolutions: by im2col, by loops, dilated, causal, depthwise and transposed."""

import numpy as np

from zoo.causes import AXIS, COUNT, MISSED, OVERWRITES, PLACE, RESHAPED, SWAPPED, TRANSPOSED
from zoo.specimen import normal, slip, twin


def im2col(x, height, width, stride, pad):
    """One row per window, as in the book."""
    N, C, H, W = x.shape
    rows, cols = (H + 2 * pad - height) // stride + 1, (W + 2 * pad - width) // stride + 1
    image = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    col = np.zeros((N, C, height, width, rows, cols), x.dtype)
    for i in range(height):
        for j in range(width):
            stop_i, stop_j = i + stride * rows, j + stride * cols
            col[:, :, i, j] = image[:, :, i:stop_i:stride, j:stop_j:stride]
    return col.transpose(0, 4, 5, 1, 2, 3).reshape(N * rows * cols, C * height * width)


def col2im(col, shape, height, width, stride, pad):
    """The reverse of im2col: windows that overlap are added."""
    image, windows = _unrolled(col, shape, height, width, stride, pad)
    for here, window in windows:
        image[here] += window
    return image[:, :, pad : pad + shape[2], pad : pad + shape[3]]


def _unrolled(col, shape, height, width, stride, pad):
    N, C, H, W = shape
    rows, cols = (H + 2 * pad - height) // stride + 1, (W + 2 * pad - width) // stride + 1
    col = col.reshape(N, rows, cols, C, height, width).transpose(0, 3, 4, 5, 1, 2)
    image = np.zeros((N, C, H + 2 * pad, W + 2 * pad), col.dtype)
    every = (slice(None), slice(None))
    windows = [
        (
            (*every, slice(i, i + stride * rows, stride), slice(j, j + stride * cols, stride)),
            col[:, :, i, j],
        )
        for i in range(height)
        for j in range(width)
    ]
    return image, windows


class Convolution:
    """The book's convolution: one matrix product of all windows with all filters."""

    def __init__(self, W, b, stride=1, pad=0):
        self.W, self.b, self.stride, self.pad = W, b, stride, pad

    def forward(self, x):
        count, _, height, width = self.W.shape
        self.shape = x.shape
        rows = (x.shape[2] + 2 * self.pad - height) // self.stride + 1
        cols = (x.shape[3] + 2 * self.pad - width) // self.stride + 1
        self.col = im2col(x, height, width, self.stride, self.pad)
        y = self.col @ self.W.reshape(count, -1).T + self.b
        return y.reshape(len(x), rows, cols, count).transpose(0, 3, 1, 2)

    def rows(self, dout):
        return dout.transpose(0, 2, 3, 1).reshape(-1, len(self.W))

    def image(self, dcol):
        height, width = self.W.shape[2:]
        return col2im(dcol, self.shape, height, width, self.stride, self.pad)

    def backward(self, dout):
        d = self.rows(dout)
        self.db = d.sum(axis=0)
        self.dW = (self.col.T @ d).T.reshape(self.W.shape)
        return self.image(d @ self.W.reshape(len(self.W), -1))


class WindowsOverwrite(Convolution):
    """col2im assigns the windows instead of adding them where they overlap."""

    def image(self, dcol):
        height, width = self.W.shape[2:]
        image, windows = _unrolled(dcol, self.shape, height, width, self.stride, self.pad)
        for here, window in windows:
            image[here] = window
        H, W = self.shape[2:]
        return image[:, :, self.pad : self.pad + H, self.pad : self.pad + W]


class PaddingCutOffBehind(Convolution):
    """The padding is cut off at the right and the bottom only: the image is shifted."""

    def image(self, dcol):
        height, width = self.W.shape[2:]
        image, windows = _unrolled(dcol, self.shape, height, width, self.stride, self.pad)
        for here, window in windows:
            image[here] += window
        return image[:, :, : self.shape[2], : self.shape[3]]


class FiltersNotTransposed(Convolution):
    """dW is reshaped from (windows, filters) without being transposed to (filters, windows)."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dW = (self.col.T @ self.rows(dout)).reshape(self.W.shape)
        return dx


class HeightAndWidthSwapped(Convolution):
    """dout is transposed with (0, 3, 2, 1): the picture is mirrored at its diagonal."""

    def rows(self, dout):
        return dout.transpose(0, 3, 2, 1).reshape(-1, len(self.W))


class BiasPerColumn(Convolution):
    """db sums over filters and rows, not rows and columns; there are as many of each."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.db = dout.sum(axis=(0, 1, 2))
        return dx


class BiasAveragedOverPixels(Convolution):
    """db is averaged over the pixels, not summed."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.db = dout.sum(axis=0).mean(axis=(1, 2))
        return dx


CONVOLUTION = twin(
    "convolution by im2col",
    Convolution,
    normal((2, 2, 4, 4)),
    arguments=lambda rng: (rng.normal(size=(4, 2, 3, 3)), rng.normal(size=4), 1, 1),
    param_grads={"W": "dW", "b": "db"},
    rows=("x",),
)
STRIDED = {
    "inputs": normal((2, 2, 5, 4)),
    "arguments": lambda rng: (rng.normal(size=(3, 2, 3, 2)), rng.normal(size=3), 2, 1),
}


class DirectConvolution:
    """A convolution as four loops would have it, with a stride and without padding."""

    def __init__(self, W, b, stride=2):
        self.W, self.b, self.stride = W, b, stride

    def windows(self):
        """Where each output stands, and where its window starts."""
        height, width = self.W.shape[2:]
        for i in range((self.x.shape[2] - height) // self.stride + 1):
            for j in range((self.x.shape[3] - width) // self.stride + 1):
                yield i, j, i * self.stride, j * self.stride

    def forward(self, x):
        self.x = x
        height, width = self.W.shape[2:]
        rows = (x.shape[2] - height) // self.stride + 1
        cols = (x.shape[3] - width) // self.stride + 1
        y = np.zeros((len(x), len(self.W), rows, cols), x.dtype)
        for i, j, top, left in self.windows():
            window = x[:, :, top : top + height, left : left + width]
            y[:, :, i, j] = np.einsum("nchw,fchw->nf", window, self.W) + self.b
        return y

    def places(self):
        return self.windows()

    def kernel(self):
        return self.W

    def of_kernel(self, x, d):
        dW, (height, width) = np.zeros_like(self.W), self.W.shape[2:]
        for i, j, top, left in self.places():
            window = x[:, top : top + height, left : left + width]
            dW += np.multiply.outer(d[:, i, j], window)
        return dW

    def of_image(self, d):
        dx, (height, width) = np.zeros_like(self.x[0]), self.W.shape[2:]
        for i, j, top, left in self.places():
            window = np.tensordot(d[:, i, j], self.kernel(), axes=1)
            dx[:, top : top + height, left : left + width] += window
        return dx

    def backward(self, dout):
        self.db = dout.sum(axis=(0, 2, 3))
        self.dW, dx = np.zeros_like(self.W), np.zeros_like(self.x)
        for n, d in enumerate(dout):
            self.dW += self.of_kernel(self.x[n], d)
            dx[n] = self.of_image(d)
        return dx


class StrideForgotten(DirectConvolution):
    """The backward walks over the windows with stride 1."""

    def places(self):
        return ((i, j, i, j) for i, j, _, _ in self.windows())


class LastWindowForgotten(DirectConvolution):
    """The loops of the backward stop one window early."""

    def places(self):
        return list(self.windows())[:-1]


class KernelFlipped(DirectConvolution):
    """dx uses the kernel turned by 180°, as for a true convolution; the forward correlates."""

    def kernel(self):
        return self.W[:, :, ::-1, ::-1]


class KernelGradientFlipped(DirectConvolution):
    """dW comes out turned by 180°."""

    def of_kernel(self, x, d):
        return super().of_kernel(x, d)[:, :, ::-1, ::-1]


class LastImageOnly(DirectConvolution):
    """dW is assigned, not added to, image after image."""

    def backward(self, dout):
        dx = super().backward(dout)
        for x, d in zip(self.x, dout, strict=True):
            self.dW = self.of_kernel(x, d)
        return dx


DIRECT = twin(
    "convolution by loops",
    DirectConvolution,
    normal((2, 2, 5, 5)),
    arguments=normal((2, 2, 3, 3), (2,)),
    param_grads={"W": "dW", "b": "db"},
    rows=("x",),
)


class CausalConvolution:
    """y[t] sees x[t], x[t − d], x[t − 2d] …: one kernel per channel, with dilation d."""

    def __init__(self, w, dilation=2):
        self.w, self.dilation = w, dilation

    def forward(self, x):
        self.x = x
        self.before = self.dilation * (len(self.w) - 1)
        self.padded = np.pad(x, [(0, 0), (self.before, 0), (0, 0)])
        return sum(w * self.tap(self.padded, k) for k, w in enumerate(self.w))

    def tap(self, padded, k):
        start = self.before - k * self.dilation
        return padded[:, start : start + self.x.shape[1]]

    def spread(self, dout, dilation):
        d = np.zeros_like(self.padded)
        for k, w in enumerate(self.w):
            start = self.before - k * dilation
            d[:, start : start + dout.shape[1]] += w * dout
        return d

    def backward(self, dout):
        taps = [self.tap(self.padded, k) for k in range(len(self.w))]
        self.dw = np.stack([(dout * tap).sum(axis=(0, 1)) for tap in taps])
        return self.spread(dout, self.dilation)[:, self.before :]


class PaddingCutAtTheEnd(CausalConvolution):
    """The zeros were put before the sequence and are cut off behind it."""

    def backward(self, dout):
        super().backward(dout)
        return self.spread(dout, self.dilation)[:, : dout.shape[1]]


class DilationForgotten(CausalConvolution):
    """dx is spread with dilation 1."""

    def backward(self, dout):
        super().backward(dout)
        return self.spread(dout, 1)[:, self.before :]


class TapsReversed(CausalConvolution):
    """The kernel's gradient has its first tap last."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dw = self.dw[::-1].copy()
        return dx


CAUSAL = twin(
    "causal convolution",
    CausalConvolution,
    normal((2, 6, 2)),
    arguments=normal((3, 2)),
    param_grads={"w": "dw"},
    rows=("x",),
)


class TransposedConvolution:
    """Every pixel becomes a block of the kernel's size: W is (inputs, outputs, size, size)."""

    def __init__(self, W):
        self.W = W

    def forward(self, x):
        self.x = x
        N, _, H, W = x.shape
        _, count, height, width = self.W.shape
        y = np.einsum("nchw,cfij->nfhiwj", x, self.W)
        return y.reshape(N, count, H * height, W * width)

    def blocks(self, dout):
        N, _, H, W = self.x.shape
        _, count, height, width = self.W.shape
        return dout.reshape(N, count, H, height, W, width)

    def backward(self, dout):
        d = self.blocks(dout)
        self.dW = np.einsum("nchw,nfhiwj->cfij", self.x, d)
        return np.einsum("nfhiwj,cfij->nchw", d, self.W)


class ChannelsExchanged(TransposedConvolution):
    """dW has input and output channels exchanged, as an ordinary convolution orders them."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dW = self.dW.swapaxes(0, 1).copy()
        return dx


class BlocksOfTheWrongSize(TransposedConvolution):
    """dout is cut into as many pixels as the kernel has, of the image's size."""

    def blocks(self, dout):
        N, _, H, W = self.x.shape
        _, count, height, width = self.W.shape
        return dout.reshape(N, count, height, H, width, W).transpose(0, 1, 3, 2, 5, 4)


TRANSPOSED_CONVOLUTION = twin(
    "transposed convolution",
    TransposedConvolution,
    normal((2, 2, 3, 3)),
    arguments=normal((2, 2, 2, 2)),
    param_grads={"W": "dW"},
    rows=("x",),
)


TWINS = [CONVOLUTION, DIRECT, CAUSAL, TRANSPOSED_CONVOLUTION]
WRONG = [
    slip(CONVOLUTION, WindowsOverwrite, OVERWRITES, "dx", **STRIDED),
    slip(CONVOLUTION, PaddingCutOffBehind, PLACE, "dx"),
    slip(CONVOLUTION, FiltersNotTransposed, RESHAPED, "dW", **STRIDED),
    slip(CONVOLUTION, HeightAndWidthSwapped, TRANSPOSED, "dx", "dW"),
    slip(CONVOLUTION, BiasPerColumn, AXIS, "db"),
    slip(CONVOLUTION, BiasAveragedOverPixels, COUNT, "db"),
    slip(DIRECT, StrideForgotten, PLACE, "dx", "dW"),
    slip(DIRECT, LastWindowForgotten, MISSED, "dx", "dW"),
    slip(DIRECT, KernelFlipped, PLACE, "dx"),
    slip(DIRECT, KernelGradientFlipped, PLACE, "dW"),
    slip(DIRECT, LastImageOnly, OVERWRITES, "dW"),
    slip(CAUSAL, PaddingCutAtTheEnd, PLACE, "dx"),
    slip(CAUSAL, DilationForgotten, PLACE, "dx"),
    slip(CAUSAL, TapsReversed, PLACE, "dw", alike=(SWAPPED,)),
    slip(TRANSPOSED_CONVOLUTION, ChannelsExchanged, TRANSPOSED, "dW"),
    slip(TRANSPOSED_CONVOLUTION, BlocksOfTheWrongSize, RESHAPED, "dx", "dW"),
]
