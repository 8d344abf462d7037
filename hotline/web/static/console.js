// Keys and the sign of life. Every action works without this file as a plain form.

const HEARTBEAT = 4 * 60 * 1000;
const body = document.body;

function typing(target) {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]");
}

function move(step) {
  const rows = [...document.querySelectorAll("[data-row]")];
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement);
  const to = at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step;
  rows[Math.min(Math.max(to, 0), rows.length - 1)].focus();
}

function open() {
  if (document.activeElement?.matches("[data-row]")) document.activeElement.click();
  else document.querySelector("[data-next]")?.click();
}

function unfold(selector) {
  const part = document.querySelector(selector);
  if (!part) return;
  part.open = true;
  const field = part.querySelector("textarea, input:not([type=hidden]), select, button");
  (field ?? part.querySelector("summary")).focus();
}

// A second press before the next page is there decides nothing.
let decided = false;
addEventListener("pageshow", () => { decided = false; });

function decide(button) {
  if (!button || decided) return;
  decided = true;
  button.click();
}

const keys = {
  j: () => move(1),
  k: () => move(-1),
  o: open,
  c: () => document.querySelector("[data-take]")?.click(),
  s: () => decide(document.querySelector("[data-show]")),
  x: () => decide(document.querySelector("[data-remove]")),
  e: () => decide(document.querySelector("[data-restore]")),
  d: () => unfold("[data-key=d]"),
  r: () => unfold("[data-key=r]"),
  n: () => unfold("[data-key=n]"),
  "/": () => document.querySelector("[data-filter]")?.focus(),
  "?": () => unfold("#keys"),
};

if (body.dataset.keys === "on") {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const act = keys[event.key];
    if (!act || (event.repeat && !"jk".includes(event.key))) return;
    event.preventDefault();
    act();
  });
}

// The lease is renewed only while somebody really works here: an open page alone keeps neither
// tip nor session.
const beat = document.querySelector("[data-heartbeat]")?.dataset.heartbeat;
if (beat) {
  let active = false;
  for (const sign of ["keydown", "pointerdown", "scroll"]) {
    document.addEventListener(sign, () => { active = true; }, { passive: true });
  }
  setInterval(() => {
    if (!active) return;
    active = false;
    const form = new URLSearchParams({ token: body.dataset.token });
    fetch(beat, { method: "POST", body: form, redirect: "error" }).catch(() => {});
  }, HEARTBEAT);
}
