"""Pages: how an operator picks up calls: a one-time code to type on any telephone."""

from __future__ import annotations

from flask import render_template

from hotline.errors import NotAllowed
from hotline.intake import duty
from hotline.triage.pages.door import READERS, Console, who


def install(console: Console) -> None:
    line = console.line

    def page(code: str = "") -> str:
        phone = line.profile.phone
        if phone is None:
            raise NotAllowed
        return render_template(
            "console/calls.html",
            code=" ".join(code[at : at + 4] for at in range(0, len(code), 4)),
            minutes=duty.SECONDS // 60,
            open=phone.open(line.clock.now()),
            number=line.settings.twilio_number,
        )

    @console.page("/calls", *READERS)
    def calls() -> str:
        return page()

    @console.act("/calls/code", *READERS)
    def duty_code() -> str:
        """The page that answers holds the code itself: it is kept nowhere."""
        if line.profile.phone is None:
            raise NotAllowed
        line.audit.note("duty_code", by=who().person.id.hex())
        return page(duty.give(line.once, line.tips, line.clock))
