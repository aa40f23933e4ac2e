"""The curves of a run: which are drawn, and over what."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from drp_jax import preset
from drp_jax.commands.figure import PANEL_INCHES, draw_curves, mark_stages, save_figure, smaller
from drp_jax.method import Stage

UNKNOWN = np.nan


def axes_of(history, iterations):
    """The axes drawn for a run with that history."""
    method = preset("paper") if "loss" in history else preset()
    figure = Figure()
    draw_curves(figure, SimpleNamespace(history=history, iterations=iterations, method=method))
    return figure.axes


def labels(axes):
    return [(one.get_xlabel(), one.get_ylabel()) for one in axes]


def test_a_network_has_curves_of_loss_and_psnr():
    loss, psnr = np.array([3, 2, UNKNOWN]), np.array([20, 21, UNKNOWN])
    fitted = {"loss": loss, "residual": loss, "luma_psnr": psnr}
    axes = axes_of(fitted, iterations=2)
    assert labels(axes) == [("iteration", "loss"), ("iteration", "PSNR (dB)")]
    np.testing.assert_array_equal(axes[1].lines[0].get_xydata(), [[1, 20], [2, 21]])
    del fitted["luma_psnr"]
    assert labels(axes_of(fitted, iterations=2)) == [("iteration", "loss")]


@pytest.mark.parametrize(
    ("more", "label"),
    [({}, "residual (intensity)"), ({"luma_psnr": np.array([20, 21, 22])}, "PSNR (dB)")],
)
def test_a_filter_has_one_curve_over_its_steps(more, label):
    (axes,) = axes_of({"residual": np.array([0.2, 0.3, 0.4]), **more}, iterations=3)
    assert labels([axes]) == [("step", label)]
    ticks = axes.get_xticks()
    np.testing.assert_array_equal(ticks, np.rint(ticks))


def test_the_stages_of_a_run_are_shaded_as_far_as_it_went():
    axes = Figure().subplots()
    mark_stages(axes, (Stage("search", None, 4, (11,)), Stage("fit", None, 9, (20,))), 15)
    spans = [(one.get_x(), one.get_width(), one.get_facecolor()) for one in axes.patches]
    assert [span[:2] for span in spans] == [(0.5, 4), (4.5, 5), (9.5, 2), (11.5, 4)]
    assert spans[0][2] == spans[2][2] != spans[1][2] == spans[3][2]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["search", "fit"]


def test_a_single_stage_is_not_marked():
    axes = Figure().subplots()
    mark_stages(axes, (Stage("fit", None, 9),), 9)
    assert not axes.patches
    assert axes.get_legend() is None


@pytest.mark.parametrize(("spread", "panels"), [(0.1, 2), (0.0, 1), (None, 1)])
def test_an_uncertainty_of_zeros_is_not_drawn(tmp_path, spread, panels):
    uncertainty = None if spread is None else np.full((8, 8), spread)
    restoration = SimpleNamespace(uncertainty=uncertainty, iterations=1)
    save_figure(tmp_path / "f.png", {"restored": np.zeros((8, 8, 1))}, restoration)
    with Image.open(tmp_path / "f.png") as drawn:
        assert drawn.width == 100 * PANEL_INCHES * panels


def test_large_images_are_drawn_as_means_of_squares():
    image = np.arange(2400.0).reshape(4, 600, 1)
    assert smaller(image) is image
    fine = np.repeat(np.repeat(image, 2, axis=0), 2, axis=1)
    np.testing.assert_allclose(smaller(fine), image)
