"""sqlmap for `scripts/scan`: which fields of the line it is given, and what it says of them."""

from __future__ import annotations

import re
from collections.abc import Callable

from scan_ground import Line, NotRun
from scan_running import Finding, Ground, Ran, last

TIP = '{"description":"Boca de fumo","language":"pt","place":{"municipality":"BR:IBGE:3303302"}}'
CODE = "0000 0000 0000 0000 0000"


def run(ground: Ground, label: str, target: Callable[[Line], list[str]]) -> Ran:
    words = target(ground.line)
    command = [str(ground.tool("sqlmap")), "--batch", "--flush-session", "--disable-coloring"]
    command += ["--output-dir", str(ground.place / "sqlmap" / label), "--threads", "2", *words]
    done = ground.run(command)
    if "identified the following injection point" in done.stdout:
        return Ran(command, [Finding("critical", "SQL injection", words[1])])
    if "all tested parameters do not appear to be injectable" not in done.stdout:
        raise NotRun(last(done))
    tested = re.findall(r"parameter '[^']+' does not seem to be injectable", done.stdout)
    codes = re.findall(r"\b(\d{3}) \([^)]+\) - (\d+) times", done.stdout)
    answers = ", ".join(f"{times} × {code}" for code, times in codes)
    return Ran(command, [], f"{len(tested)} parameters; answers besides 200: {answers or 'none'}")


def form(line: Line) -> list[str]:
    """The page of the free text, its sealed state as a browser sends it: another is refused."""
    state = re.compile(r'name="form" value="([^"]*)"')
    page = line.page("/", {})
    for _ in range(9):
        sealed = state.search(page)
        area = re.search(r'<textarea[^>]*name="([^"]+)"', page)
        if sealed and area:
            data = f"{area[1]}=droga&go=next&spoken=pt&website=&form={sealed[1]}"
            return post(f"{line.public}/", data, f"{area[1]},go,spoken")
        page = line.page("/", {"form": sealed[1] if sealed else "", "go": "skip", "spoken": "pt"})
    raise NotRun("the form has no page with a free text")


def receipt(line: Line) -> list[str]:
    return post(f"{line.public}/follow-up", f"receipt={CODE}&go=next&spoken=pt", "receipt")


def api(line: Line) -> list[str]:
    return ["-u", f"{line.public}/api/v1/tips", "--data", TIP, "--ignore-code", "*"]


def sign_in(line: Line) -> list[str]:
    fields = "name=paulo&passphrase=x&code=123456"
    return [*post(f"{line.console}/sign-in", fields, "name,code"), "--ignore-code", "*"]


def ask(line: Line) -> list[str]:
    return ["-u", f"{line.analyst}/ask?rows=month&language=pt", "--ignore-code", "*"]


def post(address: str, fields: str, tested: str) -> list[str]:
    return ["-u", address, "--data", fields, "-p", tested]
