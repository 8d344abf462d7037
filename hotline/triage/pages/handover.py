"""Pages: notes from one shift to the next; they are read on the desk."""

from __future__ import annotations

from flask import redirect, request
from werkzeug.wrappers import Response as BaseResponse

from hotline.triage import handover
from hotline.triage.pages.door import READERS, Console, who
from hotline.triage.pages.tip import read_id


def install(console: Console) -> None:
    line, shift = console.line, console.shift

    @console.act("/handover", *READERS)
    def hand_over() -> BaseResponse:
        form = request.form
        handover.write(line, shift, who(), form.get("queue", ""), form.get("text", ""))
        return redirect("/desk?done=handed_over", 303)

    @console.act("/handover/<note>/end", *READERS)
    def end_handover(note: str) -> BaseResponse:
        handover.end(line, shift, who(), read_id(note))
        return redirect("/desk?done=handover_ended", 303)
