"""Shapes: joining and cutting, moving axes, shuffling, padding, repeating, rolling."""

import numpy as np

from zoo.causes import (
    BROADCAST,
    MISSED,
    OVERWRITES,
    PLACE,
    RESHAPED,
    SWAPPED,
    TERM,
    TRANSPOSED,
    WRONG_SHAPE,
)
from zoo.specimen import normal, slip, twin


class Join:
    """Three arrays side by side."""

    def forward(self, a, b, c):
        self.widths = [a.shape[1], b.shape[1], c.shape[1]]
        return np.concatenate([a, b, c], axis=1)

    def backward(self, dout):
        return tuple(d.copy() for d in np.split(dout, np.cumsum(self.widths)[:-1], axis=1))


class WidthsForOffsets(Join):
    """np.split is given widths where it wants the places to cut at."""

    def backward(self, dout):
        return tuple(d.copy() for d in np.split(dout, self.widths[:-1], axis=1))


class LastFirst(Join):
    """The outer two gradients are exchanged; they have the same width."""

    def backward(self, dout):
        return super().backward(dout)[::-1]


JOIN = twin("join", Join, normal((3, 2), (3, 4), (3, 2)), rows=("a", "b", "c"))


class Cut:
    """The left and the right part of an array: two outputs."""

    def forward(self, x):
        return x[:, :2], x[:, 2:]

    def backward(self, dleft, dright):
        return np.concatenate([dleft, dright], axis=1)


class SecondOutputIgnored(Cut):
    """The gradient of the second output is taken for zero."""

    def backward(self, dleft, dright):
        return np.concatenate([dleft, np.zeros_like(dright)], axis=1)


class PartsExchanged(Cut):
    """The parts are joined in the wrong order."""

    def backward(self, dleft, dright):
        return np.concatenate([dright, dleft], axis=1)


CUT = twin("cut in two", Cut, normal((3, 4)), rows=("x",))


class MoveAxes:
    """x.transpose(1, 2, 0)."""

    def forward(self, x):
        return x.transpose(1, 2, 0)

    def backward(self, dout):
        return dout.transpose(2, 0, 1).copy()


class SameOrderAgain(MoveAxes):
    """The same order is applied again instead of its inverse; all axes are equal."""

    def backward(self, dout):
        return dout.transpose(1, 2, 0).copy()


class ReshapedBack(MoveAxes):
    """dout is reshaped to the shape of x, which moves no axis."""

    def backward(self, dout):
        return dout.reshape(dout.shape[2], *dout.shape[:2]).copy()


MOVE = twin("moved axes", MoveAxes, normal((3, 3, 3)))


class PixelShuffle:
    """Four channels become the 2 × 2 pixels of one."""

    def forward(self, x):
        N, C, H, W = x.shape
        x = x.reshape(N, C // 4, 2, 2, H, W).transpose(0, 1, 4, 2, 5, 3)
        return x.reshape(N, C // 4, 2 * H, 2 * W)

    def backward(self, dout):
        N, C, H, W = dout.shape
        d = dout.reshape(N, C, H // 2, 2, W // 2, 2).transpose(0, 1, 3, 5, 2, 4)
        return d.reshape(N, 4 * C, H // 2, W // 2)


class PixelsInTheWrongOrder(PixelShuffle):
    """The two axes of the small square are moved back in the wrong order."""

    def backward(self, dout):
        N, C, H, W = dout.shape
        d = dout.reshape(N, C, H // 2, 2, W // 2, 2).transpose(0, 1, 5, 3, 2, 4)
        return d.reshape(N, 4 * C, H // 2, W // 2)


class PixelsReshapedOnly(PixelShuffle):
    """The image is reshaped to channels, and the pixels are not collected."""

    def backward(self, dout):
        N, C, H, W = dout.shape
        return dout.reshape(N, 4 * C, H // 2, W // 2).copy()


SHUFFLE = twin("pixel shuffle", PixelShuffle, normal((2, 4, 2, 2)), rows=("x",))


class ChannelShuffle:
    """Channels dealt out to two groups, as in ShuffleNet."""

    def forward(self, x):
        N, C = x.shape
        return x.reshape(N, 2, C // 2).swapaxes(1, 2).reshape(N, C)

    def backward(self, dout):
        N, C = dout.shape
        return dout.reshape(N, C // 2, 2).swapaxes(1, 2).reshape(N, C)


class ShuffledAgain(ChannelShuffle):
    """The channels are dealt out once more instead of collected."""

    def backward(self, dout):
        return self.forward(dout)


CHANNELS = twin("channel shuffle", ChannelShuffle, normal((3, 6)), rows=("x",))


class PadSequence:
    """One zero before and two behind."""

    def forward(self, x):
        return np.pad(x, [(0, 0), (1, 2)])

    def backward(self, dout):
        return dout[:, 1:-2].copy()


class BeforeAndBehindSwapped(PadSequence):
    """Two entries are cut off before and one behind."""

    def backward(self, dout):
        return dout[:, 2:-1].copy()


PAD = twin("padding", PadSequence, normal((2, 4)), rows=("x",))


class PadByMirror:
    """Two entries before, mirrored at the first."""

    def forward(self, x):
        return np.concatenate([x[:, 2:0:-1], x], axis=1)

    def backward(self, dout):
        dx = dout[:, 2:].copy()
        dx[:, 2:0:-1] += dout[:, :2]
        return dx


class MirrorForgotten(PadByMirror):
    """The mirrored entries' gradients are cut off with the padding."""

    def backward(self, dout):
        return dout[:, 2:].copy()


class MirrorOverwrites(PadByMirror):
    """The mirrored entries' gradients replace the others."""

    def backward(self, dout):
        dx = dout[:, 2:].copy()
        dx[:, 2:0:-1] = dout[:, :2]
        return dx


class MirrorNotTurned(PadByMirror):
    """The mirrored entries' gradients are added in the order of the padding."""

    def backward(self, dout):
        dx = dout[:, 2:].copy()
        dx[:, 1:3] += dout[:, :2]
        return dx


MIRROR = twin("padding by mirror", PadByMirror, normal((2, 4)), rows=("x",))


class Repeat:
    """Every row three times, one copy after the other: a b → a a a b b b."""

    def forward(self, x):
        return x.repeat(3, axis=0)

    def backward(self, dout):
        return dout.reshape(-1, 3, dout.shape[1]).sum(axis=1)


class FirstCopyOnly(Repeat):
    """The gradient is that of the first copy."""

    def backward(self, dout):
        return dout[::3].copy()


class CopiesTakenForTiles(Repeat):
    """The copies are collected as those of np.tile: a b → a b a b a b."""

    def backward(self, dout):
        return dout.reshape(3, -1, dout.shape[1]).sum(axis=0)


REPEAT = twin("repeat", Repeat, normal((2, 3)))


class Roll:
    """Every row moved one place to the right, round the end."""

    def forward(self, x):
        return np.roll(x, 1, axis=1)

    def backward(self, dout):
        return np.roll(dout, -1, axis=1)


class RolledFurther(Roll):
    """The gradient is moved in the same direction once more."""

    def backward(self, dout):
        return np.roll(dout, 1, axis=1)


ROLL = twin("roll", Roll, normal((2, 4)), rows=("x",))


TWINS = [JOIN, CUT, MOVE, SHUFFLE, CHANNELS, PAD, MIRROR, REPEAT, ROLL]
WRONG = [
    slip(JOIN, WidthsForOffsets, PLACE, "db", "dc", alike=(WRONG_SHAPE,)),
    slip(JOIN, LastFirst, SWAPPED, "da", "dc"),
    slip(CUT, SecondOutputIgnored, MISSED, "dx"),
    slip(CUT, PartsExchanged, SWAPPED, "dx"),
    slip(MOVE, SameOrderAgain, TRANSPOSED, "dx"),
    slip(MOVE, ReshapedBack, RESHAPED, "dx", alike=(TRANSPOSED,)),
    slip(SHUFFLE, PixelsInTheWrongOrder, TRANSPOSED, "dx", alike=(RESHAPED,)),
    slip(SHUFFLE, PixelsReshapedOnly, RESHAPED, "dx"),
    slip(CHANNELS, ShuffledAgain, RESHAPED, "dx", alike=(PLACE,)),
    slip(PAD, BeforeAndBehindSwapped, PLACE, "dx"),
    slip(MIRROR, MirrorForgotten, TERM, "dx"),
    slip(MIRROR, MirrorOverwrites, OVERWRITES, "dx"),
    slip(MIRROR, MirrorNotTurned, PLACE, "dx"),
    slip(REPEAT, FirstCopyOnly, BROADCAST, "dx"),
    slip(REPEAT, CopiesTakenForTiles, RESHAPED, "dx"),
    slip(ROLL, RolledFurther, PLACE, "dx"),
]
