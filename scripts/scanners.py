"""The scanners of `scripts/scan`: how each is asked, and how its findings are read."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from xml.etree import ElementTree  # nosec B405 - reads what our own pytest wrote

import scan_sqlmap
from scan_ground import FRONT, INNER, ROOT, NotRun
from scan_running import SEVERITIES, Finding, Ground, Ran, last

OBSERVATORY = "@mdn/mdn-http-observatory@1.4.8"
# Attacks on a line; brute force, guessing of file names and other people's programs left out, and
# what only an address outside could see (ssrf). TLS is sslyze's.
MODULES = (
    "cookieflags,crlf,csp,csrf,exec,file,http_headers,ldap,methods,permanentxss,redirect,sql,"
    "timesql,upload,xss,xxe"
)
NOWHERE = "http://127.0.0.1:9/"  # where its payloads lead, instead of its makers' own address
ATTACK = "30"  # seconds an attack module of wapiti may take over all pages


def bandit(ground: Ground) -> Ran:
    scripts = (ROOT / "scripts").iterdir()
    python = [p for p in scripts if p.is_file() and b"python" in p.read_bytes().split(b"\n")[0]]
    named = sorted(str(p.relative_to(ROOT)) for p in python if p.suffix != ".py")
    command = [ground.tool("bandit"), "-q", "-f", "json", "-r", "hotline", "scripts", *named]
    done = ground.run(command)
    try:
        told = json.loads(done.stdout)
    except ValueError:
        raise NotRun(last(done)) from None
    found = [
        Finding(
            r["issue_severity"].lower(),
            f"{r['test_id']} {r['test_name']}",
            f"{r['filename']}:{r['line_number']}",
        )
        for r in told["results"]
    ]
    lines = told["metrics"]["_totals"]["loc"]
    return Ran([*map(str, command)], found, f"{lines} lines; {told['errors'] or 'no'} errors")


def pip_audit(ground: Ground) -> Ran:
    command = [
        str(ground.tool("pip-audit")),
        "-s",
        "osv",
        "-f",
        "json",
        "--disable-pip",
        "--no-deps",
    ]
    command += ["--timeout", "5", "-r", "requirements-test.lock"]
    done = ground.run(command)
    try:
        told = json.loads(done.stdout)["dependencies"]
    except ValueError:
        raise NotRun("no advisory database answered, so no package was compared") from None
    if skipped := [d["name"] for d in told if "skip_reason" in d]:
        raise NotRun(f"the database skipped {len(skipped)} packages")
    found = [Finding("high", v["id"], d["name"]) for d in told for v in d.get("vulns", ())]
    return Ran(command, found, f"{len(told)} packages")


def schemathesis(ground: Ground) -> Ran:
    config = ground.place / "schemathesis.toml"
    # As in tests/journeys/test_api_fuzz.py: too large is a refusal too.
    refusals = '["400", "405", "413", "415", "422"]'
    config.write_text(f"[checks.negative_data_rejection]\nexpected-statuses = {refusals}\n")
    program = str(Path(sys.executable).with_name("schemathesis"))
    command = [program, "--config-file", str(config), "run"]
    command += [f"{ground.line.public}/api/v1/openapi.json", "--seed", "1984"]
    command += ["--max-examples", "50", "--continue-on-failure", "--no-color"]
    done = ground.run(command, ground.place)  # where it keeps its examples
    cases = re.search(r"(\d+) generated", done.stdout)
    if not cases:
        raise NotRun(last(done))
    found = list(failures(done.stdout))
    if done.returncode and not found:
        raise NotRun(last(done))
    return Ran(command, found, f"{cases[1]} requests")


def failures(said: str) -> Iterator[Finding]:
    """One a failed check, with the pointers of a refusal, which tell what was refused."""
    parts = re.split(r"^_+ (\w+ \S+) _+$", said, flags=re.MULTILINE)
    for where, told in zip(parts[1::2], parts[2::2], strict=True):
        for case in re.split(r"^\d+\. Test Case ID", told, flags=re.MULTILINE)[1:]:
            pointers = sorted(set(re.findall(r'"pointer": "([^"]+)"', case)))
            for named in re.findall(r"^- (?:ST\d+ )?(\S.*)$", case, re.MULTILINE):
                yield Finding("medium", named, " ".join([where, *pointers]))


def wapiti(ground: Ground, site: str, name: str = "") -> Ran:
    address = f"{getattr(ground.line, site)}/"
    own = ground.place / f"wapiti-{site}-{name}"
    report = own.with_suffix(".json")
    command = [str(ground.tool("wapiti")), "-u", address, "-m", MODULES, "-f", "json"]
    command += ["-o", str(report), "--store-session", str(own), "--store-config", str(own)]
    command += [
        "--flush-session",
        "--no-bugreport",
        "--endpoint",
        NOWHERE,
        "-x",
        f"{address}sign-out*",
    ]
    command += ["--max-scan-time", "120", "--max-attack-time", ATTACK, "--max-parameters", "40"]
    if name:
        command += ["-H", "Cookie: " + ground.line.cookie(address.rstrip("/"), name)]
    done = ground.run(command)
    if not report.exists():
        raise NotRun(last(done))
    told = json.loads(report.read_text())
    found = [
        Finding(SEVERITIES[max(one["level"], 1) - 1], kind, f"{one['method']} {one['path']}")
        for group in ("vulnerabilities", "anomalies")
        for kind, ones in told[group].items()
        for one in ones
    ]
    crawled = told["infos"]["crawled_pages_nbr"]
    return Ran(command, found, f"{crawled} pages and forms, each attack {ATTACK} s at most")


def sslyze(ground: Ground, host: str, profile: str) -> Ran:
    checks = ["--certinfo", "--heartbleed", "--robot", "--openssl_ccs", "--reneg", "--compression"]
    command = [str(ground.tool("sslyze")), *checks, "--mozilla_config", profile]
    command += ["--certinfo_ca_file", ground.authority(), f"{host}:443"]
    done = ground.run(command)
    _, mark, judged = done.stdout.partition("COMPLIANCE AGAINST TLS CONFIGURATION")
    if not mark:
        raise NotRun(last(done))
    found = [
        Finding("medium", line, f"{host}:443") for line in re.findall(r"^ +\* (.+)", judged, re.M)
    ]
    found += [
        Finding("high", line.strip(), f"{host}:443")
        for line in re.findall(r"^.*\bVULNERABLE\b.*$", done.stdout, re.M)
        if "Not vulnerable" not in line and "NOT VULNERABLE" not in line
    ]
    compliant = "OK - Compliant" in judged
    if not compliant and not found:
        raise NotRun(last(done))
    return Ran(
        command, found, f"Mozilla's “{profile}”: {'compliant' if compliant else 'not compliant'}"
    )


def axe(ground: Ground) -> Ran:
    """Every page that tests/browser hands to axe, in Chromium."""
    report = ground.place / "axe.xml"
    files = (ROOT / "tests" / "browser").glob("test_*.py")
    named = sorted(str(p.relative_to(ROOT)) for p in files if "Axe()" in p.read_text())
    command = [sys.executable, "-m", "pytest", "-q", *named]
    done = ground.run([*command, f"--junit-xml={report}"])
    if not report.exists():
        raise NotRun(last(done))
    cases = list(ElementTree.parse(report).getroot().iter("testcase"))  # nosec B314 - our own
    if not cases or any(case.find("error") is not None for case in cases):
        raise NotRun(last(done))
    bad = [case for case in cases if case.find("failure") is not None]
    found = [Finding("medium", "axe violations", str(case.get("name"))) for case in bad]
    return Ran(command, found, f"{len(cases)} journeys through the pages")


def observatory(ground: Ground) -> Ran:
    home = ground.tools / OBSERVATORY.rpartition("/")[2]
    package = home / "node_modules" / "@mdn" / "mdn-http-observatory"
    if not package.exists():
        home.mkdir(parents=True, exist_ok=True)
        done = ground.run(["npm", "install", "--prefix", home, "--ignore-scripts", OBSERVATORY])
        if not package.exists():
            raise NotRun(f"{OBSERVATORY} could not be installed: {last(done)}")
    # Its installation fetches browsers' list of preloaded names from elsewhere; an empty one gives
    # a line nothing for a name that no browser ships yet.
    listed = package / "conf" / "hsts-preload.json"
    listed.exists() or listed.write_text("{}")
    command = ["node", str(package / "src" / "scan.js"), FRONT]
    done = ground.run(command, NODE_EXTRA_CA_CERTS=ground.authority())
    told = json.loads(done.stdout or "{}")
    if "scan" not in told:
        raise NotRun(told.get("error", last(done)))
    bad = [(name, test["result"]) for name, test in told["tests"].items() if not test["pass"]]
    found = [Finding("medium", result, name) for name, result in bad]
    return Ran(command, found, f"score {told['scan']['score']}, {told['scan']['grade']}")


TOOLS: dict[str, Callable[[Ground], Ran]] = {
    "bandit": bandit,
    "pip-audit": pip_audit,
    "schemathesis": schemathesis,
    "sqlmap (form)": partial(scan_sqlmap.run, label="form", target=scan_sqlmap.form),
    "sqlmap (receipt)": partial(scan_sqlmap.run, label="receipt", target=scan_sqlmap.receipt),
    "sqlmap (API)": partial(scan_sqlmap.run, label="api", target=scan_sqlmap.api),
    "sqlmap (sign-in)": partial(scan_sqlmap.run, label="sign-in", target=scan_sqlmap.sign_in),
    "sqlmap (analysts)": partial(scan_sqlmap.run, label="ask", target=scan_sqlmap.ask),
    "wapiti (public)": partial(wapiti, site="public"),
    "wapiti (console)": partial(wapiti, site="console", name="paulo"),
    "wapiti (analysts)": partial(wapiti, site="analyst", name="ana"),
    "sslyze (public)": partial(sslyze, host=FRONT, profile="intermediate"),
    "sslyze (console)": partial(sslyze, host=INNER, profile="modern"),
    "axe": axe,
    "MDN HTTP Observatory": observatory,
}
