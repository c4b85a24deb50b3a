"""Pooling and its opposite: the largest, the mean, windows that overlap, upsampling."""

import numpy as np

from zoo.causes import BROADCAST, COUNT, MASK, OVERWRITES, PLACE, RESHAPED, WRONG_MASK
from zoo.specimen import normal, slip, twin


def distinct(*shape):
    """Numbers without near ties, in random order."""
    size = int(np.prod(shape))
    return lambda rng: (rng.permutation(np.linspace(-2.0, 2.0, size)).reshape(shape),)


class MaxPooling:
    """Windows of height × width, one beside the other, through a reshape."""

    def __init__(self, height=2, width=2):
        self.height, self.width = height, width

    def windows(self, x):
        N, C, H, W = x.shape
        h, w = self.height, self.width
        x = x.reshape(N, C, H // h, h, W // w, w).transpose(0, 1, 2, 4, 3, 5)
        return x.reshape(N, C, H // h, W // w, h * w)

    def forward(self, x):
        self.shape, windows = x.shape, self.windows(x)
        self.best = windows.argmax(axis=4)[..., None]
        return windows.max(axis=4)

    def chosen(self, dout):
        d = np.zeros((*dout.shape, self.height * self.width), dout.dtype)
        np.put_along_axis(d, self.best, dout[..., None], axis=4)
        return d

    def image(self, d):
        d = d.reshape(*d.shape[:4], self.height, self.width).transpose(0, 1, 2, 4, 3, 5)
        return d.reshape(self.shape)

    def backward(self, dout):
        return self.image(self.chosen(dout))


class AllOfTheWindow(MaxPooling):
    """Every entry of the window gets the gradient, not the largest alone."""

    def chosen(self, dout):
        return np.repeat(dout[..., None], self.height * self.width, axis=4)


class WindowUnrolledByColumns(MaxPooling):
    """The place inside the window is counted by columns; it was counted by rows."""

    def image(self, d):
        d = d.reshape(*d.shape[:4], self.width, self.height).transpose(0, 1, 2, 5, 3, 4)
        return d.reshape(self.shape)


class WindowsNotMovedBack(MaxPooling):
    """The windows are reshaped to an image without moving their axes back."""

    def image(self, d):
        return d.reshape(self.shape)


class LargestOfTheImage(MaxPooling):
    """The mask asks for the largest entry of the channel instead of the window."""

    def forward(self, x):
        self.mask = x == x.max(axis=(2, 3), keepdims=True)
        return super().forward(x)

    def backward(self, dout):
        spread = dout.repeat(self.height, axis=2).repeat(self.width, axis=3)
        return spread * self.mask


MAX_POOLING = twin(
    "max pooling", MaxPooling, distinct(2, 2, 4, 6), arguments=lambda rng: (2, 3), rows=("x",)
)


class OverlappingMaxPooling:
    """The largest of each 3 × 3 window, with stride 2, by loops."""

    def windows(self):
        N, C, H, W = self.x.shape
        for n, c in np.ndindex(N, C):
            for i, top in enumerate(range(0, H - 2, 2)):
                for j, left in enumerate(range(0, W - 2, 2)):
                    window = self.x[n, c, top : top + 3, left : left + 3]
                    di, dj = np.unravel_index(window.argmax(), window.shape)
                    yield (n, c, i, j), (n, c, top + di, left + dj)

    def forward(self, x):
        self.x = x
        N, C, H, W = x.shape
        y = np.zeros((N, C, (H - 1) // 2, (W - 1) // 2), x.dtype)
        for out, place in self.windows():
            y[out] = x[place]
        return y

    def backward(self, dout):
        dx = np.zeros_like(self.x)
        for out, place in self.windows():
            dx[place] += dout[out]
        return dx


class LastWindowWins(OverlappingMaxPooling):
    """An entry that is the largest of two windows keeps the gradient of the last one."""

    def backward(self, dout):
        dx = np.zeros_like(self.x)
        for out, place in self.windows():
            dx[place] = dout[out]
        return dx


def with_peaks(rng):
    """An image whose centre is the largest of all four windows that share it."""
    (x,) = distinct(1, 2, 5, 5)(rng)
    x[:, :, 2, 2] += 5
    return (x,)


OVERLAPPING = twin("overlapping max pooling", OverlappingMaxPooling, with_peaks, rows=("x",))


class MeanPooling:
    """The mean of each 2 × 2 window."""

    def forward(self, x):
        N, C, H, W = x.shape
        return x.reshape(N, C, H // 2, 2, W // 2, 2).mean(axis=(3, 5))

    def backward(self, dout):
        return dout.repeat(2, axis=2).repeat(2, axis=3) / 4


class SumOfTheWindow(MeanPooling):
    """The division by the window's size is forgotten."""

    def backward(self, dout):
        return dout.repeat(2, axis=2).repeat(2, axis=3)


class SideForArea(MeanPooling):
    """The mean of 2 × 2 entries is divided by 2 on the way back."""

    def backward(self, dout):
        return dout.repeat(2, axis=2).repeat(2, axis=3) / 2


MEAN_POOLING = twin("mean pooling", MeanPooling, normal((2, 2, 4, 4)), rows=("x",))


class MovingMean:
    """The mean of a value and its neighbours; at the ends there are fewer of them."""

    def forward(self, x):
        self.count = np.full(x.shape[1], 3)
        self.count[[0, -1]] = 2
        padded = np.pad(x, [(0, 0), (1, 1)])
        return (padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]) / self.count.astype(x.dtype)

    def backward(self, dout):
        return self.spread(dout / self.count.astype(dout.dtype))

    def spread(self, d):
        padded = np.zeros((len(d), d.shape[1] + 2), d.dtype)
        padded[:, :-2] += d
        padded[:, 1:-1] += d
        padded[:, 2:] += d
        return padded[:, 1:-1]


class PaddingCounted(MovingMean):
    """The backward divides by 3 everywhere; at the ends the forward divides by 2."""

    def backward(self, dout):
        return self.spread(dout / 3)


MOVING_MEAN = twin("moving mean", MovingMean, normal((3, 6)), rows=("x",))


class GlobalMeanPooling:
    """One mean per channel."""

    def forward(self, x):
        self.shape = x.shape
        return x.mean(axis=(2, 3))

    def backward(self, dout):
        area = self.shape[2] * self.shape[3]
        return np.broadcast_to(dout[:, :, None, None], self.shape) / area


class HeightForArea(GlobalMeanPooling):
    """The mean over height and width is divided by the height alone."""

    def backward(self, dout):
        return np.broadcast_to(dout[:, :, None, None], self.shape) / self.shape[2]


GLOBAL_MEAN = twin("global mean pooling", GlobalMeanPooling, normal((2, 3, 2, 3)), rows=("x",))


class Upsample:
    """Every pixel becomes a square of 2 × 2 pixels."""

    def forward(self, x):
        self.shape = x.shape
        return x.repeat(2, axis=2).repeat(2, axis=3)

    def backward(self, dout):
        N, C, H, W = self.shape
        return dout.reshape(N, C, H, 2, W, 2).sum(axis=(3, 5))


class OneOfFourCopies(Upsample):
    """dx takes every second pixel of dout instead of the sum of the four copies."""

    def backward(self, dout):
        return dout[:, :, ::2, ::2].copy()


class MeanOfFourCopies(Upsample):
    """The gradients of the four copies are averaged."""

    def backward(self, dout):
        N, C, H, W = self.shape
        return dout.reshape(N, C, H, 2, W, 2).mean(axis=(3, 5))


class CopiesAsTiles(Upsample):
    """dout is cut as if the image had been tiled, not its pixels repeated."""

    def backward(self, dout):
        N, C, H, W = self.shape
        return dout.reshape(N, C, 2, H, 2, W).sum(axis=(2, 4))


UPSAMPLE = twin("upsampling", Upsample, normal((2, 2, 2, 3)), rows=("x",))


TWINS = [MAX_POOLING, OVERLAPPING, MEAN_POOLING, MOVING_MEAN, GLOBAL_MEAN, UPSAMPLE]
WRONG = [
    slip(MAX_POOLING, AllOfTheWindow, MASK, "dx"),
    slip(MAX_POOLING, WindowUnrolledByColumns, PLACE, "dx", alike=(RESHAPED,)),
    slip(MAX_POOLING, WindowsNotMovedBack, RESHAPED, "dx"),
    slip(MAX_POOLING, LargestOfTheImage, WRONG_MASK, "dx"),
    slip(OVERLAPPING, LastWindowWins, OVERWRITES, "dx"),
    slip(MEAN_POOLING, SumOfTheWindow, COUNT, "dx"),
    slip(MEAN_POOLING, SideForArea, COUNT, "dx"),
    slip(MOVING_MEAN, PaddingCounted, COUNT, "dx"),
    slip(GLOBAL_MEAN, HeightForArea, COUNT, "dx"),
    slip(UPSAMPLE, OneOfFourCopies, BROADCAST, "dx"),
    slip(UPSAMPLE, MeanOfFourCopies, COUNT, "dx"),
    slip(UPSAMPLE, CopiesAsTiles, RESHAPED, "dx"),
]
