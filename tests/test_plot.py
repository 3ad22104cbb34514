"""Pictures: what is drawn where, that color is not alone, and what is refused.

Each test asks the axes what they hold, or reads back the drawn pixels.
"""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb

from coursekit import plot
from coursekit.style import CLASS_COLORS, PALETTE, contrast, text_in, text_on

IMAGE = torch.linspace(0, 1, 3 * 10 * 16).reshape(3, 10, 16)
BOXES = torch.tensor([[2.0, 3, 6, 8], [13, 4, 16, 10]])
MASKS = torch.zeros(2, 10, 16, dtype=torch.bool)
MASKS[0, 3:8, 2:6] = True
MASKS[1, 4:10, 13:16] = True
EVERY_PICTURE = [
    lambda image: plot.show_image(image),
    lambda image: plot.show_boxes(image, BOXES),
    lambda image: plot.show_masks(image, MASKS),
    lambda image: plot.show_semantic(torch.zeros(10, 16).long(), image=image),
]


@pytest.fixture(autouse=True)
def agg_and_no_figure_left():
    plt.switch_backend("agg")
    with plt.rc_context():
        yield
    plt.close("all")


def texts(ax):
    return [text.get_text() for text in ax.texts]


def pixels_on(ax):
    return np.asarray(ax.images[0].get_array())


# The palette

def test_the_palette_names_the_classes_of_the_data_in_their_order():
    from coursekit.data.sample import CLASSES
    assert tuple(CLASS_COLORS) == CLASSES


@pytest.mark.parametrize("color", [*CLASS_COLORS.values(), *PALETTE])
def test_text_reads_on_every_color_and_in_it(color):
    assert contrast(text_on(color), color) >= 4.5
    assert contrast(text_in(color), "white") >= 4.5


def test_contrast_of_black_and_white_is_21_and_of_equals_1():
    assert contrast("black", "white") == pytest.approx(21)
    assert contrast("#1F6FB5", "#1F6FB5") == 1


def test_use_style_makes_the_next_figure_white_without_a_right_spine():
    plot.use_style()
    fig, ax = plt.subplots()
    assert to_rgb(fig.get_facecolor()) == (1, 1, 1) and not ax.spines["right"].get_visible()


# Where things are drawn

def test_pixel_i_j_covers_i_to_i_plus_1_and_j_to_j_plus_1():
    ax = plot.show_image(IMAGE, title="a ramp")
    assert ax.images[0].get_extent() == [0, 16, 10, 0]
    assert "a ramp" in (ax.get_title(), ax.get_title(loc="left"))
    np.testing.assert_allclose(pixels_on(ax), IMAGE.permute(1, 2, 0), atol=1e-7)


def test_bytes_and_a_single_channel_are_drawn_as_the_same_gray():
    gray = torch.full((1, 4, 5), 51, dtype=torch.uint8)
    for image in (gray, gray / 255, (gray / 255).expand(3, -1, -1)):
        np.testing.assert_allclose(pixels_on(plot.show_image(image)), 0.2, atol=1e-6)


@pytest.mark.parametrize("draw", EVERY_PICTURE)
def test_every_picture_draws_on_the_axes_it_is_given_and_returns_them(draw, monkeypatch):
    ax = plot.row(2)[1]
    monkeypatch.setattr(plt, "subplots", lambda *args, **kwargs: (None, ax))
    assert draw(IMAGE) is ax and len(ax.images) == 1


@pytest.mark.parametrize("call", [plot.show_image, plot.show_boxes, plot.show_masks])
def test_given_axes_come_back_and_no_other_figure_is_made(call):
    ax = plot.row(1)[0]
    rest = {plot.show_boxes: [BOXES], plot.show_masks: [MASKS]}.get(call, [])
    assert call(IMAGE, *rest, ax=ax) is ax and len(plt.get_fignums()) == 1


def test_pictures_leave_their_input_alone():
    image, masks = IMAGE.clone(), MASKS.clone()
    plot.show_masks(image, masks)
    plot.show_semantic(torch.zeros(10, 16).long(), image=image)
    assert image.equal(IMAGE) and masks.equal(MASKS)


def test_an_image_that_needs_a_gradient_can_be_drawn():
    drawn = plot.show_image(IMAGE.clone().requires_grad_()).images[0].get_array()
    np.testing.assert_allclose(drawn, IMAGE.permute(1, 2, 0))


def test_a_row_has_one_axes_a_picture_and_its_figure_the_width_asked():
    axes = plot.row(3, width=6, aspect=0.5, foot=0.4)
    assert axes.shape == (3,)
    np.testing.assert_allclose(axes[0].figure.get_size_inches(), (6, 6 / 3 * 0.5 + 0.7))


# Boxes

def test_boxes_are_drawn_with_their_corners_and_numbered_from_zero():
    ax = plot.show_boxes(IMAGE, BOXES)
    first = ax.patches[0]
    assert (*first.get_xy(), first.get_width(), first.get_height()) == (2, 3, 4, 5)
    assert texts(ax) == ["0", "1"]


def test_a_label_that_begins_with_a_class_gives_the_box_its_color():
    ax = plot.show_boxes(IMAGE, BOXES, ["dog 0.93", "zebra"])
    assert texts(ax) == ["dog 0.93", "zebra"]
    assert [patch.get_edgecolor()[:3] for patch in ax.patches] == [
        to_rgb(CLASS_COLORS["dog"]), to_rgb(PALETTE[1])]


def test_the_label_of_a_box_in_the_upper_right_corner_stays_inside_the_image():
    text = plot.show_boxes(IMAGE, torch.tensor([[14.0, 0, 16, 4]])).texts[0]
    assert (text.get_ha(), text.get_va(), text.get_position()) == ("right", "top", (16, 0))


def test_more_boxes_than_colors_begin_the_palette_again():
    ax = plot.show_boxes(IMAGE, BOXES[:1].repeat(len(PALETTE) + 1, 1))
    assert ax.patches[-1].get_edgecolor() == ax.patches[0].get_edgecolor()


def test_an_empty_label_writes_nothing():
    assert texts(plot.show_boxes(IMAGE, BOXES, ["", "dog"])) == ["dog"]
    assert texts(plot.show_masks(IMAGE, MASKS, ["", ""])) == []


def test_no_box_and_no_mask_leave_the_bare_image():
    assert texts(plot.show_boxes(IMAGE, torch.zeros(0, 4))) == []
    assert texts(plot.show_masks(IMAGE, MASKS[:0], [])) == []


# Masks

def test_the_outline_of_a_mask_runs_along_the_edges_of_its_pixels():
    mask = torch.zeros(1, 4, 5, dtype=torch.bool)
    mask[0, 1, 2] = True
    ax = plot.show_masks(torch.zeros(3, 4, 5), mask)
    outline = [c for c in ax.collections if isinstance(c, LineCollection)][-1]
    sides = {tuple(map(tuple, segment.astype(int).tolist())) for segment in outline.get_segments()}
    assert sides == {((2, 1), (3, 1)), ((2, 2), (3, 2)), ((2, 1), (2, 2)), ((3, 1), (3, 2))}


def test_a_mask_that_fills_the_image_is_outlined_along_the_edge():
    ax = plot.show_masks(torch.zeros(3, 4, 5), torch.ones(1, 4, 5, dtype=torch.bool))
    assert len(ax.collections[-1].get_segments()) == 2 * (4 + 5)


def test_inside_a_mask_the_image_is_half_its_color_and_outside_untouched():
    drawn = pixels_on(plot.show_masks(IMAGE, MASKS[:1]))
    source = IMAGE.permute(1, 2, 0).numpy()
    np.testing.assert_allclose(drawn[4, 3], (source[4, 3] + to_rgb(PALETTE[0])) / 2, atol=1e-6)
    np.testing.assert_allclose(drawn[0, 0], source[0, 0], atol=1e-6)


def test_a_masks_label_stands_inside_it_even_where_its_centroid_does_not():
    ring = torch.zeros(1, 20, 30, dtype=torch.bool)
    ring[0, 2:18, 3:27] = True
    ring[0, 5:16, 6:20] = False
    x, y = plot.show_masks(torch.zeros(3, 20, 30), ring).texts[0].get_position()
    assert ring[0, int(y), int(x)] and x > 20                    # the right side is the widest


def test_a_mask_without_a_pixel_has_no_label():
    masks = MASKS.clone()
    masks[0] = False
    assert texts(plot.show_masks(IMAGE, masks)) == ["1"]


# Maps of classes

def semantic_map():
    semantic = torch.full((10, 16), 4)
    semantic[:4], semantic[5:9, 3:8], semantic[8:, 12:] = 6, 2, 255
    return semantic


def test_a_map_is_drawn_in_the_classes_colors_and_void_in_white():
    drawn = pixels_on(plot.show_semantic(semantic_map()))
    for place, color in (((0, 0), CLASS_COLORS["sky"]), ((6, 4), CLASS_COLORS["dog"]),
                         ((4, 0), CLASS_COLORS["grass"]), ((9, 15), "white")):
        np.testing.assert_allclose(drawn[place], to_rgb(color), atol=1e-6)


def test_the_legend_names_the_classes_present_with_the_numbers_drawn_on_the_map():
    ax = plot.show_semantic(semantic_map())
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["2 dog", "4 grass", "6 sky", "void"] and texts(ax) == ["2", "4", "6"]


def test_void_is_hatched_and_a_map_without_void_is_not():
    hatched = plot.show_semantic(semantic_map())
    plain = plot.show_semantic(torch.zeros(5, 6).long())
    assert hatched.collections[0].hatches == ["/////"] and not len(plain.collections)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (6, 5)])
def test_a_map_that_is_all_void_can_be_drawn(shape):
    ax = plot.show_semantic(torch.full(shape, 255))
    ax.figure.canvas.draw()
    assert pixels_on(ax).min() == 1


def test_other_classes_take_colors_of_the_palette_and_their_own_names():
    ax = plot.show_semantic(torch.tensor([[0, 1]]), classes=["background", "pedestrian"])
    assert ax.get_legend().get_texts()[1].get_text() == "1 pedestrian"
    np.testing.assert_allclose(pixels_on(ax)[0, 1], to_rgb(PALETTE[1]))


def test_without_a_legend_nothing_is_written():
    ax = plot.show_semantic(semantic_map(), legend=False)
    assert ax.get_legend() is None and texts(ax) == []


# Curves and tables

def test_each_curve_is_drawn_against_1_2_3_and_named_at_its_last_value():
    ax = plot.show_curve({"train": [3, 2, 1], "val": [3, 2.5, float("nan")]}, ylabel="loss")
    assert ax.lines[0].get_xydata().tolist() == [[1, 3], [2, 2], [3, 1]]
    assert {text.get_text(): text.xy for text in ax.texts} == {"train": (3, 1), "val": (2, 2.5)}
    assert ax.lines[0].get_linestyle() != ax.lines[1].get_linestyle()


def test_names_of_curves_that_end_together_stand_apart():
    ax = plot.show_curve({"a": [1, 2], "b": [0, 2], "c": [3, 2]})
    heights = sorted(text.get_position()[1] for text in ax.texts)
    assert min(np.diff(heights)) >= 11 - 1e-6


def test_a_curve_class_by_class_takes_the_classes_colors():
    assert plot.show_curve({"rabbit": [1, 2]}).lines[0].get_color() == CLASS_COLORS["rabbit"]


@pytest.mark.parametrize("curves", [{}, {"train": []}, {"train": [float("nan")] * 2}])
def test_curves_without_a_value_leave_empty_axes(curves):
    ax = plot.show_curve(curves)
    ax.figure.canvas.draw()
    assert not ax.texts


def test_a_matrix_shows_its_own_numbers_row_by_row():
    ax = plot.show_matrix(torch.tensor([[2, 1], [0, 41234]]), ["cat", "dog"])
    assert texts(ax) == ["2", "1", "0", "41k"]
    np.testing.assert_allclose(pixels_on(ax), [[2 / 3, 1 / 3], [0, 1]])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "true")


@pytest.mark.parametrize("value, text", [
    (0.934, "0.93"), (1.0, "1"), (9999, "9,999"), (10_000, "10k"), (999_499, "999k"),
    (999_500, "1.0M"), (3_140_000, "3.1M"),
])
def test_numbers_in_a_matrix_take_at_most_five_characters(value, text):
    assert texts(plot.show_matrix(torch.tensor([[value]]), ["cat"])) == [text]


def test_a_matrix_of_zeros_can_be_drawn():
    ax = plot.show_matrix(torch.zeros(7, 7))
    assert set(texts(ax)) == {"0"} and not pixels_on(ax).any()


# What is refused

@pytest.mark.parametrize("draw", EVERY_PICTURE)
@pytest.mark.parametrize("image, error, message", [
    (torch.zeros(10, 16, 3), ValueError, r"got shape \(10, 16, 3\).*call image.permute\(2, 0, 1\)"),
    (torch.zeros(1, 3, 10, 16), ValueError, r"\(3, H, W\) was expected.*take image\[0\]"),
    (torch.zeros(3, 0, 16), ValueError, r"got shape \(3, 0, 16\)"),
    (IMAGE * 255, ValueError, r"values from 0 to 255, but \[0, 1\] was expected. Divide"),
    (IMAGE - 0.5, ValueError, r"values from -0.5 to 0.5.*undo a normalization"),
    (IMAGE * float("nan"), ValueError, "values from nan to nan"),
    (IMAGE.long(), TypeError, "got torch.int64, but a tensor of floats"),
    (np.zeros((10, 16, 3)), TypeError, "got a ndarray, but a tensor"),
])
def test_what_is_not_an_image_is_refused(draw, image, error, message):
    with pytest.raises(error, match=f"image: .*{message}"):
        draw(image)


def test_boxes_in_another_format_are_refused():
    with pytest.raises(ValueError, match=r"boxes: row 0 .*convert\(boxes"):
        plot.show_boxes(IMAGE, torch.tensor([[9.0, 1, 4, 4]]))


@pytest.mark.parametrize("call, rows", [(plot.show_boxes, BOXES), (plot.show_masks, MASKS)])
def test_another_number_of_labels_is_refused(call, rows):
    with pytest.raises(ValueError, match="labels: got 1, but 2 were expected.*None for numbers"):
        call(IMAGE, rows, ["cat"])


@pytest.mark.parametrize("masks, error, message", [
    (MASKS.float(), TypeError, r"masks: got torch.float32.*`masks > 0.5`"),
    (MASKS[0], ValueError, r"got shape \(10, 16\).*mask\[None\]"),
    (MASKS[:, :5], ValueError, r"masks: got the size \(5, 16\).*\(10, 16\).*Resize both alike"),
])
def test_what_is_not_a_stack_of_masks_is_refused(masks, error, message):
    with pytest.raises(error, match=message):
        plot.show_masks(IMAGE, masks)


@pytest.mark.parametrize("semantic, error, message", [
    (torch.rand(7, 10, 16), TypeError, r"got torch.float32.*scores.argmax\(dim=0\)"),
    (torch.zeros(1, 10, 16).long(), ValueError, r"got shape \(1, 10, 16\).*semantic\[0\]"),
    (torch.tensor([[0, 7]]), ValueError, "holds the id 7, but 0 to 6, or 255.*`classes=`"),
    (torch.tensor([[0, -1]]), ValueError, "holds the id -1"),
    ([[0, 1]], TypeError, "got a list"),
])
def test_what_is_not_a_map_of_ids_is_refused(semantic, error, message):
    with pytest.raises(error, match=message):
        plot.show_semantic(semantic)


def test_a_map_of_another_size_than_its_image_is_refused():
    with pytest.raises(ValueError, match=r"semantic: got the size \(5, 16\)"):
        plot.show_semantic(torch.zeros(5, 16).long(), image=IMAGE)


def test_curves_that_are_not_a_dict_or_of_another_length_than_x_are_refused():
    with pytest.raises(TypeError, match="curves: got a list, but a dict from names"):
        plot.show_curve([1, 2, 3])
    with pytest.raises(ValueError, match="'train' has 3 values, but 2 were expected.*Cut both"):
        plot.show_curve({"train": [1, 2, 3]}, x=[1, 2])


@pytest.mark.parametrize("matrix, message", [
    (torch.zeros(2, 3), r"got \(2, 3\), but a \(2, 2\) tensor.*`classes=`"),
    (torch.tensor([[1.0, -1], [0, 0]]), "negative, infinite or NaN"),
    ([[1, 2], [3, 4]], "got a list"),
])
def test_what_is_not_a_confusion_matrix_is_refused(matrix, message):
    with pytest.raises(ValueError, match=message):
        plot.show_matrix(matrix, ["cat", "dog"])


def test_a_row_of_no_pictures_is_refused():
    with pytest.raises(ValueError, match="n: got 0, but at least 1"):
        plot.row(0)


def test_a_grid_shows_every_number_and_shades_by_size():
    ax = plot.show_grid(torch.tensor([[1.0, 0.0, 0.25], [-2.0, 3.0, 4.0]]), title="map")
    assert [text.get_text() for text in ax.texts] == ["1", "0", "0.25", "-2", "3", "4"]
    shades = ax.images[0].get_array()[..., :3].mean(axis=-1)         # (2, 3), dark is large
    assert shades[1, 2] < shades[1, 1] < shades[0, 0] < shades[0, 1] == 1
    assert ax.get_title() == "map"
    assert all(spine.get_visible() for spine in ax.spines.values())  # a frame on all four sides
    plt.close("all")


def test_grids_to_be_compared_share_their_highest_value():
    small = plot.show_grid(torch.tensor([[1.0]]), highest=4.0).images[0].get_array()
    large = plot.show_grid(torch.tensor([[1.0, 4.0]])).images[0].get_array()
    assert (small[0, 0] == large[0, 0]).all()
    plt.close("all")


@pytest.mark.parametrize("values, words", [
    (torch.zeros(1, 2, 3), r"got \(1, 2, 3\), but a tensor \(H, W\)"),
    ([[1, 2]], "got a list"),
    (torch.zeros(0, 3), r"got \(0, 3\)"),
    (torch.tensor([[float("nan")]]), "NaN or infinity")])
def test_what_is_no_grid_is_refused(values, words):
    with pytest.raises(ValueError, match=words):
        plot.show_grid(values)
