// Keys and the sign of life. Every action works without this file as a plain form.

const HEARTBEAT = 60 * 1000;
const body = document.body;

function typing(target) {
  return target instanceof Element && target.closest("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]");
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

let unfolded; // the part in which a digit chooses

function unfold(selector) {
  const part = document.querySelector(selector);
  if (!part) return;
  part.open = true;
  unfolded = part;
  const field = part.querySelector("[data-pick]") ?? part.querySelector("textarea, input:not([type=hidden]), select, button");
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

function pick(digit) {
  const part = document.activeElement?.closest("[data-key]") ?? unfolded;
  const choice = part?.open && part.querySelectorAll("[data-pick]")[digit - 1];
  if (!choice) return;
  if (choice.matches("button")) return decide(choice);
  choice.checked = true;
  decide(choice.form.querySelector("button"));
}

const keys = {
  j: () => move(1),
  k: () => move(-1),
  o: open,
  c: () => document.querySelector("[data-take]")?.click(),
  t: () => document.querySelector("[data-call]")?.click(),
  s: () => decide(document.querySelector("[data-show]")),
  x: () => decide(document.querySelector("[data-remove]")),
  e: () => decide(document.querySelector("[data-restore]")),
  m: () => document.activeElement?.closest("tr")?.querySelector("[type=checkbox]")?.click(),
  z: () => decide(document.querySelector("[data-take-back]")),
  "/": () => document.querySelector("[data-filter]")?.focus(),
  "?": () => unfold("#keys"),
};

for (const part of document.querySelectorAll("[data-key]")) {
  keys[part.dataset.key] = () => unfold(`[data-key=${part.dataset.key}]`);
}
for (let digit = 1; digit < 10; digit++) keys[digit] = () => pick(digit);

// What can no longer be undone is not offered any longer.
const undo = document.querySelector("[data-undo]");
if (undo) setTimeout(() => undo.remove(), undo.dataset.undo * 1000);

if (body.dataset.keys === "on") {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const act = keys[event.key];
    if (!act || (event.repeat && !"jk".includes(event.key))) return;
    event.preventDefault();
    act();
  });
}

// The lease is renewed, and others see that somebody is here, only while somebody really works: an
// open page alone keeps neither tip nor session.
const here = document.querySelector("[data-heartbeat]");
if (here) {
  let active = false;
  let editing = false;
  const beat = async () => {
    active = false;
    const form = new URLSearchParams({ token: body.dataset.token });
    if ("mine" in here.dataset) form.set("mine", "yes");
    if (editing) form.set("editing", "yes");
    try {
      const answer = await fetch(here.dataset.heartbeat, { method: "POST", body: form, redirect: "error" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-presence]");
      const old = document.querySelector("[data-presence]");
      if (fresh && fresh.textContent !== old.textContent) old.replaceChildren(...fresh.childNodes);
    } catch { /* the next one tells */ }
  };
  for (const sign of ["keydown", "pointerdown", "scroll"]) {
    document.addEventListener(sign, () => { active = true; }, { passive: true });
  }
  document.addEventListener("input", (event) => {
    if (editing || !event.target.matches("textarea, input:not([type])")) return;
    editing = true;
    beat();
  });
  setInterval(() => { if (active) beat(); }, HEARTBEAT);
}

// A call: what would be removed is marked again while somebody types. The answer holds the parts of
// the page that depend on the words; fields that somebody may be in are never replaced.
const call = document.querySelector("[data-marks]");
if (call) {
  const stale = call.querySelector("[data-stale]");
  let wait, asking;
  const replace = (fresh) => {
    const old = call.querySelector(`[data-part="${fresh.dataset.part}"]`);
    if (!old || ("key" in fresh.dataset ? old.dataset.key === fresh.dataset.key : old.outerHTML === fresh.outerHTML)) return;
    const at = document.activeElement?.id;
    for (const field of old.querySelectorAll("textarea")) fresh.querySelector("#" + field.id)?.replaceWith(field);
    old.replaceWith(fresh);
    if (at && at !== document.activeElement?.id) document.getElementById(at)?.focus();
  };
  const refresh = async () => {
    asking = new AbortController();
    try {
      const answer = await fetch(call.dataset.marks, { method: "POST", body: new URLSearchParams(new FormData(call)), redirect: "error", signal: asking.signal });
      if (!answer.ok) throw new Error();
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      page.querySelectorAll("[data-part]").forEach(replace);
      stale.hidden = true;
    } catch (error) {
      if (error.name !== "AbortError") stale.hidden = false;
    }
  };
  for (const sign of ["input", "change"]) {
    call.addEventListener(sign, () => {
      asking?.abort();
      clearTimeout(wait);
      wait = setTimeout(refresh, 350);
    });
  }
}
