"""Pages: one tip: read it, decide it. Every decision needs the lease and the version read."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hotline.errors import NotAllowed
from hotline.tips import Language
from hotline.triage import corrections, dispositions
from hotline.triage.access import SignedIn
from hotline.triage.messages import QUESTIONS, REPLIES
from hotline.triage.opening import Opened, open_tip, read_tip, visible
from hotline.triage.pages.door import Console, who
from hotline.triage.pages.words import segments
from hotline.web.i18n import current, say

Deed = Callable[[SignedIn, Opened], str]


def read_id(text: str) -> bytes:
    """A random id as the address spells it. Raises NotAllowed."""
    try:
        identity = bytes.fromhex(text)
    except ValueError:
        raise NotAllowed from None
    if len(identity) != 16:
        raise NotAllowed
    return identity


def canned(sentences: dict[str, str], to: Language) -> list[tuple[str, str, str]]:
    """``(code, in the reporter's language, in the reader's)``."""
    return [(code, say(to, text), say(current(), text)) for code, text in sentences.items()]


def install(console: Console) -> None:
    """Reading, and the lease."""
    _deeds(console)
    line = console.line

    def show(tip: str, *, reveal: bool) -> str:
        me, identity = who(), read_id(tip)
        opened = read_tip(line, me, identity)
        if reveal:
            line.audit.note("revealed", tip=tip, by=me.person.id.hex())
        holder = console.claims.holder(identity)
        leads, copies = dispositions.offered(line, opened)
        told = opened.content.tip
        request_ = opened.close_request
        return render_template(
            "console/tip.html",
            tip=opened,
            told=told,
            text=segments(told.text, told.doubts),
            answers={q: segments(words, told.doubts) for q, words in told.answers.items()},
            classified=opened.content.classified,
            decision=opened.content.decision,
            reveal=reveal,
            holder=holder,
            mine=holder is not None and holder.person == me.person.id,
            leads=leads,
            copies=copies,
            others=dispositions.others(line, opened),
            sent={package.agency for package in opened.packages},
            queues=dispositions.queues_offered(line, opened),
            second=dispositions.needs_second(line, opened),
            asked_by_me=request_ is not None and request_.by == me.person.id.hex(),
            types=list(line.types),
            questions=canned(dict(QUESTIONS), told.language),
            replies=canned(dict(REPLIES), told.language),
            forward_reasons=dispositions.FORWARD_REASONS,
            close_reasons=dispositions.CLOSE_REASONS,
            reroute_reasons=dispositions.REROUTE_REASONS,
        )

    @console.page("/tips/<tip>", "operator")
    def tip_page(tip: str) -> str:
        return show(tip, reveal=False)

    @console.act("/tips/<tip>/reveal", "operator")
    def reveal(tip: str) -> str:
        return show(tip, reveal=True)

    @console.act("/tips/<tip>/take", "operator")
    def take(tip: str) -> BaseResponse:
        row = visible(line, who(), read_id(tip))
        console.claims.require(who().person.id, row.id)
        return redirect(f"/tips/{tip}", 303)

    @console.act("/tips/<tip>/heartbeat", "operator")
    def heartbeat(tip: str) -> BaseResponse:
        """The script's sign that somebody still works here; renews only a lease one has."""
        row = visible(line, who(), read_id(tip))
        held = console.claims.holder(row.id)
        if held is None or held.person != who().person.id:
            return Response(status=409)
        console.claims.take(who().person.id, row.id)
        return Response(status=204)

    @console.act("/tips/<tip>/release", "operator")
    def release(tip: str) -> BaseResponse:
        row = visible(line, who(), read_id(tip))
        console.claims.release(who().person.id, row.id, aside=True)
        return redirect("/desk?done=aside", 303)


def _deeds(console: Console) -> None:
    line = console.line

    def deed(tip: str, do: Deed, *, leave: bool = True, aside: bool = False) -> BaseResponse:
        """One decision: lease, version, deed, and on to where the person goes next."""
        me, identity = who(), read_id(tip)
        row = visible(line, me, identity)
        console.claims.require(me.person.id, row.id)
        opened = open_tip(line, me, identity)
        dispositions.check_version(opened, request.form.get("version", -1, int))
        done = do(me, opened)
        if not leave:
            return redirect(f"/tips/{tip}?done={done}", 303)
        console.claims.release(me.person.id, identity, aside=aside)
        return redirect(f"/desk?done={done}", 303)

    @console.act("/tips/<tip>/forward", "operator")
    def forward(tip: str) -> BaseResponse:
        def do(me: SignedIn, opened: Opened) -> str:
            form = request.form
            leads = [agency for agency in (*form.getlist("lead"), form.get("other", "")) if agency]
            dispositions.forward(
                line,
                me,
                opened,
                leads=leads,
                copies=form.getlist("copy"),
                reason=form.get("reason", ""),
            )
            return "forwarded"

        return deed(tip, do)

    @console.act("/tips/<tip>/close", "operator")
    def close(tip: str) -> BaseResponse:
        def do(me: SignedIn, opened: Opened) -> str:
            reason = request.form.get("reason", "")
            closed = dispositions.close(line, me, opened, reason=reason)
            return "closed" if closed else "close_requested"

        return deed(tip, do, aside=True)

    @console.act("/tips/<tip>/keep", "operator")
    def keep(tip: str) -> BaseResponse:
        def do(me: SignedIn, opened: Opened) -> str:
            dispositions.refuse_close(line, me, opened)
            return "close_refused"

        return deed(tip, do, leave=False)

    @console.act("/tips/<tip>/reopen", "operator")
    def reopen(tip: str) -> BaseResponse:
        def do(me: SignedIn, opened: Opened) -> str:
            dispositions.reopen(line, me, opened)
            return "reopened"

        return deed(tip, do, leave=False)

    @console.act("/tips/<tip>/ask", "operator")
    def ask(tip: str) -> BaseResponse:
        def do(me: SignedIn, opened: Opened) -> str:
            text = _words(dict(QUESTIONS), opened.content.tip.language)
            dispositions.say(line, me, opened, kind="question", text=text)
            return "asked"

        return deed(tip, do, aside=True)

    @console.act("/tips/<tip>/reply", "operator")
    def reply(tip: str) -> BaseResponse:
        def do(me: SignedIn, opened: Opened) -> str:
            text = _words(dict(REPLIES), opened.content.tip.language)
            dispositions.say(line, me, opened, kind="reply", text=text)
            return "replied"

        return deed(tip, do, leave=False)

    @console.act("/tips/<tip>/note", "operator")
    def note(tip: str) -> BaseResponse:
        def do(me: SignedIn, opened: Opened) -> str:
            dispositions.write_note(line, me, opened, text=request.form.get("text", ""))
            return "noted"

        return deed(tip, do, leave=False)

    @console.act("/tips/<tip>/reroute", "operator")
    def reroute(tip: str) -> BaseResponse:
        def do(me: SignedIn, opened: Opened) -> str:
            form = request.form
            queue, reason = form.get("queue", ""), form.get("reason", "")
            dispositions.reroute(line, me, opened, queue=queue, reason=reason)
            return "rerouted"

        return deed(tip, do)

    @console.act("/tips/<tip>/doubts", "operator")
    def doubts(tip: str) -> BaseResponse:
        def do(me: SignedIn, opened: Opened) -> str:
            verdicts = {
                doubt.token: request.form.get(f"doubt-{number}", "")
                for number, doubt in enumerate(opened.content.tip.doubts, 1)
            }
            corrections.decide_doubts(line, me, opened, verdicts)
            return "decided"

        return deed(tip, do, leave=False)

    @console.act("/tips/<tip>/correct", "operator")
    def correct(tip: str) -> BaseResponse:
        moved = []

        def do(me: SignedIn, opened: Opened) -> str:
            form = request.form
            queue = corrections.correct(
                line, me, opened, types=form.getlist("type"), place=form.get("place", "")
            )
            moved.append(queue != opened.row.queue)
            return "rerouted" if moved[-1] else "corrected"

        response = deed(tip, do, leave=False)
        if moved[-1]:
            console.claims.release(who().person.id, read_id(tip))
            return redirect("/desk?done=rerouted", 303)
        return response

    @console.act("/tips/<tip>/fold/<addition>", "operator")
    def fold(tip: str, addition: str) -> BaseResponse:
        def do(me: SignedIn, opened: Opened) -> str:
            corrections.fold(line, me, opened, read_id(addition))
            return "folded"

        return deed(tip, do, leave=False)


def _words(prepared: dict[str, str], language: Language) -> str:
    """What was typed, after the prepared sentence that was chosen, if any."""
    chosen = prepared.get(request.form.get("prepared", ""))
    parts = (say(language, chosen) if chosen else "", request.form.get("text", "").strip())
    return "\n".join(part for part in parts if part)
