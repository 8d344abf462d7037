"""Files as telephones, scanners and attackers make them, built here byte by byte, with canaries."""

from __future__ import annotations

import io
import struct
import wave
import zlib
from collections.abc import Iterable

from PIL import ExifTags, Image, ImageCms, ImageDraw
from PIL.PngImagePlugin import PngInfo

from tests.promises.canaries import Aviary

SIZE = (400, 300)
RECORDED = 3_900_000_000  # seconds since 1904, as MP4 counts


def scene(size: tuple[int, int] = SIZE, mode: str = "RGB") -> Image.Image:
    """Four quarters, red, green, blue, white: turned or mirrored it is another picture."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    half, low = size[0] // 2, size[1] // 2
    draw.rectangle((0, 0, half - 1, low - 1), "red")
    draw.rectangle((half, 0, size[0], low - 1), "green")
    draw.rectangle((0, low, half - 1, size[1]), "blue")
    return image.convert(mode)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def exif(birds: Aviary, orientation: int = 1) -> bytes:
    """Owner, serial numbers, a place, a maker's note, a comment."""
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = orientation
    tags[ExifTags.Base.Make] = birds.word("make")
    tags[ExifTags.Base.Artist] = birds.word("artist")
    tags[ExifTags.Base.XPAuthor] = birds.word("author").encode("utf-16-le")
    inner = tags.get_ifd(ExifTags.IFD.Exif)
    inner[ExifTags.Base.CameraOwnerName] = birds.word("owner")
    inner[ExifTags.Base.BodySerialNumber] = birds.word("serial")
    inner[ExifTags.Base.MakerNote] = birds.word("note").encode() * 3
    inner[ExifTags.Base.UserComment] = b"ASCII\0\0\0" + birds.word("comment").encode()
    place = tags.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitude] = (22.0, 54.0, 31.7)
    place[ExifTags.GPS.GPSAreaInformation] = birds.word("area").encode()
    return tags.tobytes()


def xmp(birds: Aviary) -> bytes:
    word = birds.word("xmp")
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><dc:creator>{word}</dc:creator></x:xmpmeta>'.encode()
    )


def icc(birds: Aviary) -> bytes:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile + birds.word("icc").encode()


def segment(kind: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, kind, len(body) + 2) + body


def photo(birds: Aviary, size: tuple[int, int] = SIZE, orientation: int = 1) -> bytes:
    """A telephone's JPEG: EXIF with its thumbnail, XMP, IPTC, ICC, a comment, a second picture
    behind the first, and a gallery's trailer."""
    thumbnail = saved(scene((64, 48)), "JPEG", comment=birds.word("thumbnail").encode())
    second = saved(scene((64, 48)), "JPEG", exif=exif(birds, 1))
    iptc = b"\x1c\x02\x50" + struct.pack(">H", 18) + birds.word("byline").encode()
    extra = [
        segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0" + bytes(6) + thumbnail),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp(birds)),
        segment(
            0xED, b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc
        ),
        segment(0xE2, b"ICC_PROFILE\0\1\1" + icc(birds)),
        segment(0xEF, b"Ducky" + birds.word("application").encode()),
        segment(0xFE, birds.word("remark").encode()),
    ]
    plain = saved(scene(size), "JPEG", quality=90, exif=exif(birds, orientation))
    return _insert(plain, extra) + second + trailer(birds)


def _insert(jpeg: bytes, segments: Iterable[bytes]) -> bytes:
    at = 2
    while jpeg[at + 1] in range(0xE0, 0xF0):
        at += 2 + struct.unpack_from(">H", jpeg, at + 2)[0]
    return jpeg[:at] + b"".join(segments) + jpeg[at:]


def trailer(birds: Aviary) -> bytes:
    return b"SEFH" + birds.word("trailer").encode() + birds.number("number").encode()


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(birds: Aviary) -> bytes:
    """Every chunk in which a PNG can say who made it, before the pixels and behind them."""
    info = PngInfo()
    info.add_text("Author", birds.word("tEXt"))
    info.add_text("Comment", birds.word("zTXt") * 40, zip=True)
    info.add_itxt("Title", birds.word("iTXt"), lang="pt", tkey=birds.word("key"))
    info.add_itxt("Zipped", birds.word("zipped iTXt") * 40, zip=True)
    info.add(b"tIME", struct.pack(">HBBBBB", 2026, 1, 2, 3, 4, 5))
    info.add(b"prVt", birds.word("private").encode(), after_idat=True)
    plain = saved(scene(), "PNG", pnginfo=info, exif=exif(birds), icc_profile=icc(birds))
    return plain + trailer(birds)


def webp(birds: Aviary) -> bytes:
    plain = saved(scene(), "WEBP", exif=exif(birds), xmp=xmp(birds), icc_profile=icc(birds))
    return plain + trailer(birds)


def pdf(objects: dict[int, bytes], root: int = 1, extra: bytes = b"") -> bytes:
    """A PDF of numbered objects with a true table of where they are."""
    out = bytearray(b"%PDF-1.7\n")
    places = {}
    for number, body in sorted(objects.items()):
        places[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table, last = len(out), max(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % last
    for number in range(1, last):
        out += b"%010d %05d %b \n" % (places.get(number, 0), 0, b"n" if number in places else b"f")
    out += b"trailer\n<</Size %d /Root %d 0 R %b>>\nstartxref\n%d\n%%%%EOF\n" % (
        last,
        root,
        extra,
        table,
    )
    return bytes(out)


def stream(body: bytes, entries: bytes = b"") -> bytes:
    return b"<<%b /Length %d>>\nstream\n%b\nendstream" % (entries, len(body), body)


DRAWING = b"1 0 0 rg 0 0 300 400 re f BT /F1 40 Tf 0 g 320 600 Td (Rua das Flores) Tj ET"


def pages(count: int = 1, box: bytes = b"0 0 595 842") -> dict[int, bytes]:
    """A catalogue, a tree and so many pages that show the same drawing."""
    kids = b" ".join(b"%d 0 R" % (10 + n) for n in range(count))
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Count %d/Kids[%b]>>" % (count, kids),
        3: stream(DRAWING),
        4: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    }
    for number in range(count):
        objects[10 + number] = (
            b"<</Type/Page/Parent 2 0 R/MediaBox[%b]/Contents 3 0 R"
            b"/Resources<</Font<</F1 4 0 R>>>>>>" % box
        )
    return objects


def document(birds: Aviary, count: int = 1) -> bytes:
    """A PDF with an author, XMP, a script that runs on opening, a file inside, and a tail."""
    objects = pages(count)
    objects[1] = (
        b"<</Type/Catalog/Pages 2 0 R/Metadata 5 0 R/OpenAction 6 0 R"
        b"/Names<</EmbeddedFiles<</Names[(a)7 0 R]>>>>>>"
    )
    objects[5] = stream(xmp(birds), b"/Type/Metadata/Subtype/XML")
    objects[6] = b"<</S/JavaScript/JS(app.alert\\('%b'\\))>>" % birds.word("script").encode()
    objects[7] = b"<</Type/Filespec/F(%b)/EF<</F 8 0 R>>>>" % birds.word("inner name").encode()
    objects[8] = stream(birds.word("inner file").encode(), b"/Type/EmbeddedFile")
    objects[9] = b"<</Author(%b)/Producer(%b)>>" % (
        birds.word("pdf author").encode(),
        birds.word("producer").encode(),
    )
    return pdf(objects, extra=b"/Info 9 0 R") + trailer(birds)


def id3(birds: Aviary) -> bytes:
    words = b"".join(
        frame + struct.pack(">IH", len(body) + 1, 0) + b"\0" + body
        for frame, body in (
            (b"TPE1", birds.word("singer").encode()),
            (b"COMM", birds.word("id3 comment").encode()),
        )
    )
    size = bytes(len(words) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\3\0\0" + size + words


def mp3(birds: Aviary) -> bytes:
    frame = b"\xff\xfb\x90\x00" + bytes(413)  # MPEG 1 layer III, 128 kbit/s, 44,100 Hz
    ape_items = birds.word("ape").encode()
    ape = ape_items + b"APETAGEX" + struct.pack("<IIII", 2000, len(ape_items) + 32, 1, 0) + bytes(8)
    tail = b"TAG" + birds.word("id3v1").encode().ljust(125, b"\0")
    return id3(birds) + frame * 8 + ape + tail


def wav(birds: Aviary) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(range(256)) * 8)
    words = birds.word("wav artist").encode() + b"\0"
    info = b"INFOIART" + struct.pack("<I", len(words)) + words + b"\0" * (len(words) % 2)
    plain = out.getvalue()
    listed = b"LIST" + struct.pack("<I", len(info)) + info
    return (
        plain[:12]
        + listed
        + plain[12:]
        + b"bext"
        + struct.pack("<I", 24)
        + birds.word("originator").encode().ljust(24, b"\0")
    )


def box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + name + body


def m4a(birds: Aviary, handler: bytes = b"soun") -> bytes:
    head = b"\0\0\0\0" + struct.pack(">II", RECORDED, RECORDED)
    named = bytes(8) + handler + bytes(12) + birds.word("recorder").encode() + b"\0"
    media = box(b"mdia", box(b"mdhd", head, bytes(12)), box(b"hdlr", named), box(b"minf", bytes(8)))
    tags = box(b"udta", box(b"\xa9xyz", birds.word("place of the sound").encode()))
    return b"".join(
        (
            box(b"ftyp", b"M4A \0\0\0\0M4A mp42"),
            box(b"uuid", birds.word("uuid").encode()),
            box(
                b"moov",
                box(b"mvhd", head, bytes(80)),
                box(b"trak", box(b"tkhd", head, bytes(60)), media),
                tags,
            ),
            box(b"mdat", bytes(range(256))),
            box(b"meta", birds.word("apple").encode()),
        )
    )


def ogg(codec: bytes = b"OpusHead") -> bytes:
    body = codec + b"\1\1\x38\1\x80\xbb\0\0\0\0\0"
    return b"OggS\0\2" + bytes(8) + bytes(12) + bytes((1, len(body))) + body


def webm(*codecs: bytes) -> bytes:
    tracks = b"".join(b"\x86" + bytes((0x80 | len(codec),)) + codec for codec in codecs)
    return b"\x1a\x45\xdf\xa3\x84webm" + tracks + b"\x1f\x43\xb6\x75\x84abcd"


AMR = b"#!AMR\n" + b"\x3c" + bytes(31)
ADTS = (b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9)) * 4
