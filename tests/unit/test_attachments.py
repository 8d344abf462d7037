"""Files: what they carry beside what they show stays behind; what they show comes out."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import pytest
from PIL import Image, ImageOps

from hotline.intake.attachments import ACCEPTED, MOST_BYTES, Cleaned, FileRefused, clean
from hotline.intake.attachments.jpeg import size_of_bare
from hotline.intake.attachments.limits import SIDES, THUMBNAIL_SIDE
from hotline.intake.attachments.recognise import media_type_of
from tests import samples
from tests.promises.canaries import Aviary

Maker = Callable[[Aviary], bytes]
COMPRESSED = {"zTXt", "zipped iTXt", "icc"}  # not in clear in a PNG


def everything(cleaned: Cleaned) -> list[tuple[str, bytes]]:
    pages = [(f"page {number}", page) for number, page in enumerate(cleaned.pages)]
    return [*pages, ("sound", cleaned.sound), ("thumbnail", cleaned.thumbnail)]


def opened(page: bytes) -> Image.Image:
    return Image.open(io.BytesIO(page), formats=["JPEG"])


def near(one: Image.Image, other: Image.Image) -> bool:
    """Whether two pictures show the same, judged by 16 by 16 fields."""
    fields = [
        image.convert("RGB").resize((16, 16), Image.Resampling.BOX).tobytes()
        for image in (one, other)
    ]
    return sum(abs(a - b) for a, b in zip(*fields, strict=True)) / len(fields[0]) < 6


def refusal(data: bytes) -> str:
    with pytest.raises(FileRefused) as refused:
        clean(data)
    assert refused.value.message != FileRefused.message and refused.value.hint
    return refused.value.code


@pytest.mark.parametrize(
    "maker",
    [samples.photo, samples.png, samples.webp, samples.document],
    ids=["photo", "png", "webp", "pdf"],
)
def test_only_pixels_come_out(maker: Maker) -> None:
    birds = Aviary()
    dirty = maker(birds)
    # Otherwise the search below could not find what is there.
    assert set(birds.planted) - {hit.split(" in ")[0] for hit in birds.found([("it", dirty)])} <= (
        COMPRESSED
    )
    cleaned = clean(dirty)
    assert cleaned.kind == ("document" if maker is samples.document else "image")
    assert cleaned.media_type == "image/jpeg" and cleaned.sound == b""
    assert birds.found(everything(cleaned)) == []
    for page in (*cleaned.pages, cleaned.thumbnail):
        size_of_bare(page)  # nothing but tables, frame and scan
        image = opened(page)
        assert not image.getexif() and set(image.info) <= {
            *("jfif", "jfif_version", "jfif_unit", "jfif_density")
        }


@pytest.mark.parametrize("maker", [samples.photo, samples.png, samples.webp])
def test_what_a_picture_shows_stays(maker: Maker) -> None:
    assert near(opened(clean(maker(Aviary())).pages[0]), samples.scene())


def test_what_a_page_shows_stays() -> None:
    cleaned = clean(samples.document(Aviary(), 3))
    assert len(cleaned.pages) == 3
    page = opened(cleaned.pages[2])
    assert max(page.size) == SIDES[-1]
    at = page.width / 595
    assert (
        page.getpixel((round(100 * at), page.height - round(100 * at)))[0] > 240
    )  # red, lower left
    assert page.getpixel((round(100 * at), round(100 * at))) == (255, 255, 255)
    words = page.crop((round(320 * at), round(200 * at), page.width, round(250 * at)))
    assert words.convert("L").getextrema()[0] < 60


def test_what_was_filled_in_is_drawn() -> None:
    objects = samples.pages()
    objects[1] = (
        b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[5 0 R]/DR<</Font<</F1 4 0 R>>>>>>>>"
    )
    objects[5] = (
        b"<</Type/Annot/Subtype/Widget/FT/Tx/T(a)/V(X)/F 4/P 10 0 R/Rect[300 100 500 300]"
        b"/DA(/F1 40 Tf 0 g)/AP<</N 6 0 R>>>>"
    )
    objects[6] = samples.stream(
        b"0 0 1 rg 0 0 200 200 re f", b"/Type/XObject/Subtype/Form/BBox[0 0 200 200]"
    )
    objects[10] = objects[10].removesuffix(b">>") + b"/Annots[5 0 R]>>"
    page = opened(clean(samples.pdf(objects)).pages[0])
    at = page.width / 595
    red, _, blue = page.getpixel((round(400 * at), page.height - round(200 * at)))
    assert blue > red + 20


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright(orientation: int) -> None:
    dirty = samples.photo(Aviary(), orientation=orientation)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(dirty)))
    page = opened(clean(dirty).pages[0])
    assert (page.width > page.height) == (orientation < 5)
    assert near(page, upright)


def test_what_lies_under_transparency_is_not_shown() -> None:
    hidden = samples.scene().convert("RGBA")
    hidden.putalpha(0)
    for image in (hidden, hidden.quantize(16), hidden.convert("LA")):
        for kind in ("PNG", "WEBP"):
            if kind == "WEBP" and image.mode == "P":
                continue
            options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
            page = opened(clean(samples.saved(image, kind, **options)).pages[0])
            assert page.convert("L").getextrema()[0] > 250


@pytest.mark.parametrize("mode", ["1", "L", "P", "I;16", "RGBA", "LA"])
def test_every_kind_of_png_is_drawn(mode: str) -> None:
    grey = samples.scene().convert("L")
    if mode == "I;16":
        wide = b"".join(bytes((0, value)) for value in grey.tobytes())
        image = Image.frombytes("I;16", grey.size, wide)
    else:
        image = samples.scene(mode=mode)
    shown = grey if mode in ("L", "I;16", "LA") else image
    assert near(opened(clean(samples.saved(image, "PNG")).pages[0]), shown)


def test_a_printers_photo_is_drawn() -> None:
    page = opened(clean(samples.saved(samples.scene(mode="CMYK"), "JPEG")).pages[0])
    assert near(page, samples.scene())


def test_of_an_animation_the_first_picture_is_taken() -> None:
    frames = [samples.scene(), Image.new("RGB", samples.SIZE, "black")]
    for kind in ("PNG", "WEBP"):
        data = samples.saved(frames[0], kind, save_all=True, append_images=frames[1:])
        cleaned = clean(data)
        assert len(cleaned.pages) == 1 and near(opened(cleaned.pages[0]), frames[0])


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        ((4032, 3024), (2048, 1536)),
        ((1080, 2400), (922, 2048)),
        ((1601, 900), (1600, 899)),
        ((700, 350), (640, 320)),
        ((200, 100), (200, 100)),
        ((9000, 3), (2048, 1)),
    ],
)
def test_sizes_are_rounded_so_that_they_do_not_tell_the_telephone(
    size: tuple[int, int], wanted: tuple[int, int]
) -> None:
    cleaned = clean(samples.saved(samples.scene(size), "JPEG", quality=90))
    assert opened(cleaned.pages[0]).size == wanted
    thumbnail = opened(cleaned.thumbnail)
    assert max(thumbnail.size) <= THUMBNAIL_SIDE and thumbnail.mode == "L"


def test_two_pictures_have_the_same_tables_whoever_took_them() -> None:
    """Quantisation tables name the camera."""
    pages = [
        clean(samples.saved(samples.scene(), "JPEG", quality=quality)).pages[0]
        for quality in (30, 97)
    ]
    tables = [opened(page).quantization for page in pages]
    assert tables[0] == tables[1]


def test_a_file_that_is_two_files_loses_the_other() -> None:
    birds = Aviary()
    archive = b"PK\x03\x04" + birds.word("archive").encode() + b"PK\x05\x06" + bytes(18)
    script = f"<html><script>{birds.word('script in html')}</script>".encode()
    for tail in (archive, script, samples.document(birds), samples.mp3(birds)):
        assert birds.found(everything(clean(samples.photo(birds) + tail))) == []
        assert birds.found(everything(clean(samples.document(birds) + tail))) == []
    page = samples.document(birds)
    assert birds.found(everything(clean(page[:9] + script + b"\n" + page[9:]))) == []
    # PDFium would find the mark behind other bytes; a browser would not.
    assert refusal(b"GIF89a" + page) == "unknown_kind"


@pytest.mark.parametrize("maker", [samples.mp3, samples.wav, samples.m4a])
def test_a_sound_keeps_its_sound_and_loses_its_tags(maker: Maker) -> None:
    birds = Aviary()
    dirty = maker(birds)
    assert {hit.split(" in ")[0] for hit in birds.found([("it", dirty)])} == set(birds.planted)
    cleaned = clean(dirty)
    assert (cleaned.kind, cleaned.pages, cleaned.thumbnail) == ("sound", (), b"")
    assert birds.found(everything(cleaned)) == []
    assert struct.pack(">I", samples.RECORDED) not in cleaned.sound
    sound = {samples.mp3: b"\xff\xfb\x90\x00" + bytes(413)}.get(maker, bytes(range(256)))
    assert cleaned.sound.count(sound) == dirty.count(sound) > 0


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (samples.ogg(), "audio/ogg"),
        (samples.webm(b"A_OPUS"), "audio/webm"),
        (samples.AMR, "audio/amr"),
        (samples.ADTS, "audio/aac"),
        (samples.mp3(Aviary()), "audio/mpeg"),
        (samples.wav(Aviary()), "audio/wav"),
        (samples.m4a(Aviary()), "audio/mp4"),
    ],
)
def test_sounds_are_told_by_their_bytes(data: bytes, media_type: str) -> None:
    assert clean(data, "text/html").media_type == media_type
    assert media_type in ACCEPTED


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\xff\xd8\xff" + bytes(MOST_BYTES), "too_large"),
        (b"MZ\x90\0" + bytes(200), "unknown_kind"),
        (b"GIF89a" + bytes(200), "unknown_kind"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unknown_kind"),
        (b"PK\x03\x04" + bytes(200), "unknown_kind"),
        (b"just a text", "unknown_kind"),
        (b"\xff\xfe" + "um texto".encode("utf-16-le"), "unknown_kind"),
        (b"\xff\xfb\x90\x00" + bytes(600), "unknown_kind"),
        (samples.box(b"ftyp", b"heic\0\0\0\0mif1heic") + bytes(50), "unknown_photo"),
        (samples.m4a(Aviary(), b"vide"), "video"),
        (samples.webm(b"V_VP9", b"A_OPUS"), "video"),
        (samples.ogg(b"\x80theora"), "video"),
        (b"RIFF\0\0\0\0AVI LIST" + bytes(50), "video"),
        (samples.pdf(samples.pages(21)), "too_many_pages"),
        (samples.pdf(samples.pages(0)), "no_pages"),
        (b"\xff\xd8\xff\xd9", "damaged"),
        (b"%PDF-1.7 and then nothing", "damaged"),
    ],
)
def test_what_is_not_taken_is_refused_with_its_reason(data: bytes, code: str) -> None:
    assert refusal(data) == code


def test_twenty_pages_are_taken() -> None:
    assert len(clean(samples.pdf(samples.pages(20))).pages) == 20


def test_what_it_is_said_to_be_does_not_matter() -> None:
    assert clean(samples.photo(Aviary()), "application/pdf").kind == "image"
    assert media_type_of(samples.document(Aviary())) == "application/pdf"


def test_no_refusal_repeats_a_word_of_the_file() -> None:
    birds = Aviary()
    for dirty in (samples.photo(birds), samples.png(birds), samples.document(birds)):
        with pytest.raises(FileRefused) as refused:
            clean(dirty[: len(dirty) // 3])
        error = refused.value
        said = f"{error!r} {error.args} {error.message} {error.hint} {error.__cause__}"
        assert birds.found([("the refusal", said.encode())]) == []
