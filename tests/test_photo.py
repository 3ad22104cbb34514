"""Photographs of every color mode, and turned ones: as stored or upright, as is meant."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from coursekit.data.photo import ORIENTATION, read_photo

PIXELS = np.array([[[250, 0, 0], [0, 250, 0], [0, 0, 250]],
                   [[0, 0, 0], [90, 90, 90], [250, 250, 250]]], dtype=np.uint8)  # (2, 3, 3)


def save(path, pixels=PIXELS, orientation=None):
    exif = Image.Exif()
    if orientation:
        exif[ORIENTATION] = orientation
    Image.fromarray(pixels).save(path, exif=exif)
    return path


def as_image(pixels):
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255


def test_the_pixels_come_as_stored_between_0_and_1(tmp_path):
    image = read_photo(save(tmp_path / "a.png"))
    assert image.dtype == torch.float32 and image.is_contiguous()
    torch.testing.assert_close(image, as_image(PIXELS), rtol=0, atol=0)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "CMYK"])
def test_every_color_mode_becomes_rgb(tmp_path, mode):
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    Image.fromarray(PIXELS).convert(mode).save(path)
    assert read_photo(path).shape == (3, 2, 3)


# EXIF 2.32, tag 274: which corner of the scene the stored picture begins in.
UPRIGHT = {2: PIXELS[:, ::-1], 3: PIXELS[::-1, ::-1], 4: PIXELS[::-1],
           5: PIXELS.swapaxes(0, 1), 6: np.rot90(PIXELS, -1),
           7: PIXELS[::-1, ::-1].swapaxes(0, 1), 8: np.rot90(PIXELS)}


@pytest.mark.parametrize("orientation, upright", UPRIGHT.items())
def test_a_turned_photograph_without_annotations_is_set_upright(tmp_path, orientation, upright):
    image = read_photo(save(tmp_path / "a.png", orientation=orientation))
    torch.testing.assert_close(image, as_image(upright), rtol=0, atol=0)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_the_annotations_size_tells_whether_a_photograph_is_to_be_turned(tmp_path, orientation):
    path = save(tmp_path / "a.png", orientation=orientation)
    assert torch.equal(read_photo(path, size=(2, 3)), as_image(PIXELS))
    assert torch.equal(read_photo(path, size=(3, 2)), as_image(UPRIGHT[orientation]))


@pytest.mark.parametrize("orientation, pixels", [(3, PIXELS), (6, PIXELS[:, :2])])
def test_where_the_size_does_not_tell_it_is_left_as_stored_with_a_warning(
        tmp_path, orientation, pixels):
    path = save(tmp_path / "a.png", pixels, orientation)
    with pytest.warns(UserWarning, match="a.png is marked to be turned .* taken as stored"):
        image = read_photo(path, size=pixels.shape[:2])
    assert torch.equal(image, as_image(pixels))


def test_a_turned_photograph_of_another_size_is_refused(tmp_path):
    path = save(tmp_path / "a.png", orientation=6)
    with pytest.raises(ValueError, match="is 2 x 3 .* annotations are for 9 x 9. Put the photo"):
        read_photo(path, size=(9, 9))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file .*none.png, but a photograph is wanted"):
        read_photo(tmp_path / "none.png")


def test_a_file_that_is_no_image_is_named(tmp_path):
    for number, nonsense in enumerate([b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + bytes(40)]):
        path = tmp_path / f"{number}.png"
        path.write_bytes(nonsense)
        with pytest.raises(ValueError, match=f"{number}.png came as a photograph, .* save it anew"):
            read_photo(path)


def test_an_opened_file_is_read_like_its_path(tmp_path):
    path = save(tmp_path / "a.png", orientation=6)
    assert read_photo(io.BytesIO(path.read_bytes())).equal(read_photo(path))


@pytest.mark.parametrize("content, why", [(b"ftypheic", "of no kind that it knows"),
                                          (b"", "of no kind"), (None, "image file is truncated")])
def test_an_opened_file_that_is_no_photograph_is_refused(tmp_path, content, why):
    if content is None:
        noise = np.random.default_rng(0).integers(0, 255, (30, 30, 3), np.uint8)
        content = save(tmp_path / "a.png", noise).read_bytes()[:-400]
    with pytest.raises(ValueError, match=f"^The file came as a photograph, but PIL cannot read it "
                                         f".{why}.*A PNG or JPEG file is wanted"):
        read_photo(io.BytesIO(content))


def test_a_photograph_too_large_for_pil_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2)            # 6 are more than twice as many
    with pytest.raises(ValueError, match="a.png came as a photograph, but PIL cannot read it .Image"
                                         " size .6 pixels. exceeds limit"):
        read_photo(save(tmp_path / "a.png"))
