"""Pages of analysts: the door: what is open, what needs an account, which form was ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import segno
from flask import Blueprint, g, redirect, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from hotline.analysts.access import Accounts, Visitor
from hotline.errors import HotlineError, NotAllowed
from hotline.settings import Settings
from hotline.tips import Language
from hotline.triage.access import SignInRefused
from hotline.triage.invitations import InvitationRefused, Joining, NameTaken
from hotline.triage.pages.door import ForeignForm, SessionOver
from hotline.vault.small import same
from hotline.web.i18n import negotiate

ANYONE, ACCOUNT, PROGRAM = "anyone", "account", "account or token"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

View = TypeVar("View", bound=Callable[..., Any])


class TokenNeeded(HotlineError):
    """A program without an account's token, or a browser without a session."""

    code = "token_needed"
    status = 401
    message = "This needs the token of an account."
    hint = "Sign in, make a token on the page of your account, and send it as a bearer."


class Door:
    """The blueprint and its table of access: endpoint → ANYONE, ACCOUNT or PROGRAM."""

    def __init__(self, settings: Settings, accounts: Accounts, first: Language) -> None:
        self.accounts = accounts
        self.access: dict[str, str] = {}
        self.blueprint = Blueprint("analyst", __name__)
        self._first = first
        address = urlsplit(settings.public_url)
        https = address.scheme == "https"
        self.secure = https or not (settings.demo or address.hostname in _LOOPBACK)
        self.cookie = "__Host-hotline-trends" if self.secure else "hotline_trends"
        self.blueprint.before_request(self._enter)
        self.blueprint.context_processor(self._context)

    def page(self, rule: str, access: str) -> Callable[[View], View]:
        return self._declare(rule, "GET", access)

    def act(self, rule: str, access: str) -> Callable[[View], View]:
        return self._declare(rule, "POST", access)

    def _declare(self, rule: str, method: str, access: str) -> Callable[[View], View]:
        def declare(view: View) -> View:
            self.access[f"analyst.{view.__name__}"] = access
            self.blueprint.add_url_rule(rule, view.__name__, view, methods=[method])
            return view

        return declare

    def _enter(self) -> BaseResponse | None:
        g.language = Language.parse(request.args.get("language")) or negotiate(self._first)
        access, posting = self.access.get(request.endpoint or ""), request.method == "POST"
        if access is None:
            raise NotAllowed
        if posting and request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise ForeignForm
        g.visitor = visitor = self.accounts.resume(request.cookies.get(self.cookie, ""))
        if visitor is not None:
            g.language = Language.parse(visitor.analyst.language) or g.language
        if access == ANYONE or (access == PROGRAM and (visitor or self._program())):
            return None
        if access == PROGRAM:
            raise TokenNeeded
        if visitor is None:
            if posting:
                raise SessionOver
            return redirect("/sign-in", 303)
        token = request.form.get("token", "")
        if posting and not same(token.encode(), visitor.cookie.form_token.encode()):
            raise ForeignForm
        return None

    def _program(self) -> bool:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        return kind.lower() == "bearer" and self.accounts.by_token(token) is not None

    def _context(self) -> dict[str, Any]:
        visitor = g.get("visitor")
        return {
            "visitor": visitor,
            "token": visitor.cookie.form_token if visitor else "",
            "path": request.path,
        }


def visitor() -> Visitor:
    """The analyst of this request; only after the door let them in."""
    found: Visitor = g.visitor
    return found


def install(door: Door) -> None:
    """Signing in and out, coming in by an invitation, one's own account."""
    accounts = door.accounts

    @door.page("/sign-in", ANYONE)
    def sign_in_page() -> str:
        return render_template("analyst/sign_in.html", name="", problem=None)

    @door.act("/sign-in", ANYONE)
    def sign_in() -> BaseResponse | tuple[str, int]:
        form = request.form
        name = form.get("name", "")
        try:
            found = accounts.sign_in(name, form.get("passphrase", ""), form.get("code", ""))
        except SignInRefused as problem:
            page = render_template("analyst/sign_in.html", name=name[:60], problem=problem)
            return page, problem.status
        accounts.leave(request.cookies.get(door.cookie, ""))
        response = redirect("/ask", 303)
        response.set_cookie(
            door.cookie,
            found.cookie.value,
            path="/",
            secure=door.secure,
            httponly=True,
            samesite="Strict",
        )
        return response

    @door.act("/sign-out", ACCOUNT)
    def sign_out() -> BaseResponse:
        accounts.leave(visitor().cookie.value)
        response = redirect("/", 303)
        response.delete_cookie(
            door.cookie, path="/", secure=door.secure, httponly=True, samesite="Strict"
        )
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response

    @door.page("/account", ACCOUNT)
    def account() -> str:
        return render_template("analyst/account.html", made="")

    @door.act("/account/token", ACCOUNT)
    def token() -> BaseResponse | str:
        if request.form.get("deed") == "end":
            accounts.end_token(visitor().analyst)
            return redirect("/account", 303)
        made = accounts.new_token(visitor().analyst)
        return render_template("analyst/account.html", made=made)

    @door.act("/account/language", ACCOUNT)
    def language() -> BaseResponse:
        if found := Language.parse(request.form.get("language")):
            accounts.store.change(visitor().analyst.id, language=found.value)
        return redirect("/", 303)

    _install_joining(door)


def _install_joining(door: Door) -> None:
    accounts = door.accounts

    def ask(problem: HotlineError | None, code: str) -> tuple[str, int]:
        page = render_template("analyst/join.html", problem=problem, code=code[:64])
        return page, problem.status if problem else 200

    def show(joining: Joining, problem: HotlineError | None = None) -> tuple[str, int]:
        g.language = joining.language
        drawn = segno.make(joining.address, error="m")
        # Dots drawn from numbers alone: no word of anybody stands in it.
        inline = drawn.svg_inline(omitsize=True, light="#fff", svgclass="qr")
        picture = Markup(inline)  # noqa: S704 # nosec B704 - numbers alone
        page = render_template(
            "analyst/joining.html", joining=joining, picture=picture, problem=problem
        )
        return page, problem.status if problem else 200

    @door.page("/join", ANYONE)
    def join_page() -> tuple[str, int]:
        return ask(None, request.args.get("code", ""))

    @door.act("/join", ANYONE)
    def join() -> tuple[str, int]:
        form = request.form
        code = form.get("code", "")
        try:
            return show(accounts.begin(code, form.get("passphrase", ""), form.get("again", "")))
        except HotlineError as problem:
            return ask(problem, code)

    @door.act("/join/code", ANYONE)
    def first_code() -> BaseResponse | tuple[str, int]:
        ticket = request.form.get("ticket", "")
        try:
            accounts.finish(ticket, request.form.get("code", ""))
        except (InvitationRefused, NameTaken) as problem:
            return ask(problem, "")
        except HotlineError as problem:
            return show(accounts.shown(ticket), problem)
        return redirect("/sign-in", 303)
