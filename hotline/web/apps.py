"""Apps: three WSGI applications: public (8000), console (8001), analyst (8002)."""

from __future__ import annotations

import logging
from types import ModuleType
from typing import TYPE_CHECKING

from flask import Flask

from hotline import settings as settings_module
from hotline.assembly import PublicLine, StaffLine, assemble_public, assemble_staff
from hotline.clock import Clock
from hotline.intake.files import MemoryRequest
from hotline.log import Log, quiet
from hotline.settings import Settings
from hotline.web import headers, i18n

if TYPE_CHECKING:
    from hotline.analysts.source import Source

LARGEST_BODY = 32 * 1024 * 1024


def base(name: str, log: Log, *, scripts: bool) -> Flask:
    """What every app shares: no cookies of Flask's, strict headers, five languages."""
    quiet()
    app = Flask(
        f"hotline.{name}",
        root_path=__file__.rpartition("/")[0],
        template_folder="templates",
        static_folder="static",
    )
    app.request_class = MemoryRequest
    # Addresses with a slash too many or too few would be corrected by a redirect to whatever host
    # the request says it came to.
    app.url_map.merge_slashes = app.url_map.strict_slashes = False
    app.config.update(
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        MAX_FORM_PARTS=200,
        SEND_FILE_MAX_AGE_DEFAULT=3600,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions["log"] = log
    # Ours says where something failed. Flask's would say it in the error's own words, and does as
    # soon as ours cannot write.
    app.logger.setLevel(logging.CRITICAL)
    headers.install(app, scripts=scripts)
    i18n.install(app)
    return app


def public_rooms() -> tuple[ModuleType, ...]:
    """The channels; importing them is most of a start."""
    from hotline.delivery import web as ledger
    from hotline.intake import api, ivr, operators, ringing, sms, web

    return web, sms, ivr, operators, ringing, api, ledger


def public_app(line: PublicLine | None = None) -> Flask:
    """The line as the public meets it: form, webhooks, API, health. Holds no private key."""
    from hotline.web import errors, health

    line = line or assemble_public(settings_module.load())
    app = base("public", Log(line.clock, public=True), scripts=False)
    app.extensions["line"] = line
    for room in public_rooms():
        app.register_blueprint(room.blueprint(line))
    app.register_blueprint(health.public(line))
    errors.install_public(app, line)
    return app


def console_app(line: StaffLine | None = None) -> Flask:
    """The operators', officers' and agencies' desk."""
    from hotline.triage import web
    from hotline.triage.pages import by_key
    from hotline.web import errors, health, metrics

    line = line or assemble_staff(settings_module.load())
    app = base("console", Log(line.clock, public=False), scripts=True)
    app.extensions["line"] = line
    app.register_blueprint(web.blueprint(line))
    app.register_blueprint(by_key.blueprint(line))
    app.register_blueprint(health.staff(line))
    app.register_blueprint(metrics.staff(line))
    errors.install_console(app)
    return app


def analyst_app(
    settings: Settings | None = None, source: Source | None = None, clock: Clock | None = None
) -> Flask:
    """Trends, from frozen releases only: no key, no tip, no database but the releases'."""
    from hotline.analysis import web
    from hotline.web import errors, health

    settings = settings or settings_module.load()
    app = base("analyst", Log(Clock(), public=False), scripts=False)
    app.register_blueprint(web.blueprint(settings, source, clock))
    app.register_blueprint(health.analyst())
    errors.install_analyst(app)
    return app
