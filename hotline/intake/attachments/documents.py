"""Documents: each page of a PDF is drawn at a fixed size; only the drawing leaves.

Runs in the child only. Scripts are never run (this PDFium has no engine for them), nothing is
fetched, and fonts that a document does not bring are PDFium's own: the system's cannot be opened.
"""

from __future__ import annotations

import pypdfium2
from pypdfium2 import raw

from hotline.intake.attachments.images import encoded, thumbnail
from hotline.intake.attachments.limits import MOST_PAGES, PAGE_SIDE
from hotline.intake.attachments.refusals import NoPages, Protected, TooManyPages


def cleaned(data: bytes) -> tuple[bytes, list[bytes]]:
    """The thumbnail of the first page, and all pages. Raises NoPages, TooManyPages, Protected, and
    whatever PDFium raises."""
    document = _opened(data)
    count = len(document)
    if count > MOST_PAGES:
        raise TooManyPages
    document.init_forms()  # what was filled in is drawn too
    small, pages = b"", []
    for number in range(count):
        page = document[number]
        # Half a dot less, because pypdfium2 rounds up.
        bitmap = page.render(scale=(PAGE_SIDE - 0.5) / max(page.get_size()))
        picture = bitmap.to_pil().convert("RGB")
        pages.append(encoded(picture))
        small = small or thumbnail(picture)
        bitmap.close()
        page.close()
    return small, pages


def _opened(data: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY):
            raise Protected from None
        if error.err_code == raw.FPDF_ERR_SUCCESS:  # well-formed, and without a page
            raise NoPages from None
        raise
