"""Pictures as a viewer shows them: upright, at any depth, on white; ordinary ones untouched."""

import io

import numpy as np
import pytest
from PIL import Image

from hierarcaps.data.decoding import decode_image
from hierarcaps.runtime.errors import InputError

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)
RAMP = np.linspace(0, 255, 240).astype(np.uint8).reshape(12, 20)


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return io.BytesIO(buffer.getvalue())


def decoded(image, kind="PNG", **options):
    result = decode_image(encoded(image, kind, **options), "picture")
    assert result.mode == "RGB"
    return np.asarray(result)


def exif(orientation):
    notes = Image.Exif()
    notes[274] = orientation
    return notes


TURNS = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_a_picture_is_turned_upright_once(kind, orientation):
    options = {"lossless": True} if kind == "WEBP" else {}
    found = decoded(Image.fromarray(PIXELS), kind, exif=exif(orientation), **options)
    np.testing.assert_array_equal(found, TURNS[orientation](PIXELS))


def test_a_photograph_of_a_phone_is_turned_as_well():
    upright = Image.fromarray(np.repeat(RAMP[:, :, None], 3, axis=2))
    stored = upright.transpose(Image.Transpose.ROTATE_90)  # Orientation 6 turns it back
    found = decoded(stored, "JPEG", exif=exif(6), quality=95)
    assert np.abs(found.astype(int) - np.asarray(upright)).mean() < 2


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("notes", [b"Exif\0\0broken", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"])
def test_broken_notes_turn_nothing(notes):
    np.testing.assert_array_equal(decoded(Image.fromarray(PIXELS), exif=notes), PIXELS)


SIXTEEN = RAMP.astype(np.uint16) * 257


@pytest.mark.parametrize(
    ("levels", "kind"),
    [
        (SIXTEEN, "PNG"),
        (SIXTEEN, "TIFF"),
        (SIXTEEN.astype(np.int32), "PPM"),
        ((SIXTEEN / 65535).astype(np.float32), "TIFF"),
        ((RAMP / 255).astype(np.float32), "TIFF"),
    ],
)
def test_deep_greys_keep_their_levels(levels, kind):
    found = decoded(Image.fromarray(levels), kind)
    np.testing.assert_array_equal(found[:, :, 0], RAMP)


def test_a_tiff_whose_zero_is_white_is_no_negative():
    found = decoded(Image.fromarray(SIXTEEN), "TIFF", tiffinfo={262: 0})
    np.testing.assert_array_equal(found[:, :, 0], 255 - RAMP)


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        (RAMP.astype(np.int32), "grey levels of 32 bits"),
        (RAMP.astype(np.float32), "from 0 to 255, expected 0 to 1"),
        (np.full((4, 4), np.nan, dtype=np.float32), "from nan to nan"),
    ],
)
def test_greys_without_a_known_white_are_refused(levels, message):
    with pytest.raises(InputError, match=f"picture: .*{message}"):
        decoded(Image.fromarray(levels), "TIFF")


def test_hidden_colours_do_not_reach_the_model():
    alpha = np.zeros((12, 20, 1), dtype=np.uint8)
    alpha[3:9, 5:15] = 255
    found = decoded(Image.fromarray(np.concatenate([PIXELS, alpha], axis=2)))
    np.testing.assert_array_equal(found, np.where(alpha == 255, PIXELS, 255))


def test_half_transparent_colours_stand_on_white():
    found = decoded(Image.new("RGBA", (2, 2), (0, 0, 0, 128)))
    assert np.abs(found.astype(int) - 127).max() <= 1


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_transparent_colour_of_a_palette_is_white(kind):
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.putpixel((0, 0), 0)
    found = decoded(image, kind, transparency=0)
    assert found[0, 0].tolist() == [255, 255, 255]
    assert found[1, 1].tolist() == [255, 0, 0]


def test_a_transparent_colour_of_an_rgb_file_is_white():
    image = Image.new("RGB", (4, 4), (255, 0, 0))
    image.putpixel((0, 0), (1, 2, 3))
    found = decoded(image, transparency=(1, 2, 3))
    assert (found[0, 0].tolist(), found[1, 1].tolist()) == ([255, 255, 255], [255, 0, 0])


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("RGB", "PNG"), ("RGB", "JPEG"), ("L", "PNG"), ("L", "JPEG"), ("1", "PNG"), ("P", "PNG"),
        ("P", "GIF"), ("CMYK", "JPEG"), ("CMYK", "TIFF"), ("YCbCr", "JPEG"), ("RGB", "WEBP"),
    ],
)  # fmt: skip
def test_ordinary_pictures_pass_as_pillow_decodes_them(mode, kind):
    file = encoded(Image.fromarray(PIXELS).convert(mode), kind)
    with Image.open(file) as image:
        expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(np.asarray(decode_image(file, "picture")), expected)


def test_opaque_alpha_changes_nothing():
    image = Image.fromarray(PIXELS)
    image.putalpha(255)
    np.testing.assert_array_equal(decoded(image), PIXELS)


@pytest.mark.parametrize("size", [(40_000, 1), (1, 101), (3, 30_000)])
def test_strips_are_refused_before_anything_grows(size):
    with pytest.raises(InputError, match=f"picture: .*strip of {size[0]} x {size[1]} pixels"):
        decoded(Image.new("1", size))


def test_long_panoramas_pass():
    assert decoded(Image.new("1", (1_000, 10))).shape == (10, 1_000, 3)


def test_a_picture_too_large_is_not_called_truncated():
    with pytest.raises(InputError, match="picture: the image is too large") as error:
        decoded(Image.new("1", (15_000, 13_000)))
    assert "truncated" not in str(error.value)
