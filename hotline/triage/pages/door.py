"""Pages: the door: who may enter which page, with which session, from which form.

Every route is declared with the roles that may use it; a request for one without is refused. A
session is a cookie of our own (``vault.sessions``), never Flask's.
"""

from __future__ import annotations

from collections.abc import Callable
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
from hotline.errors import HotlineError, NotAllowed
from hotline.tips import Language
from hotline.triage.access import SignedIn, SignInRefused
from hotline.triage.claims import Claims
from hotline.triage.pages import words
from hotline.vault.small import same
from hotline.web.i18n import N_, negotiate

ANYONE = "anyone"  # signed in or not
SIGNED_IN = "signed-in"  # any role
READERS = ("operator", "supervisor")  # a supervisor is the second reader of a small desk
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_KEPT = ("text", "place")

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
        self.claims = Claims(line.desk, line.tips, line.clock)
        self.blueprint = Blueprint("console", __name__)
        self.access: dict[str, frozenset[str]] = {}
        address = urlsplit(line.settings.public_url)
        secure = address.scheme == "https"
        self.secure = secure or not (line.settings.demo or address.hostname in _LOOPBACK)
        self.cookie = "__Host-hotline" if secure else "hotline_staff"
        self.blueprint.before_request(self._enter)
        self.blueprint.context_processor(self._context)
        self.blueprint.register_error_handler(HotlineError, self._problem)

    def page(self, rule: str, *roles: str) -> Callable[[View], View]:
        """Declares a page (GET) and who may see it."""
        return self._declare(rule, "GET", roles)

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
            "done": DONE.get(request.args.get("done", "")),
            **words.vocabulary(self.line),
        }

    def _problem(self, error: HotlineError) -> Response:
        """One page for everything that went otherwise; what was typed stays on it."""
        kept = [request.form[name] for name in _KEPT if request.form.get(name, "").strip()]
        tip = (request.view_args or {}).get("tip")
        back = f"/tips/{tip}" if tip and not isinstance(error, NotAllowed) else "/"
        if error.status >= 500:
            current_app.extensions["log"].event("refused", code=error.code, status=error.status)
        body = render_template("console/problem.html", problem=error, typed=kept, back=back)
        return make_response(body, error.status)

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
    "asked": N_("The question was sent. The reporter sees it with the receipt."),
    "replied": N_("The message was sent. The reporter sees it with the receipt."),
    "noted": N_("The note was kept."),
    "rerouted": N_("The tip was sent to another desk."),
    "decided": N_("Your decision about the doubtful words was kept."),
    "decided_one": N_("Kept. More doubtful words wait for your decision."),
    "corrected": N_("Type and place were corrected."),
    "folded": N_("The addition is now part of the tip."),
    "typed": N_("What was said is now part of the tip. The recording was destroyed."),
    "typed_elsewhere": N_(
        "What was said is now part of the tip. The rules name another desk for it: see below."
    ),
    "destroyed": N_("The recording was destroyed."),
    "retried": N_("The errand will be tried again."),
    "aside": N_("Set aside. You will not be offered it for an hour."),
    "none": N_("No tip is waiting for you."),
    "confirmed": N_("Receipt was confirmed."),
    "outcome": N_("The outcome was recorded."),
    "certified": N_("The certificate was recorded."),
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
        return console.enter(found)

    @console.act("/sign-out", SIGNED_IN)
    def sign_out() -> BaseResponse:
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
        )
        return redirect(next((to for role, to in places if who().has(role)), "/nothing"), 303)

    @console.page("/nothing", SIGNED_IN)
    def nothing() -> str:
        return render_template("console/nothing.html")
