"""Pages: the door: who may enter which page, with which session, from which form.

Every route is declared with the roles that may use it; a request for one without is refused. A
session is a cookie of our own (``vault.sessions``), never Flask's.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Response,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
)
from werkzeug.wrappers import Response as BaseResponse

from hotline.assembly import StaffLine
from hotline.delivery.erasure import alarms
from hotline.errors import HotlineError, NotAllowed
from hotline.intake.questions import of_type
from hotline.routing.asking import Kind
from hotline.store.facts import Facts
from hotline.store.shift import Shift
from hotline.store.waiting import Waiting
from hotline.tips import Language
from hotline.triage.access import SignedIn, SignInRefused
from hotline.triage.claims import Claims
from hotline.triage.invitations import Invitations
from hotline.triage.pages import words
from hotline.triage.pages.notices import notices
from hotline.triage.undo import Undoing
from hotline.triage.wellbeing import Exposure
from hotline.vault.small import same
from hotline.web.i18n import N_, negotiate

ANYONE = "anyone"  # signed in or not
SIGNED_IN = "signed-in"  # any role
READERS = ("operator", "supervisor")  # a supervisor is the second reader of a small desk
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# Kept on the page that says what went wrong: what somebody typed, a call's answers too.
_KEPT = ("text", "place", "what", "where", "spot", "when", "who", "more")

View = TypeVar("View", bound=Callable[..., Any])


class ForeignForm(HotlineError):
    """A post that did not come from a form of this session."""

    code = "foreign_form"
    status = 403
    message = "This form does not belong to your session."
    hint = "Go back, load the page again and repeat what you did."


class SessionOver(HotlineError):
    """A post after the session had ended."""

    code = "session_over"
    status = 401
    message = "Your session has ended."
    hint = "Copy what you typed, sign in again and repeat it."


class Console:
    """The blueprint and its table of access: endpoint → roles."""

    def __init__(self, line: StaffLine) -> None:
        self.line = line
        self.invitations = Invitations(line.database, line.access, line.clock)
        self.claims = Claims(line.database, line.clock)
        self.waiting = Waiting(line.database)
        self.shift = Shift(line.database)
        self.undoing = Undoing(line.tips, line.clock)
        self.exposure = Exposure(line.clock)
        self.blueprint = Blueprint("console", __name__)
        self.access: dict[str, frozenset[str]] = {}
        address = urlsplit(line.settings.public_url)
        secure = address.scheme == "https"
        self.secure = secure or not (line.settings.demo or address.hostname in _LOOPBACK)
        self.cookie = "__Host-hotline" if secure else "hotline_staff"
        self.blueprint.before_request(self._enter)
        self.blueprint.context_processor(self._context)
        self.blueprint.register_error_handler(HotlineError, self._problem)

    def page(self, rule: str, *roles: str, name: str = "") -> Callable[[View], View]:
        """Declares a page (GET) and who may see it."""
        return self._declare(rule, "GET", roles, name)

    def act(self, rule: str, *roles: str, name: str = "") -> Callable[[View], View]:
        """Declares an action (POST) and who may do it."""
        return self._declare(rule, "POST", roles, name)

    def _declare(
        self, rule: str, method: str, roles: tuple[str, ...], name: str = ""
    ) -> Callable[[View], View]:
        if not roles:
            raise ValueError("a route without access")

        def declare(view: View) -> View:
            endpoint = name or view.__name__
            self.access[f"console.{endpoint}"] = frozenset(roles)
            self.blueprint.add_url_rule(rule, endpoint, view, methods=[method])
            return view

        return declare

    def _enter(self) -> BaseResponse | None:
        asked = Language.parse(request.args.get("language"))
        g.language = asked or negotiate(self.line.profile.languages[0])
        g.who = None
        roles = self.access.get(request.endpoint or "")
        if roles is None:
            raise NotAllowed
        posting = request.method == "POST"
        if posting and request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise ForeignForm
        who = self.line.access.resume(request.cookies.get(self.cookie, ""))
        if who is not None:
            g.who = who
            g.language = Language.parse(who.person.language) or g.language
        if ANYONE in roles:
            return None
        if who is None:
            if posting:
                raise SessionOver
            return redirect("/sign-in", 303)
        token = request.form.get("token", "")
        if posting and not same(token.encode(), who.cookie.form_token.encode()):
            raise ForeignForm
        if SIGNED_IN not in roles and not who.has(*roles):
            raise NotAllowed
        return None

    def _context(self) -> dict[str, Any]:
        who = g.get("who")
        return {
            "who": who,
            "token": who.cookie.form_token if who else "",
            "path": request.path,
            "training": self.line.settings.training,
            "calls": self.line.profile.phone is not None,
            "done": DONE.get(request.args.get("done", "")),
            "undo": self.undoing.left(who.person.id) if who else 0,
            "decisions": self._decisions(who) if who else 0,
            "notices": notices(self.line, who) if who else None,
            "rings": who is not None and who.has("officer") and self._rings(),
            **words.vocabulary(self.line),
        }

    def _decisions(self, who: SignedIn) -> int:
        """How many requests wait for this person: for a second yes, or to be carried out."""
        with suppress(HotlineError):
            if who.has("officer", "supervisor"):
                return len(self.line.approvals.waiting_for(who.person))
        return 0

    def _rings(self) -> bool:
        """Whether officers must look: shown on each of their pages, as nobody reads readiness
        every day. A page that tells of a failing database never fails for this."""
        with suppress(HotlineError):
            facts, now = Facts(self.line.database), self.line.clock.seconds()
            return bool(alarms(self.line.outbox, facts, now))
        return False

    def _problem(self, error: HotlineError) -> Response:
        """One page for everything that went otherwise; what was typed stays on it."""
        details = [n for n in request.form if (d := of_type(n)) and d.kind is Kind.WORDS]
        named = (request.form.get(name, "") for name in (*_KEPT, *details))
        kept = [words for words in named if words.strip()]
        tip = (request.view_args or {}).get("tip")
        back = f"/tips/{tip}" if tip and not isinstance(error, NotAllowed) else "/"
        if error.status >= 500:
            current_app.extensions["log"].event("refused", code=error.code, status=error.status)
        body = render_template("console/problem.html", problem=error, typed=kept, back=back)
        return make_response(body, error.status)

    def confirm(self) -> None:
        """Before a special deed, its form asks once more who sits there. Raises SignInRefused."""
        form = request.form
        self.line.access.confirm(who(), form.get("passphrase", ""), form.get("code", ""))

    def enter(self, who: SignedIn) -> BaseResponse:
        """The answer that begins a session."""
        response = redirect("/", 303)
        response.set_cookie(
            self.cookie,
            who.cookie.value,
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="Strict",
        )
        return response


def who() -> SignedIn:
    """The person of this request; only after the door let them in."""
    found: SignedIn = g.who
    return found


DONE = {
    "forwarded": N_("The tip was forwarded."),
    "closed": N_("The tip was closed."),
    "close_requested": N_("Recorded. A second person has to confirm the closing."),
    "close_refused": N_("The tip stays open."),
    "reopened": N_("The tip waits again."),
    "undone": N_("Undone. The tip is as it was before, and yours."),
    "drawn": N_("Drawn. What is to be read again is below."),
    "sample_agreed": N_("Recorded. The tip stays closed."),
    "relay_taken": N_("Noted: you have it. Ringing ends. Open the tip now."),
    "checked": N_("The checklist was kept with the tip."),
    "asked": N_("The question was sent. The reporter sees it with the receipt."),
    "language": N_("Passed on. The tip says that somebody who reads its language is wanted."),
    "replied": N_("The message was sent. The reporter sees it with the receipt."),
    "noted": N_("The note was kept."),
    "linked": N_("The two tips are linked. Each is still decided on its own."),
    "unlinked": N_("The link was taken back."),
    "told_apart": N_("Kept: they are not the same. It is not suggested again."),
    "link_first": N_(
        "Not closed yet. Link it with the earlier tip first, or close it without a link."
    ),
    "rerouted": N_("The tip was sent to another desk."),
    "decided": N_("Your decision about the doubtful words was kept."),
    "decided_one": N_("Kept. More doubtful words wait for your decision."),
    "corrected": N_("Type and place were corrected."),
    "victim_described": N_("What is known of the victim was kept, for the statistics."),
    "folded": N_("The addition is now part of the tip."),
    "typed": N_("What was said is now part of the tip. The recording was destroyed."),
    "typed_elsewhere": N_(
        "What was said is now part of the tip. The rules name another desk for it: see below."
    ),
    "destroyed": N_("The recording was destroyed."),
    "file_kept": N_("The file was kept. It is forwarded with the tip."),
    "file_removed": N_("The file was removed for good."),
    "requested": N_("Recorded. A second person decides it on the page of requests."),
    "retried": N_("The errand will be tried again."),
    "aside": N_("Set aside. You will not be offered it for an hour."),
    "limits": N_("Your limits were saved."),
    "none": N_("No tip is waiting for you."),
    "acknowledged": N_("The alarm was acknowledged."),
    "hours_set": N_("The working hours were set."),
    "planted": N_("The tip was planted. Whoever reads it from now on raises an alarm."),
    "view_saved": N_("The view was saved."),
    "view_removed": N_("The view was removed."),
    "handed_over": N_("The note is on the desk of everybody of this queue for 24 hours."),
    "handover_ended": N_("The note was deleted."),
    "capacity": N_("The number was changed."),
    "confirmed": N_("Receipt was confirmed."),
    "outcome": N_("The outcome was recorded."),
    "transferred": N_("Passed on. It is no longer in your inbox to answer."),
    "certified": N_("The certificate was recorded."),
    "joined": N_("You are enrolled. Sign in; officers then give you your queues."),
    "agreed": N_("You agreed. The code of the invitation works now."),
    "withdrawn": N_("The invitation was withdrawn."),
    "passphrase": N_("Your passphrase was changed."),
    "sessions_ended": N_("The sessions were ended."),
    "given": N_("The queue was given."),
    "request_asked": N_("Asked for. A second person has to approve it."),
    "request_approved": N_("You approved it. It is not done yet: see below."),
    "request_done": N_("Two people agreed, and it is done."),
    "request_refused": N_("The request was refused."),
    "request_withdrawn": N_("The request was withdrawn."),
}


def install(console: Console) -> None:
    """Signing in and out, and what each person sets for themselves."""
    line = console.line

    @console.page("/sign-in", ANYONE)
    def sign_in_page() -> str:
        return render_template("console/sign_in.html", name="", problem=None)

    @console.act("/sign-in", ANYONE)
    def sign_in() -> BaseResponse | tuple[str, int]:
        form = request.form
        name = form.get("name", "")
        try:
            found = line.access.sign_in(name, form.get("passphrase", ""), form.get("code", ""))
        except SignInRefused as problem:
            page = render_template("console/sign_in.html", name=name, problem=problem)
            return page, problem.status
        # Whatever session this browser had is over: nobody signs in beside it unseen.
        line.access.leave(request.cookies.get(console.cookie, ""))
        return console.enter(found)

    @console.act("/sign-out", SIGNED_IN)
    def sign_out() -> BaseResponse:
        console.shift.gone(who().person.id)
        line.access.sign_out(who())
        response = redirect("/sign-in", 303)
        response.delete_cookie(
            console.cookie, path="/", secure=console.secure, httponly=True, samesite="Strict"
        )
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response

    @console.act("/settings", SIGNED_IN)
    def settings() -> BaseResponse:
        if language := Language.parse(request.form.get("language")):
            line.access.people.change(who().person.id, language=language.value)
        if (keys := request.form.get("shortcuts")) in ("on", "off"):
            line.access.people.change(who().person.id, shortcuts=keys == "on")
        return redirect("/", 303)

    @console.page("/", SIGNED_IN)
    def home() -> BaseResponse:
        places = (
            ("operator", "/desk"),
            ("agency", "/inbox"),
            ("supervisor", "/board"),
            ("officer", "/officers"),
            ("trainer", "/certificates"),
        )
        return redirect(next((to for role, to in places if who().has(role)), "/nothing"), 303)

    @console.page("/nothing", SIGNED_IN)
    def nothing() -> str:
        return render_template("console/nothing.html")
