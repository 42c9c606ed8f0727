"""One decoding of pictures for every consumer: the pixels that a viewer shows, or a sentence.

Turned upright as the camera noted, deep greys scaled to eight bits, transparency on white, RGB.
Ordinary pictures (eight bits, opaque, upright) pass exactly as Pillow decodes them. Colour profiles
are not applied, as in the preprocessing that CLIP-like models were trained with.
"""

import io
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from hierarcaps.runtime.errors import InputError

MAX_PIXELS = 178_956_970  # where Pillow itself refuses
# Models scale the shorter side to theirs: a strip's longer side would grow to millions of pixels.
MAX_ASPECT = 100
_WHITE_IS_ZERO = 0
_PHOTOMETRIC = 262  # TIFF tag
_SIXTEEN_BITS = 65535


def decode_image(file: Path | io.BytesIO, label: str) -> Image.Image:
    """Return an image file as the whole RGB image that a viewer shows.

    Raises:
        InputError: truncated, no image, too large, a strip, or of greys without a known white; the
            message begins with ``label``.
    """
    try:
        with Image.open(file) as image:
            _check_size(image, label)
            upright = _upright(image)
            if upright.mode == "I" or upright.mode.startswith(("I;16", "F")):
                return _eight_bits(upright, image, label).convert("RGB")
            if upright.has_transparency_data:
                return _on_white(upright)
            return upright.convert("RGB")
    except InputError:
        raise
    except Image.UnidentifiedImageError:
        raise InputError(f"{label}: not an image, expected a JPEG, PNG or similar file") from None
    except (Image.DecompressionBombError, MemoryError):
        raise InputError(
            f"{label}: the image is too large, expected at most {MAX_PIXELS:,} pixels"
        ) from None
    except Exception as error:
        # Broken files make Pillow raise whatever its parsers meet: SyntaxError, struct.error, ...
        raise InputError(
            f"{label}: the image cannot be decoded ({error}); is it truncated?"
        ) from None


def _check_size(image: Image.Image, label: str) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{label}: the image is too large ({width} x {height} pixels), expected at most "
            f"{MAX_PIXELS:,} pixels"
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise InputError(
            f"{label}: the image is a strip of {width} x {height} pixels, expected sides of at "
            f"most {MAX_ASPECT} to 1"
        )


def _upright(image: Image.Image) -> Image.Image:
    image.load()  # of a TIFF file this turns the image already
    try:
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9)
    except Exception:
        return image  # viewers as well show a picture with broken notes as it lies
    return ImageOps.exif_transpose(image) if turned else image


def _on_white(image: Image.Image) -> Image.Image:
    """Return an image on white; where it is opaque its pixels stay."""
    whole = image.convert("RGBA")
    alpha = whole.getchannel("A")
    opaque = whole.convert("RGB")
    if alpha.getextrema() == (255, 255):
        return opaque
    return Image.composite(opaque, Image.new("RGB", image.size, "white"), alpha)


def _eight_bits(image: Image.Image, source: Image.Image, label: str) -> Image.Image:
    """Return greys of 16 bits, or of floating point in [0, 1], in eight.

    Raises:
        InputError: other floats, or whole numbers of 32 bits, of which no one knows the white.
    """
    levels = np.asarray(image)
    if image.mode == "F":
        low, high = float(levels.min()), float(levels.max())
        if not (low >= 0 and high <= 1):  # false of NaN as well
            raise InputError(
                f"{label}: found grey levels in floating point from {low:g} to {high:g}, expected "
                "0 to 1, or a file of 8 or 16 bits"
            )
        wide = np.rint(levels.astype(np.float64) * _SIXTEEN_BITS).astype(np.uint32)
    elif image.mode == "I" and source.format != "PPM":  # Pillow scales those to 16 bits
        raise InputError(
            f"{label}: found grey levels of 32 bits, of which the white is not known; expected a "
            "file of 8 or 16 bits"
        )
    else:
        wide = levels.astype(np.uint32)
    eight = (wide >> 8).astype(np.uint8)  # the high byte, as Pillow takes it of 16-bit colours
    tags = getattr(source, "tag_v2", {})
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        eight = 255 - eight
    if isinstance(transparent := source.info.get("transparency"), int):
        eight = np.where(levels == transparent, np.uint8(255), eight)
    return Image.fromarray(eight)
