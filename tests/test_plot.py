"""The pictures: what is drawn are the numbers, and a colour never says it alone."""

import copy
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import plot
from minigrad.plot.figures import COLOURS, MARKERS

needs_matplotlib = pytest.mark.skipif(
    "not __import__('importlib.util').util.find_spec('matplotlib')",
    reason="pictures need matplotlib, which is not installed",
)
rng = np.random.default_rng(0)
RUN = {"epoch": [1, 2, 3], "loss": [3.0, 2.0, 1.0], "val_loss": [4.0, 3.0, 2.5]}
THREE = mg.mlp([2, 3], rng=0)
BETTER = RUN | {"accuracy": [0.5, 0.7, 0.9]}


def texts(axes):
    return [text.get_text() for text in axes.texts]


def points(axes, label):
    """The points of what the legend calls `label`, (N, 2)."""
    (line,) = (line for line in axes.lines if line.get_label() == label)
    return line.get_xydata()


def bars(axes):
    """(heights, edges) of each histogram of a panel, from the ground line up."""
    found = [patch.get_data() for patch in axes.patches]
    return [(values - baseline, edges) for values, edges, baseline in found]


@pytest.fixture
def snapshots():
    """Five nets of different seeds, in place of five epochs."""
    taken = plot.Snapshots(rng.normal(size=(9, 4)), np.arange(9) % 3)
    for time in range(5):
        taken.take(mg.mlp([4, 7, 3], rng=time), time)
    return taken


# ---- every picture -------------------------------------------------------------------------------
PICTURES = {
    "learning_curves": lambda: plot.learning_curves({"SGD": RUN, "Adam": BETTER}),
    "weight_histograms": lambda: plot.weight_histograms(taken_once()),
    "gradient_histograms": lambda: plot.gradient_histograms(taken_once()),
    "activation_histograms": lambda: plot.activation_histograms(
        {"std 1": mg.mlp([4, 9, 9, 2], init=1.0, rng=0), "he": mg.mlp([4, 9, 2], rng=0)},
        np.ones((3, 4)),
    ),
    "decision_boundary": lambda: plot.decision_boundary(
        mg.mlp([2, 5, 8], rng=0), rng.normal(size=(30, 2)), np.arange(30) % 8
    ),
    "optimizer_paths": lambda: plot.optimizer_paths(
        lambda x, y: x**2 + y**2, {"a": [[1, 1], [0.5, 0.5]], "b": [[1, 1], [0, 0]]}, lowest=(0, 0)
    ),
    "filters": lambda: plot.filters(rng.normal(size=(3, 2, 4, 4))),
    "confusion_matrix": lambda: plot.confusion_matrix(
        mg.mlp([4, 3], rng=0), rng.normal(size=(40, 4)), np.arange(40) % 3
    ),
}  # fmt: skip


def taken_once():
    taken = plot.Snapshots(np.eye(4), np.arange(4) % 3)
    taken.take(mg.mlp([4, 7, 3], rng=0), 0)
    return taken


def test_every_picture_is_looked_at():
    helpers = {"Snapshots", "descent_path", "new_figure"}
    assert PICTURES.keys() == set(plot.__all__) - helpers


@needs_matplotlib
def test_a_notebook_shows_a_picture_without_pyplot():
    assert plot.filters([[1.0]])._repr_png_().startswith(b"\x89PNG")


@needs_matplotlib
@pytest.mark.parametrize("name", PICTURES)
def test_no_words_of_a_picture_lie_on_others_or_outside(name):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.text import Text  # of an annotation, without its arrow

    figure = PICTURES[name]()
    assert isinstance(figure, Figure)
    assert max(figure.get_size_inches()) <= 12  # a page has room for it
    figure.draw_without_rendering()
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [
        (
            text.get_text(),
            Text.get_window_extent(text, renderer).padded(-1),
        )  # the font leaves a rim
        for axes in figure.findobj(lambda artist: hasattr(artist, "get_xticklabels"))
        for text in words_of(axes)
        if text.get_text() and text.get_visible()
    ]
    assert boxes
    for i, (words, box) in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1, words
        assert figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1, words
        for other, other_box in boxes[:i]:
            assert not box.overlaps(other_box), (words, other)


def words_of(axes):
    ticks = [
        label
        for axis in (axes.xaxis, axes.yaxis)
        for label, place in zip(axis.get_ticklabels(), axis.get_ticklocs(), strict=False)
        if min(axis.get_view_interval()) <= place <= max(axis.get_view_interval())  # others are hid
    ]
    return [axes.title, axes.xaxis.label, axes.yaxis.label, *axes.texts, *ticks]


def test_without_matplotlib_each_picture_says_what_to_install(tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ImportError")
    program = (
        "import minigrad as mg\ntry: mg.plot.filters([[1.0]])\nexcept ImportError as e: print(e)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": f"{tmp_path}:{Path(mg.__file__).parents[1]}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (
        done.stdout
        == "a plot needs matplotlib: pip install matplotlib, or minigrad's extra `plot`\n"
    )


@needs_matplotlib
def test_a_picture_does_not_touch_pyplot():
    program = (
        "import io, sys, minigrad as mg; mg.plot.filters([[1.0]]).savefig(io.BytesIO())\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    environment = {"PYTHONPATH": str(Path(mg.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


def test_no_two_of_42_classes_look_the_same():
    looks = {(COLOURS[c % len(COLOURS)], MARKERS[c % len(MARKERS)]) for c in range(42)}
    assert len(looks) == 42


# ---- curves --------------------------------------------------------------------------------------
@needs_matplotlib
def test_the_curves_of_several_runs_share_their_panels():
    loss, accuracy = plot.learning_curves(
        {"SGD": RUN, "Adam": RUN | {"accuracy": [0.5, 0.7, 0.9]}}
    ).axes
    drawn = {curve.get_label(): curve.get_xydata().tolist() for curve in loss.lines}
    assert drawn == {
        f"{name}: {part}": list(map(list, zip(RUN["epoch"], RUN[column], strict=True)))
        for name in ("SGD", "Adam")
        for part, column in (("training", "loss"), ("validation", "val_loss"))
    }
    assert points(accuracy, "Adam")[:, 1].tolist() == [0.5, 0.7, 0.9]
    dashed = {line.get_label() for line in loss.lines if line.get_linestyle() == "--"}
    assert dashed == {"SGD: training", "Adam: training"}
    assert accuracy.lines[0].get_color() == loss.lines[2].get_color() != loss.lines[0].get_color()


# ---- weights and gradients -----------------------------------------------------------------------
def test_snapshots_are_copies_and_leave_the_net_and_its_masks_alone():
    x, t = rng.normal(size=(6, 2)), np.arange(6) % 2
    net = mg.mlp([2, 5, 2], dropout=0.5, rng=3)
    twin, taken = copy.deepcopy(net), plot.Snapshots(x, t)
    taken.take(net, time=0)
    taken.take(net, time=1)
    first, second = taken.gradients
    expected = twin.gradient(x, t)
    for name in expected:
        np.testing.assert_array_equal(first[name], expected[name])
        np.testing.assert_array_equal(second[name], expected[name])
        np.testing.assert_array_equal(net.gradient(x, t)[name] * 0, 0 * expected[name])
    net.params["W1"] -= 1
    np.testing.assert_array_equal(taken.weights[0]["W1"], twin.params["W1"])


def test_training_goes_the_same_way_with_snapshots_as_without():
    x, t = mg.datasets.moons(n=30)
    nets = [mg.mlp([2, 5, 2], dropout=0.3, rng=0) for _ in range(2)]
    for net, callbacks in zip(nets, ([], [plot.Snapshots(x, t, every=2)]), strict=True):
        mg.Trainer(net, mg.Adam(), progress=False, callbacks=callbacks).fit(x, t, epochs=4)
    assert callbacks[0].times == [2, 4]
    for name, W in nets[0].params.items():
        np.testing.assert_array_equal(W, nets[1].params[name])


@needs_matplotlib
def test_weight_histograms_count_every_weight_once_at_each_time(snapshots):
    figure = plot.weight_histograms(snapshots, names=["W1", "b2"])
    for axes, name in zip(figure.axes, ["W1", "b2"], strict=True):
        arrays = [weights[name] for weights in snapshots.weights]
        ticks = [label.get_text() for label in axes.get_yticklabels()]
        assert ticks == ["0", "1", "2", "3", "4"]
        (first, edges), *_ = drawn = bars(axes)
        counted = [np.histogram(array, edges)[0] / array.size for array in arrays]
        assert all(share.sum() == pytest.approx(1) for share in counted)
        unit = first.max() / counted[0].max()  # heights are in units of the ground lines
        for (heights, same), share in zip(drawn, counted, strict=True):
            np.testing.assert_array_equal(same, edges)
            np.testing.assert_allclose(heights, unit * share, atol=1e-12)


@needs_matplotlib
def test_gradient_histograms_share_a_logarithmic_axis_and_leave_zeros_out(snapshots):
    for gradients in snapshots.gradients:
        gradients["W1"][0] = 0.0
    W1, W2 = plot.gradient_histograms(snapshots).axes
    assert W1.get_xscale() == W2.get_xscale() == "log"
    np.testing.assert_array_equal(bars(W1)[0][1], bars(W2)[0][1])
    heights, edges = bars(W1)[0]
    sizes = [abs(g[name]) for g in snapshots.gradients for name in ("W1", "W2")]
    positive = np.concatenate([size[size > 0] for size in sizes])
    assert (edges[0], edges[-1]) == pytest.approx((positive.min(), positive.max()))
    share = np.histogram(np.abs(snapshots.gradients[0]["W1"]), edges)[0]
    assert share.sum() == np.count_nonzero(snapshots.gradients[0]["W1"]) <= 3 * 7
    np.testing.assert_allclose(heights / heights.max(), share / share.max())


@needs_matplotlib
def test_of_many_times_eight_are_drawn_the_first_and_the_last_among_them():
    taken = plot.Snapshots()
    for time in range(100):
        taken.take(mg.mlp([2, 2], rng=time), time)
    (axes,) = plot.weight_histograms(taken).axes
    ticks = [int(label.get_text()) for label in axes.get_yticklabels()]
    assert (len(ticks), ticks[0], ticks[-1]) == (8, 0, 99)


# ---- activations ---------------------------------------------------------------------------------
@needs_matplotlib
def test_activations_are_those_of_the_layers_one_after_the_other():
    net, x = mg.mlp([6, 8, 8, 3], dropout=0.5, rng=0), rng.normal(size=(20, 6))
    first, second = plot.activation_histograms(net, x).axes
    hidden = np.maximum(x @ net.params["W1"] + net.params["b1"], 0)
    deeper = np.maximum(0.5 * hidden @ net.params["W2"] + net.params["b2"], 0)
    for axes, expected in ((first, hidden), (second, deeper)):
        ((share, edges),) = bars(axes)
        np.testing.assert_allclose(
            share, np.histogram(expected[expected > 0], edges)[0] / expected.size
        )
        assert texts(axes) == [
            f"mean {expected.mean():.3g}\nstd {expected.std():.3g}\n"
            f"{np.mean(expected == 0):.0%} are 0"
        ]
    assert first.get_ylim() == second.get_ylim()
    np.testing.assert_array_equal(bars(first)[0][1], bars(second)[0][1])


@needs_matplotlib
def test_outputs_of_another_wiring_are_drawn_as_they_are_given():
    (axes,) = plot.activation_histograms({"mine": {"hidden": np.array([-1.0, 1.0, 1.0])}}, ()).axes
    ((share, _),) = bars(axes)
    assert share[0] == pytest.approx(1 / 3)
    assert share[-1] == pytest.approx(2 / 3)
    assert axes.get_title() == "hidden"
    assert "mine" in axes.get_ylabel()


# ---- the plane -----------------------------------------------------------------------------------
@needs_matplotlib
def test_points_are_drawn_with_their_class_and_rings_are_around_the_wrong_ones():
    x, t = rng.normal(size=(50, 2)), rng.integers(0, 2, size=50)
    (axes,) = plot.decision_boundary(lambda x: x[:, 0], x, t, names=["no", "yes"]).axes
    for c, name in enumerate(["no", "yes"]):
        np.testing.assert_array_equal(points(axes, name), x[t == c])
    wrong = (x[:, 0] > 0) != t
    np.testing.assert_array_equal(points(axes, f"{wrong.sum()} of 50 wrong"), x[wrong])


@needs_matplotlib
def test_the_boundary_is_where_the_answer_changes():
    x = np.array([[-1.0, -1.0], [1.0, 1.0]])
    (axes,) = plot.decision_boundary(lambda x: x[:, :1] - 0.25, x, [0, 1]).axes
    lines = [c for c in axes.collections if c.get_facecolor().size == 0]
    drawn = np.concatenate([path.vertices for line in lines for path in line.get_paths()])
    np.testing.assert_allclose(drawn[:, 0], 0.25, atol=0.01)  # half a square of the 250 × 250
    assert np.ptp(drawn[:, 1]) > 2


@needs_matplotlib
def test_unseen_points_are_hollow():
    x, t = mg.datasets.moons(n=20)
    (axes,) = plot.decision_boundary(mg.mlp([2, 2], rng=0), x, t, unseen=(x + 1, t)).axes
    hollow = [line.get_xydata() for line in axes.lines if line.get_markerfacecolor() == "white"]
    np.testing.assert_array_equal(np.concatenate(hollow), x[np.argsort(t, kind="stable")] + 1)


# ---- paths ---------------------------------------------------------------------------------------
def test_a_descent_path_follows_the_rule_of_the_optimizer():
    path = plot.descent_path(lambda x, y: x**2 / 20 + y**2, mg.SGD(lr=0.95), (-7.0, 2.0), steps=30)
    factors = 1 - 0.95 * np.array([1 / 10, 2])
    np.testing.assert_allclose(path, np.array([-7.0, 2.0]) * factors ** np.arange(31)[:, None])


@needs_matplotlib
def test_paths_are_drawn_whole_over_the_valley():
    path = rng.normal(size=(7, 2))
    figure = plot.optimizer_paths(lambda x, y: x + 10 * y, {"mine": path}, levels=[0.0])
    (axes,) = figure.axes
    np.testing.assert_array_equal(points(axes, "mine"), path)
    (valley,) = axes.collections
    x, y = np.concatenate([line.vertices for line in valley.get_paths()]).T
    np.testing.assert_allclose(x + 10 * y, 0, atol=1e-9)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["mine"]


# ---- images --------------------------------------------------------------------------------------
@needs_matplotlib
def test_filters_are_drawn_on_one_scale_with_zero_in_the_middle():
    W = rng.normal(size=(3, 2, 4, 5))
    *panels, _ = plot.filters(W).axes
    drawn = [panel.images[0] for panel in panels]
    np.testing.assert_array_equal([image.get_array() for image in drawn], W.reshape(6, 4, 5))
    assert {image.get_clim() for image in drawn} == {(-abs(W).max(), abs(W).max())}


@needs_matplotlib
def test_the_columns_of_an_affine_layer_are_images_of_what_goes_in():
    W = rng.normal(size=(12, 4))
    *panels, _ = plot.filters(W, image_shape=(3, 4), most=2).axes
    drawn = [panel.images[0].get_array() for panel in panels]
    np.testing.assert_array_equal(drawn, W.T[:2].reshape(2, 3, 4))


@needs_matplotlib
def test_the_confusion_matrix_counts_and_the_surest_mistakes_come_first():
    x, t = rng.normal(size=(60, 9)), rng.integers(0, 3, size=60)
    net = mg.mlp([9, 3], rng=0)
    scores = net.predict(x)
    y = scores.argmax(axis=1)
    matrix, *examples = plot.confusion_matrix(net, x, t, names=["a", "b", "c"], most=4).axes
    counts = {(i, j): int(np.sum((t == i) & (y == j))) for i in range(3) for j in range(3)}
    drawn = {
        (text.get_position()[1], text.get_position()[0]): int(text.get_text())
        for text in matrix.texts
    }
    assert drawn == {place: count for place, count in counts.items() if count}
    assert matrix.get_title() == f"{np.mean(t == y):.2%} of 60 are right"
    ranked = np.sort(scores, axis=1)
    wrong = sorted(np.flatnonzero(t != y), key=lambda i: ranked[i, -2] - ranked[i, -1])[:4]
    assert [axes.get_title() for axes in examples] == [
        f"{'abc'[t[i]]} → {'abc'[y[i]]}" for i in wrong
    ]
    for axes, i in zip(examples, wrong, strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), x[i].reshape(3, 3))


@needs_matplotlib
def test_one_hot_rows_and_scores_of_yes_and_no_are_classes_too():
    x, t = np.array([[-1.0], [2.0], [3.0]]), np.array([0, 0, 1])
    by_index, yes_or_no, one_hot = (
        plot.confusion_matrix(lambda x: x, x, targets).axes[0]
        for targets in (t, t[:, None], np.eye(2)[t])
    )
    assert texts(by_index) == texts(yes_or_no) == texts(one_hot) == ["1", "1", "1"]


# ---- what is refused -----------------------------------------------------------------------------
@needs_matplotlib
@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: plot.learning_curves({}), ValueError, "neither loss nor accuracy"),
        (lambda: plot.Snapshots(np.ones((2, 2))), ValueError, "or neither of them"),
        (lambda: plot.Snapshots(every=0), ValueError, "at least 1"),
        (lambda: plot.weight_histograms(plot.Snapshots()), ValueError, "no snapshot was taken"),
        (lambda: plot.weight_histograms(taken_once(), ["W9"]), KeyError, "W1, b1, W2, b2"),
        (lambda: plot.activation_histograms(object(), ()), TypeError, "give it arrays by name"),
        (lambda: plot.activation_histograms(mg.mlp([2, 2]), [[1, 1]]), ValueError, "no activation"),
        (lambda: plot.decision_boundary(len, np.ones((3, 4)), [0, 0, 1]), ValueError, r"\(3, 4\)"),
        (lambda: plot.decision_boundary(THREE, [[0, 1]], [2], names="ab"), ValueError, "3 classes"),
        (lambda: plot.confusion_matrix(THREE, np.eye(2), [0, 1], names="a"), ValueError, "classes"),
        (lambda: plot.optimizer_paths(max, {}), ValueError, "at least one"),
        (lambda: plot.filters(np.ones(3)), ValueError, r"\(3,\)"),
        (lambda: plot.filters(np.ones((6, 2))), ValueError, "image_shape"),
        (lambda: plot.confusion_matrix(len, np.eye(3), [0]), ValueError, "3 rows and t has 1"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused_in_words(call, error, words):
    with pytest.raises(error, match=words):
        call()


@needs_matplotlib
def test_gradients_that_were_never_taken_are_refused():
    taken = plot.Snapshots()
    taken.take(mg.mlp([2, 2], rng=0), 0)
    with pytest.raises(ValueError, match=r"Snapshots\(x, t\)"):
        plot.gradient_histograms(taken)


@needs_matplotlib
@pytest.mark.parametrize("net", [mg.mlp([2, 3, 2], init=0.0, rng=0)])
def test_a_dead_net_is_drawn_too(net):
    taken = plot.Snapshots(np.ones((1, 2)), [0])
    taken.take(net, 0)
    plot.gradient_histograms(taken).draw_without_rendering()
    (axes,) = plot.activation_histograms(net, np.ones((1, 2))).axes
    assert texts(axes) == ["mean 0\nstd 0\n100% are 0"]


def test_a_surface_of_one_point_is_refused_with_the_remedy():
    def f(p):
        return p[0] ** 2 + p[1] ** 2

    for call in (
        lambda: mg.plot.descent_path(f, mg.SGD(0.1), (1.0, 2.0)),
        lambda: mg.plot.optimizer_paths(f, {"SGD": [[1.0, 2.0]]}),
    ):
        with pytest.raises(TypeError, match=r"f\(x, y\), and this one takes \(p\)"):
            call()


@needs_matplotlib
def test_the_names_of_classes_have_room():
    names = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker"]
    scores = np.eye(8)[np.arange(64) // 8]
    t = np.arange(64) % 8
    figure = plot.confusion_matrix(lambda x: scores, np.zeros((64, 16)), t, names=names)
    figure.draw_without_rendering()
    shown = [axes.title.get_window_extent() for axes in figure.axes[1:]]
    assert len(shown) == 20
    overlapping = [(a, b) for a, b in combinations(shown, 2) if a.overlaps(b)]
    assert overlapping == []
    labels = figure.axes[0].get_xticklabels()
    assert {label.get_rotation() for label in labels} == {45.0}
