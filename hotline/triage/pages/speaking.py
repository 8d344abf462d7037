"""Pages: what is said to a reporter, shown once more before it goes.

What a person typed is always shown back, with what it might give away, and needs a second press;
a prepared sentence alone needs none. A note has a form, a place and a colour of its own, and no
button of it leads to the reporter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from flask import redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hotline.triage import dispositions
from hotline.triage.cautions import Caution
from hotline.triage.opening import Opened, open_tip, visible
from hotline.triage.pages import undoing
from hotline.triage.pages.door import READERS, Console, who
from hotline.triage.pages.talk import WHY, Draft, drafted
from hotline.triage.pages.tip import read_id


def _to_look_at(draft: Draft, form: Mapping[str, str]) -> bool:
    """Whether it is shown (again) before it goes."""
    typed = bool(form.get("text", "").strip())
    pressed = form.get("sure") == draft.seal
    return not pressed and (bool(draft.cautions) or (typed and "look" in form))


def install(console: Console) -> None:
    line = console.line

    def speaking(kind: str, done: str) -> Callable[[str], BaseResponse | str]:
        def view(tip: str) -> BaseResponse | str:
            opened = _held(console, tip)
            draft = drafted(line, opened, kind, request.form)
            if _to_look_at(draft, request.form):
                return render_template(
                    "console/draft.html",
                    draft=draft,
                    tip=opened,
                    lang=opened.content.tip.language.tag,
                    deed="ask" if kind == dispositions.QUESTION else "reply",
                    why=_by_kind(draft.cautions),
                )
            dispositions.say(line, who(), opened, kind=kind, text=draft.text, keep=undoing.keep)
            undoing.offer(console)
            if kind == dispositions.REPLY:
                return redirect(f"/tips/{tip}?done={done}", 303)
            console.claims.release(who().person.id, opened.row.id, aside=True)
            return redirect(f"/desk?done={done}", 303)

        return view

    console.act("/tips/<tip>/ask", *READERS, name="ask")(speaking(dispositions.QUESTION, "asked"))
    console.act("/tips/<tip>/reply", *READERS, name="reply")(
        speaking(dispositions.REPLY, "replied")
    )

    @console.act("/tips/<tip>/language", *READERS)
    def language(tip: str) -> BaseResponse:
        """To a colleague who reads the reporter's language: the wish is sealed with the tip."""
        opened = _held(console, tip)
        dispositions.wish_language(line, who(), opened)
        console.claims.release(who().person.id, opened.row.id, aside=True)
        return redirect("/desk?done=language", 303)


def _held(console: Console, tip: str) -> Opened:
    """The tip, with the lease on it and at the version that was read."""
    identity = read_id(tip)
    row = visible(console.line, who(), identity)
    console.claims.require(who().person.id, row.id)
    opened = open_tip(console.line, who(), identity)
    dispositions.check_version(opened, request.form.get("version", -1, int))
    return opened


def _by_kind(found: Iterable[Caution]) -> list[tuple[str, list[str]]]:
    """``(why, words)``, each reason once."""
    kinds: dict[str, list[str]] = {}
    for caution in found:
        words = kinds.setdefault(caution.kind, [])
        words += [caution.words] if caution.words and caution.words not in words else []
    return [(WHY[kind], words) for kind, words in kinds.items()]
