"""Explore: strip, route, rules and simulate on the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from io import BufferedReader
from typing import TYPE_CHECKING, Any, TextIO

import click

from hotline import settings as settings_module
from hotline.cli import show
from hotline.commands import activation, kept
from hotline.commands.rulebook import export_rules, import_rules
from hotline.errors import BadInput
from hotline.settings import Settings
from hotline.tips import Language

if TYPE_CHECKING:
    from hotline.routing.profile import Profile
    from hotline.routing.tables import Problem


def _lines(stream: TextIO) -> Iterator[dict[str, Any]]:
    """JSON objects, one a line. Raises BadInput naming the line, never its words."""
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise BadInput(
                f"Line {number} is not a JSON object.", "Each line is one object, as in the help."
            )
        yield value


def _emit(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


@click.command()
@click.option("--language", help="pt, es, en, fr or ht; detected when not given.")
@click.option("--jsonl", is_flag=True, help='One {"text", "language"?} a line in and out.')
@click.option(
    "--explain", is_flag=True, help="For people: the text in colours, each span's reason."
)
def strip(language: str | None, jsonl: bool, explain: bool) -> None:
    """Text on stdin becomes JSON: what remains, what was removed and why."""
    from hotline.intake.stripping import describe
    from hotline.intake.stripping import strip as strip_text

    chosen = Language.parse(language)
    if language and chosen is None:
        raise BadInput("This language is not one of the line's.", "Use pt, es, en, fr or ht.")
    if explain and jsonl:
        raise BadInput("--explain is for people, --jsonl for programs.", "Use one of the two.")
    if explain:
        text = sys.stdin.read()
        _explain(text, strip_text(text, chosen))
        return
    if not jsonl:
        _emit(describe(strip_text(sys.stdin.read(), chosen)))
        return
    for request in _lines(sys.stdin):
        text, own = request.get("text"), request.get("language")
        if not isinstance(text, str):
            raise BadInput("A line has no text.", 'Each line is {"text": "…", "language"?: "pt"}.')
        _emit(describe(strip_text(text, Language.parse(own) or chosen)))


# Colour and a mark beside it: the reporter's, nobody's yet, somebody else's.
_ROLES = {
    "reporter": ("red", "−", "removed"),
    "unknown": ("yellow", "?", "doubtful"),
    "other": ("green", "+", "kept"),
}


def _explain(text: str, stripped: Any) -> None:
    """The text with its spans marked, then one line a span, then the risk. The words of a span
    are shown: whoever runs this typed them."""
    spans = [
        (span, role) for role, (_, _, field) in _ROLES.items() for span in getattr(stripped, field)
    ]
    spans.sort(key=lambda pair: pair[0].start)
    pieces: list[str] = []
    done = 0
    for span, role in spans:
        colour, mark, _ = _ROLES[role]
        words = click.style(f"{mark}{text[span.start : span.end]}{mark}", fg=colour, bold=True)
        pieces += (text[done : span.start], words)
        done = span.end
    click.echo("".join((*pieces, text[done:])).rstrip("\n"))
    click.echo()
    for span, role in spans:
        colour, mark, field = _ROLES[role]
        head = click.style(f"{mark} {field:9}", fg=colour, bold=True)
        click.echo(f"{head} {span.start:5}–{span.end:<5} {span.kind:12} {role:9} {span.reason}")
    held = click.style("held for an operator", fg="yellow", bold=True)
    reasons = f": {'; '.join(stripped.reasons)}" if stripped.reasons else ""
    click.echo(f"language {stripped.language.value}, risk {stripped.risk} of 100{reasons}")
    click.echo(held if stripped.held else "not held")


@click.group()
def route() -> None:
    """Explore where tips go."""


@route.command()
@click.option("--jsonl", is_flag=True, help="One request a line in and out.")
@kept.kept_version
def explain(jsonl: bool, version: str | None, day: str | None) -> None:
    """A request as JSON on stdin becomes the decision with its reasons."""
    router = kept.router(version, day)
    if jsonl:
        for request in _lines(sys.stdin):
            _emit(router.explain(_spoken(request)))
        return
    try:
        request = json.loads(sys.stdin.read())
    except ValueError:
        raise BadInput("This is not JSON.", 'Send one object, such as {"text": "…"}.') from None
    if not isinstance(request, dict):
        raise BadInput("This is not a JSON object.", 'Send one object, such as {"text": "…"}.')
    _emit(router.explain(_spoken(request)))


def _spoken(request: dict[str, Any]) -> dict[str, Any]:
    """The request with the language of its text, when it does not say."""
    from hotline.intake.stripping import strip as strip_text

    text = request.get("text")
    if "language" in request or not isinstance(text, str):
        return request
    return {**request, "language": strip_text(text[:2000]).language.value}


@click.group()
def rules() -> None:
    """Prove and explore the rules."""


rules.add_command(export_rules)
rules.add_command(import_rules)
activation.attach(rules)


@rules.command()
@click.argument("profile", required=False)
@click.option("--json", "as_json", is_flag=True)
def check(profile: str | None, as_json: bool) -> None:
    """Proves a profile: no gap, no dead row, every destination known, recusal respected. With
    --json each problem has file, line, sentence, hint and cell, and the bodies with an inbox whose
    names are still to be confirmed are listed; null where the profile cannot be read."""
    from hotline.delivery.relay import holes

    name = profile or settings_module.jurisdiction()
    read, problems = _proved(name)
    bodies, gaps = (read.unconfirmed(), holes(read)) if read else ((), {})
    value = {
        "profile": name,
        "problems": [asdict(problem) for problem in problems],
        "inboxes": len(read.inboxes()) if read else None,
        "unconfirmed": [{"id": id, "name": read.agencies[id].name} for id in bodies]
        if read
        else None,
        "holes": gaps if read else None,
    }
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    last = f"{name}: {count}" if problems else f"{name}: sound"
    warned = [f"warning: nobody on duty for {body}: {', '.join(at)}" for body, at in gaps.items()]
    show(value, as_json=as_json, text="\n".join((*map(str, problems), *warned, last)))
    if problems:
        raise SystemExit(1)


def _proved(name: str) -> tuple[Profile | None, tuple[Problem, ...]]:
    """The profile, None when it cannot be read, and everything wrong with it and its rules."""
    from hotline.routing.classify import Types
    from hotline.routing.places import Places
    from hotline.routing.profile import Profile
    from hotline.routing.route import Router
    from hotline.routing.tables import RuleFileProblem

    profile = None
    try:
        profile = Profile.load(name)
        Router.load(profile, Types.load(), Places.load(profile.country))
    except RuleFileProblem as refused:
        return profile, refused.problems
    return profile, ()


@rules.command("explain")
@click.argument("text")
@kept.kept_version
def explain_text(text: str, version: str | None, day: str | None) -> None:
    """Why a text goes where it goes, in words."""
    router = kept.router(version, day)
    decision: dict[str, Any] = router.explain({"text": text})
    click.echo(f"types     {', '.join(c['code'] for c in decision['crime_types'])}")
    for act in decision["crime_types"]:
        click.echo(f"          {act['code']}: {'; '.join(act['reasons'])}")
    place = decision["place"]
    click.echo(f"place     {place['name'] or 'unknown'} ({place['certainty']})")
    click.echo(
        f"priority  {decision['priority']}, first decision within {decision['deadline']} min"
    )
    click.echo(f"queue     {decision['queue']}")
    click.echo(f"leads     {', '.join(decision['leads']) or 'none'}")
    click.echo(f"copies    {', '.join(decision['copies']) or 'none'}")
    for recusal in decision["recused"]:
        click.echo(f"recused   {recusal['agency']}: {recusal['reason']}")
    click.echo("rules     " + ", ".join(f"{r['table']}/{r['row']}" for r in decision["rules"]))
    click.echo(f"version   {router.profile.version}")


@rules.command()
@click.argument("old")
@click.argument("new")
def diff(old: str, new: str) -> None:
    """What two profiles decide differently."""
    from hotline.assembly import rooms
    from hotline.routing.compare import diff as difference

    _differences(difference(rooms(old)[3], rooms(new)[3]))


@rules.command()
@click.argument("old")
@click.argument("new")
@click.argument("facts", type=click.File("r"))
def replay(old: str, new: str, facts: TextIO) -> None:
    """What two profiles decide differently on recorded requests (one JSON object a line)."""
    from hotline.assembly import rooms
    from hotline.routing.compare import replay as replayed

    _differences(replayed(rooms(old)[3], rooms(new)[3], _lines(facts)))


def _differences(found: list[Any]) -> None:
    for difference in found:
        click.echo(
            f"{difference.case}\n  before  {difference.before}\n  after   {difference.after}"
        )
    click.echo(f"{len(found)} differences")


@click.group()
def simulate() -> None:
    """A phone in the terminal: signs and posts the provider's webhooks."""


def _running() -> Settings:
    """The settings of the line the phone talks to: a demo's are kept in its home."""
    from hotline.demo import settings_of

    home = settings_module.home_from()
    return (settings_of(home) if home else None) or settings_module.load()


def _nobody_to_talk_to() -> bool:
    """No home names a running line, or nobody types: standard input is empty."""
    if not settings_module.home_from():
        return True
    waiting = sys.stdin.buffer
    return isinstance(waiting, BufferedReader) and not sys.stdin.isatty() and not waiting.peek(1)


def _phone_options(command: Any) -> Any:
    for option in (
        click.option("--url", help="Base URL of a running line; default: HOTLINE_PUBLIC_URL."),
        click.option("--from", "number", default="+5521990000002", help="The phone's number."),
        click.option("--walk", is_flag=True, help="Walk every edge on a private line and count."),
    ):
        command = option(command)
    return command


@simulate.command()
@_phone_options
def sms(url: str | None, number: str, walk: bool) -> None:
    """Texts with a running line; with nobody typing, walks every edge and prints covered/all."""
    from hotline import simulate as phone

    if walk or _nobody_to_talk_to():
        _walked(phone.walk_sms())
        return
    settings = _running()
    phone.simulate_sms(url or settings.public_url, settings, number)


@simulate.command()
@_phone_options
def call(url: str | None, number: str, walk: bool) -> None:
    """Calls a running line; with nobody typing, walks every edge and prints covered/all."""
    from hotline import simulate as phone

    if walk or _nobody_to_talk_to():
        _walked(phone.walk_call())
        return
    settings = _running()
    phone.simulate_call(url or settings.public_url, settings, number)


def _walked(counted: tuple[int, int]) -> None:
    covered, every = counted
    click.echo(f"{covered}/{every}")
    if covered != every:
        raise SystemExit(1)
