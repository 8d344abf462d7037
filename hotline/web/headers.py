"""Headers: one strict policy as data; the public pages may not even run a script."""

from __future__ import annotations

from flask import Flask, Response

_CSP = {
    "default-src": "'none'",
    "style-src": "'self'",
    "img-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
_CONSOLE = {
    # The console's module tells the console alone that somebody still works on a tip.
    "script-src": "'self'",
    "connect-src": "'self'",
    # A recording stands inside the one page that plays it: no address leads to it.
    "media-src": "data:",
}
_EVERYWHERE = {
    "Cache-Control": "no-store",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), interest-cohort=()",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains; preload",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}


def policy(*, scripts: bool) -> str:
    directives = _CSP | (_CONSOLE if scripts else {})
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def install(app: Flask, *, scripts: bool) -> None:
    """Every response, errors included; a view may set a stricter policy of its own. ``scripts``:
    the console has one module of its own."""
    csp = policy(scripts=scripts)

    @app.after_request
    def _headers(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", csp)
        for name, value in _EVERYWHERE.items():
            response.headers.setdefault(name, value)
        return response
