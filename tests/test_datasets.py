"""Every row once, every digit accounted for, and every damaged file named."""

import gzip
import hashlib
import os
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.datasets import Dataset, batches, digits, mnist, moons, spiral, split

DATASETS_FOLDER = Path(__file__).parents[1] / "minigrad" / "datasets"
sizes = st.integers(1, 40)
seeds = st.integers(0, 2**32)


# ---- batches ---------------------------------------------------------------------------------


@given(n=sizes, size=sizes, rng=st.none() | seeds)
def test_an_epoch_is_every_row_exactly_once_with_its_own_target(n, size, rng):
    x, t = np.arange(n), 100 + np.arange(n)
    parts = list(batches(x, t, size, rng=rng))
    seen = np.concatenate([xb for xb, _ in parts])
    assert sorted(seen) == list(x)
    assert np.array_equal(np.concatenate([tb for _, tb in parts]), 100 + seen)


@given(n=sizes, size=sizes, rng=st.none() | seeds)
def test_only_the_last_batch_is_short(n, size, rng):
    lengths = [len(xb) for xb, _ in batches(np.zeros((n, 2)), np.zeros(n), size, rng=rng)]
    assert lengths[:-1] == [size] * (n // size - (n % size == 0))
    assert lengths[-1] == (n % size or size)


def test_without_rng_the_rows_come_in_order_as_views():
    x = np.arange(6.0)
    (first, _), (second, _) = batches(x, x, 4)
    assert first.tolist() == [0, 1, 2, 3]
    assert second.tolist() == [4, 5]
    assert np.shares_memory(first, x)


def test_equal_seeds_shuffle_equally_and_a_generator_shuffles_anew():
    x = np.arange(50)

    def order(rng):
        return next(batches(x, x, 50, rng=rng))[0].tolist()

    generator = np.random.default_rng(3)
    assert order(3) == order(3) == order(generator)
    assert order(generator) != order(3)
    assert order(3) != sorted(order(3))


def test_shuffled_batches_are_copies_with_the_dtypes_of_the_data():
    x, t = np.zeros((4, 2), np.float32), np.zeros(4, np.int8)
    xb, tb = next(batches(x, t, 4, rng=0))
    assert (xb.dtype, tb.dtype) == (np.float32, np.int8)
    assert not np.shares_memory(xb, x)


@pytest.mark.parametrize(
    ("x", "t", "size", "message"),
    [
        (np.zeros((3, 2)), np.zeros(4), 2, "x has 3 rows and t has 4"),
        (np.zeros((0, 2)), np.zeros(0), 2, "no rows"),
        (np.zeros(3), np.zeros(3), 0, "size=0"),
        (np.zeros(3), np.zeros(3), -1, "size=-1"),
        (np.float64(3), np.zeros(3), 1, "x is a single number"),
    ],
)
def test_bad_batches_are_refused_at_the_call(x, t, size, message):
    with pytest.raises(ValueError, match=message):
        batches(x, t, size)


def test_a_batch_of_half_a_row_is_refused():
    with pytest.raises(TypeError):
        batches(np.zeros(3), np.zeros(3), 1.5)


# ---- digits and split ------------------------------------------------------------------------


def test_digits_are_the_1797_of_the_uci_test_part():
    data = digits()
    t = np.concatenate([data.t_train, data.t_test])
    # the class distribution that the UCI repository publishes for optdigits.tes
    assert np.bincount(t).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    x = np.concatenate([data.x_train, data.x_test]) * 16
    assert x.shape == (1797, 64)
    assert x.sum() == 561_718
    assert (x.min(), x.max()) == (0, 16)
    assert np.array_equal(x, x.round())


def test_the_file_of_digits_is_the_one_that_its_page_describes():
    page = (DATASETS_FOLDER / "DIGITS.md").read_text(encoding="utf-8")
    with np.load(DATASETS_FOLDER / "digits.npz", allow_pickle=False) as stored:
        assert sorted(stored) == ["t", "x"]
        for name in stored:
            assert stored[name].dtype == np.uint8
            assert hashlib.sha256(stored[name].tobytes()).hexdigest() in page
    assert "CC BY 4.0" in page


def test_a_digit_looks_like_itself():
    data = digits()
    zero = data.x_train[np.flatnonzero(data.t_train == 0)].mean(axis=0).reshape(8, 8)
    one = data.x_train[np.flatnonzero(data.t_train == 1)].mean(axis=0).reshape(8, 8)
    assert zero[3:5, 3:5].mean() < 0.1 < 0.5 < one[3:5, 3:5].mean()  # a hole, and a stroke


def test_digits_have_the_dtypes_that_are_promised():
    assert [part.dtype for part in digits()] == [np.float64, np.int64] * 2
    assert digits(dtype=np.float32).x_train.dtype == np.float32


def test_equal_seeds_give_equal_digits_and_others_another_split():
    first, again, other = digits(rng=5), digits(rng=np.random.default_rng(5)), digits(rng=6)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first.t_test, other.t_test)


@given(n=st.integers(2, 60), fraction=st.floats(0.01, 0.99), seed=seeds)
def test_a_split_loses_and_repeats_no_row(n, fraction, seed):
    rows = np.arange(n)
    if not 0 < round(fraction * n) < n:
        with pytest.raises(ValueError, match="test_fraction"):
            split(rows, rows, fraction, rng=seed)
        return
    data = split(rows, -rows, fraction, rng=seed)
    assert sorted([*data.x_train, *data.x_test]) == rows.tolist()
    assert len(data.x_test) == round(fraction * n)
    assert np.array_equal(data.x_train, -data.t_train)
    assert np.array_equal(data.x_test, -data.t_test)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.2, 20, float("nan"), 1e-9])
def test_a_fraction_that_leaves_a_part_empty_is_refused(fraction):
    with pytest.raises(ValueError, match="test_fraction"):
        digits(test_fraction=fraction)


# ---- spiral and moons ------------------------------------------------------------------------


@given(n=st.integers(1, 30), classes=st.integers(1, 6), seed=seeds)
def test_a_spiral_arm_is_the_first_turned_by_a_fraction_of_the_circle(n, classes, seed):
    x, t = spiral(n, classes, noise=0.0, rng=seed)
    assert np.bincount(t).tolist() == [n] * classes
    arms = (x[:, 0] + 1j * x[:, 1]).reshape(classes, n)
    turns = np.exp(2j * np.pi * np.arange(classes) / classes)
    np.testing.assert_allclose(arms, turns[:, None] * arms[0], atol=1e-12)


@given(noise=st.floats(0, 5), seed=seeds)
def test_noise_turns_a_spiral_and_keeps_its_radius(noise, seed):
    x, _ = spiral(20, 3, noise=noise, rng=seed)
    np.testing.assert_allclose(np.hypot(*x.T), np.tile(np.arange(20) / 20, 3), atol=1e-12)


@given(n=st.integers(2, 50))
def test_moons_without_noise_are_half_circles(n):
    x, t = moons(n, noise=0.0)
    assert np.bincount(t).tolist() == [n // 2, n - n // 2]
    np.testing.assert_allclose(np.hypot(*x[t == 0].T), 1, atol=1e-12)
    np.testing.assert_allclose(np.hypot(*(x[t == 1] - [1, 0.5]).T), 1, atol=1e-12)
    assert (x[t == 0, 1] > -1e-12).all()
    assert (x[t == 1, 1] < 0.5 + 1e-12).all()


def test_the_noise_of_moons_has_the_deviation_asked_for():
    noisy, _ = moons(20_000, noise=0.3, rng=1)
    exact, _ = moons(20_000, noise=0.0)
    assert abs((noisy - exact).std() - 0.3) < 0.005


@pytest.mark.parametrize("draw", [spiral, moons])
def test_points_repeat_with_their_seed_and_come_in_the_dtype_asked_for(draw):
    assert np.array_equal(draw(rng=4).x, draw(rng=4).x)
    assert not np.array_equal(draw(rng=4).x, draw(rng=5).x)
    assert (draw().x.dtype, draw().t.dtype) == (np.float64, np.int64)
    assert draw(dtype=np.float32).x.dtype == np.float32


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: spiral(0),
        lambda: spiral(classes=0),
        lambda: spiral(noise=-1),
        lambda: moons(1),
        lambda: moons(noise=float("nan")),
    ],
)
def test_points_that_cannot_be_drawn_are_refused(wrong):
    with pytest.raises(ValueError, match="="):
        wrong()


# ---- mnist -----------------------------------------------------------------------------------

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


def idx(array, code=0x08):
    """The idx format, written from its description and not from the reader."""
    header = struct.pack(">BBBB", 0, 0, code, array.ndim)
    return header + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture(name="small")
def small_mnist(tmp_path):
    """A folder with a small MNIST: 5 and 3 images, half of the files gzipped."""
    pixels = np.random.default_rng(0).integers(0, 256, (8, 28, 28), dtype=np.uint8)
    pixels[0, 0, :2] = 0, 255
    labels = np.array([3, 1, 4, 1, 5, 9, 2, 6], np.uint8)
    (tmp_path / (IMAGES + ".gz")).write_bytes(gzip.compress(idx(pixels[:5])))
    (tmp_path / (LABELS + ".gz")).write_bytes(gzip.compress(idx(labels[:5])))
    (tmp_path / TEST_IMAGES).write_bytes(idx(pixels[5:]))
    (tmp_path / TEST_LABELS).write_bytes(idx(labels[5:]))
    return tmp_path, pixels, labels


def test_mnist_reads_what_was_written(small):
    folder, pixels, labels = small
    data = mnist(folder)
    assert isinstance(data, Dataset)
    assert data.x_train.shape == (5, 784)
    assert [part.dtype for part in data] == [np.float32, np.int64] * 2
    np.testing.assert_array_equal(data.x_train, pixels[:5].reshape(5, 784) / np.float32(255))
    np.testing.assert_array_equal(data.x_test * 255, pixels[5:].reshape(3, 784))
    assert [*data.t_train, *data.t_test] == labels.tolist()
    assert data.x_train[0, :2].tolist() == [0.0, 1.0]


def test_mnist_in_float64_is_the_exact_quotient(small):
    folder, pixels, _ = small
    x = mnist(str(folder), dtype=np.float64).x_train
    assert np.array_equal(x, pixels[:5].reshape(5, 784) / 255)


def test_mnist_is_found_through_the_environment_with_and_without_its_own_folder(
    small, tmp_path_factory, monkeypatch
):
    folder, _, labels = small
    parent = tmp_path_factory.mktemp("data")
    shutil.copytree(folder, parent / "mnist")
    for place in (folder, parent):
        monkeypatch.setenv("MINIGRAD_DATA", str(place))
        assert mnist().t_train.tolist() == labels[:5].tolist()
    assert mnist(parent).t_test.tolist() == labels[5:].tolist()


def test_a_file_is_unpacked_by_its_content_and_not_by_its_name(small):
    folder, _, labels = small
    file = folder / (LABELS + ".gz")
    file.write_bytes(gzip.decompress(file.read_bytes()))
    assert mnist(folder).t_train.tolist() == labels[:5].tolist()


@pytest.mark.parametrize("value", [None, ""])
def test_without_a_place_to_look_the_error_says_how_to_give_one(value, monkeypatch):
    monkeypatch.delenv("MINIGRAD_DATA", raising=False)
    if value is not None:
        monkeypatch.setenv("MINIGRAD_DATA", value)
    with pytest.raises(FileNotFoundError, match=r"path=.*MINIGRAD_DATA.*" + IMAGES):
        mnist()


def test_a_missing_folder_is_named_with_the_files_expected_and_their_origin(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        mnist(tmp_path / "nowhere")
    message = str(caught.value)
    for words in ("nowhere", IMAGES, TEST_LABELS, ".gz", "Y. LeCun, C. Cortes, C. Burges"):
        assert words in message
    assert "\n" not in message


def test_missing_files_are_named_and_present_ones_are_not(small):
    folder, _, _ = small
    (folder / TEST_LABELS).unlink()
    with pytest.raises(FileNotFoundError, match=f"lacks {TEST_LABELS}: "):
        mnist(folder)


def written(name, content):
    """A way to spoil a folder: one file gets another content."""
    return lambda folder: (folder / name).write_bytes(content)


three = np.zeros((3, 28, 28), np.uint8)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (written(TEST_IMAGES, b""), "not an idx file"),
        (written(TEST_IMAGES, b"\x89PNG\r\n\x1a\n" + bytes(99)), "not an idx file.*89 50 4e 47"),
        (written(TEST_IMAGES, idx(three.astype(">f4"), code=0x0D)), "idx type 0x0d"),
        (written(TEST_IMAGES, idx(np.zeros(3, np.uint8))), "1 dimensions where 3 belong"),
        (written(TEST_LABELS, idx(three)), "3 dimensions where 1 belong"),
        (written(TEST_IMAGES, idx(three)[:9]), "truncated: it ends inside its header"),
        (written(TEST_IMAGES, idx(three)[:-1]), "is truncated: .* 2351 follow"),
        (written(TEST_IMAGES, idx(three) + b"\0"), "is too long: .* 2353 follow"),
        (written(TEST_IMAGES, idx(three[:, :8, :8])), r"rows of shape \(8, 8\)"),
        (written(TEST_IMAGES, idx(three[:0])), "holds no rows"),
        (written(TEST_IMAGES, idx(three[:2])), "2 images and .* 3 labels"),
        (written(TEST_LABELS, idx(np.array([0, 9, 10], np.uint8))), "label 10"),
        (written(LABELS + ".gz", gzip.compress(idx(three))[:-12]), "truncated or damaged"),
        (written(LABELS + ".gz", gzip.compress(bytes(99))[:4]), "truncated or damaged"),
        (written(LABELS + ".gz", b"\x1f\x8b" + bytes(40)), "truncated or damaged"),
    ],
)
def test_a_damaged_file_is_named_with_its_fault(small, spoil, message):
    folder, _, _ = small
    spoil(folder)
    with pytest.raises(ValueError, match=message) as caught:
        mnist(folder)
    assert str(folder) in str(caught.value)


@given(cut=st.integers(0, 60), flip=st.integers(0, 59), bit=st.integers(0, 7))
def test_no_damage_to_a_gzip_goes_unnoticed(tmp_path_factory, cut, flip, bit):
    folder = tmp_path_factory.mktemp("damaged")
    labels = np.arange(10, dtype=np.uint8)
    for images, names in ((IMAGES, LABELS), (TEST_IMAGES, TEST_LABELS)):
        (folder / images).write_bytes(idx(np.zeros((10, 28, 28), np.uint8)))
        (folder / names).write_bytes(idx(labels))
    content = bytearray(gzip.compress(idx(labels), mtime=0))
    content[flip % len(content)] ^= 1 << bit
    (folder / LABELS).write_bytes(content[: len(content) - cut])
    # only the gzip header's remarks (time, system) may differ without a trace
    assert outcome(folder) == labels.tolist() or LABELS in outcome(folder)


def outcome(folder):
    try:
        return mnist(folder).t_train.tolist()
    except ValueError as error:
        return str(error)


@pytest.mark.skipif(
    not os.environ.get("MINIGRAD_DATA"), reason="MINIGRAD_DATA does not say where MNIST is"
)
def test_the_real_mnist_has_its_published_counts():
    data = mnist()
    assert data.x_train.shape == (60_000, 784)
    assert data.x_test.shape == (10_000, 784)
    assert np.bincount(data.t_train).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    assert np.bincount(data.t_test).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip
    assert abs(data.x_train.mean() - 0.1307) < 1e-4
