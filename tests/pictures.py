"""Pictures: small real files for tests, with something hidden in every place that can hold it."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterable, Mapping

from PIL import Image, ImageDraw, PngImagePlugin

SIZE = (400, 300)


def drawn(colour: str = "navy") -> Image.Image:
    image = Image.new("RGB", SIZE, colour)
    ImageDraw.Draw(image).ellipse((120, 60, 280, 240), fill="orange")
    return image


def jpeg(hidden: str = "", colour: str = "navy") -> bytes:
    """With ``hidden`` in EXIF, in a comment, and behind the end of the picture."""
    out = io.BytesIO()
    exif = Image.Exif()
    if hidden:
        for tag in (0x010E, 0x010F, 0x0110, 0x0131, 0x013B, 0x8298):
            exif[tag] = hidden
        exif.get_ifd(0x8825)[0x001D] = hidden
    drawn(colour).save(out, "JPEG", exif=exif, comment=hidden.encode())
    return out.getvalue() + hidden.encode()


def png(hidden: str) -> bytes:
    """With ``hidden`` as text beside the pixels."""
    out, beside = io.BytesIO(), PngImagePlugin.PngInfo()
    beside.add_text("Author", hidden)
    beside.add_itxt("Comment", hidden, zip=True)
    drawn().save(out, "PNG", pnginfo=beside)
    return out.getvalue()


def pdf(pages: int = 1, hidden: str = "") -> bytes:
    """With ``hidden`` as author and title."""
    first, *more = [drawn(colour) for colour in ("navy", "darkred", "black", "teal")[:pages]]
    out = io.BytesIO()
    first.save(out, "PDF", save_all=True, append_images=more, author=hidden, title=hidden)
    return out.getvalue()


def sound(seconds: float = 0.1) -> bytes:
    """A little silence as WAV."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(int(seconds * 8000) * 2))
    return out.getvalue()


def multipart(
    fields: Mapping[str, str], files: Iterable[tuple[str, str, bytes]]
) -> tuple[bytes, str]:
    """(body, its content type) as a browser sends a form; files are (field, name, bytes).
    Werkzeug's client would itself put large ones into temporary files."""
    edge, out = "----edge7MA4YWxkTrZu0gW", io.BytesIO()
    for name, value in fields.items():
        head = f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        out.write(head.encode() + value.encode() + b"\r\n")
    for name, called, data in files:
        head = f'--{edge}\r\nContent-Disposition: form-data; name="{name}"; filename="{called}"'
        out.write(head.encode() + b"\r\nContent-Type: application/octet-stream\r\n\r\n")
        out.write(data + b"\r\n")
    out.write(f"--{edge}--\r\n".encode())
    return out.getvalue(), f"multipart/form-data; boundary={edge}"
