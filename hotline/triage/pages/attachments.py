"""Pages: pictures and documents of a tip: asked for, blurred, opened, kept or removed."""

from __future__ import annotations

from flask import Response, request

from hotline.assembly import StaffLine
from hotline.errors import NotAllowed
from hotline.triage import attachments
from hotline.triage.access import SignedIn
from hotline.triage.opening import Opened, open_tip
from hotline.triage.pages import deeds
from hotline.triage.pages.door import READERS, Console, who
from hotline.triage.pages.tip import Look, read_id, show

# Over the console's own policy: whatever the bytes are, nothing in them runs or loads.
_PICTURE = "default-src 'none'; frame-ancestors 'none'; sandbox"


def jpeg(data: bytes) -> Response:
    """A picture of a reporter's file, for the one page that asked for it."""
    response = Response(data, mimetype="image/jpeg")
    response.headers["Content-Security-Policy"] = _PICTURE
    return response


def looked_at() -> Look:
    """Which file was asked for, and which page of it; 0 is the blurred preview."""
    return Look(read_id(request.form.get("file", "")), number_of(request.form.get("page", "0")))


def number_of(text: str) -> int:
    """Raises NotAllowed."""
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise NotAllowed
    return int(text)


def keep_file(line: StaffLine, me: SignedIn, opened: Opened) -> str:
    attachments.keep(line, me, opened, read_id(request.form.get("file", "")))
    return "file_kept"


def remove_file(line: StaffLine, me: SignedIn, opened: Opened) -> str:
    attachments.remove(line, me, opened, read_id(request.form.get("file", "")))
    return "file_removed"


def install(console: Console) -> None:
    line = console.line
    for name, deed in (("keep-file", keep_file), ("remove-file", remove_file)):
        console.act(f"/tips/<tip>/{name}", *READERS, name=name)(deeds.view_of(console, deed))

    @console.act("/tips/<tip>/look", *READERS)
    def look(tip: str) -> str:
        return show(console, tip, look=looked_at())

    @console.page("/tips/<tip>/files/<file>/<page>", *READERS)
    def picture(tip: str, file: str, page: str) -> Response:
        """The mark in the audit tree is left here, where the picture is, and not by the page
        around it."""
        opened = open_tip(line, who(), read_id(tip))
        return jpeg(attachments.look(line, who(), opened, read_id(file), number_of(page)))
