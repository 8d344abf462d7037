"""Images: a picture is decoded, turned upright, drawn on white, made smaller and encoded anew.

Runs in the child only. Nothing but pixels goes into the new picture: Pillow hands an encoder what
it is given (EXIF, ICC, comments) only when asked, and the new image was never given any.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable

from PIL import (
    Image,
    ImageFile,
    ImageFilter,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from hotline.intake.attachments.limits import MOST_PIXELS, QUALITY, SIDES, THUMBNAIL_SIDE
from hotline.intake.attachments.refusals import TooManyPixels

# Built directly, never through ``Image.open``, which tries and loads other formats as well.
_DECODERS: dict[str, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    "image/jpeg": JpegImagePlugin.JpegImageFile,
    "image/png": PngImagePlugin.PngImageFile,
    "image/webp": WebPImagePlugin.WebPImageFile,
}
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


# What Pillow would load when first needed: later no file can be opened.
assert TiffImagePlugin  # reads EXIF
Image.preinit()


def cleaned(data: bytes, media_type: str) -> tuple[bytes, list[bytes]]:
    """The thumbnail and the one page. Raises TooManyPixels, and whatever a decoder raises."""
    picture = _decoded(data, media_type)
    return thumbnail(picture), [encoded(picture)]


def _decoded(data: bytes, media_type: str) -> Image.Image:
    warnings.simplefilter("error")
    image = _DECODERS[media_type](io.BytesIO(data))
    if image.width * image.height > MOST_PIXELS:
        raise TooManyPixels
    image.draft(None, (SIDES[-1], SIDES[-1]))  # JPEG alone: decoded at a half, a quarter, an eighth
    image.load()  # of an animation the first frame
    turn = _TURNS.get(_orientation(image))
    scaled = _scaled(_straight(image))
    fresh = Image.new("RGB", scaled.size, "white")
    fresh.paste(scaled, mask=scaled if scaled.mode == "RGBA" else None)
    return fresh if turn is None else fresh.transpose(turn)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - a broken tag is no reason to lose the photo it hangs on
        return 1


def _straight(image: Image.Image) -> Image.Image:
    """Eight bits a channel, red-green-blue, with transparency where there is some."""
    if image.mode.startswith("I;16"):
        image = image.point(lambda value: value / 256).convert("L")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _scaled(image: Image.Image) -> Image.Image:
    longest = max(image.size)
    return _shrunk(image, max((side for side in SIDES if side <= longest), default=longest))


def _shrunk(image: Image.Image, side: int) -> Image.Image:
    longest = max(image.size)
    if longest <= side:
        return image
    width, height = (max(1, round(length * side / longest)) for length in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC)


def encoded(picture: Image.Image, quality: int = QUALITY) -> bytes:
    """A baseline JPEG with the same tables for every picture."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, subsampling="4:2:0")
    return out.getvalue()


def thumbnail(picture: Image.Image) -> bytes:
    """Enough to tell a document from a street, too little to recognise or be hurt by."""
    small = _shrunk(picture.convert("L"), THUMBNAIL_SIDE)
    return encoded(small.filter(ImageFilter.GaussianBlur(4)), quality=60)
