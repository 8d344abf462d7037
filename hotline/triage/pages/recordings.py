"""Pages: a caller's recording: heard in one page, typed, destroyed."""

from __future__ import annotations

from base64 import b64encode

from flask import request

from hotline.assembly import StaffLine
from hotline.intake.attachments.sounds import sound_type
from hotline.triage import recordings
from hotline.triage.access import SignedIn
from hotline.triage.opening import Opened, open_tip, visible
from hotline.triage.pages import deeds
from hotline.triage.pages.door import READERS, Console, who
from hotline.triage.pages.tip import Sound, read_id, show


def type_up(line: StaffLine, me: SignedIn, opened: Opened) -> str:
    form = request.form
    identity = read_id(form.get("recording", ""))
    content = recordings.type_up(line, me, opened, identity, form.get("text", ""))
    return deeds.after(line, opened, content, "typed")


def destroy(line: StaffLine, me: SignedIn, opened: Opened) -> str:
    identity = read_id(request.form.get("recording", ""))
    recordings.destroy(line, me, opened, identity, request.form.get("reason", ""))
    return "destroyed"


def install(console: Console) -> None:
    line = console.line
    for name, deed in (("type", type_up), ("destroy", destroy)):
        console.act(f"/tips/<tip>/{name}", *READERS, name=name)(deeds.view_of(console, deed))

    @console.act("/tips/<tip>/listen", *READERS)
    def listen(tip: str) -> str:
        """The page that answers holds the sound itself: it has no address, so nobody hears it
        without this deed and its mark in the audit tree."""
        me, identity = who(), read_id(tip)
        console.claims.require(me.person.id, visible(line, me, identity).id)
        opened = open_tip(line, me, identity)
        recording = read_id(request.form.get("recording", ""))
        sound = recordings.listen(line, me, opened, recording)
        kind = sound_type(sound) or "audio/wav"  # a reporter's own file is what it was
        address = f"data:{kind};base64,{b64encode(sound).decode()}"
        return show(console, tip, sound=Sound(recording, address))
