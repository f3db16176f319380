// The scheduler's page in a browser with JavaScript: steps swap in place, so that the page (and its line)
// lives from the first step to the booking. Every form works without this file. Not here: rules; the server
// answers every step with the HTML to show.

import { makeLine } from "./line.js";

const { scheduler, embedded } = document.body.dataset;
const main = document.querySelector("main");
const storageKey = `ringback-${scheduler}`;
const framed = embedded === "yes" && parent !== window;
const host = framed ? hostSays() : {};

let token = stored();
let busy = false;
let place = 0; // in this document's own history
const line = makeLine({ scheduler, token: () => token, gone: forget });

main.addEventListener("submit", (event) => {
  event.preventDefault();
  const fields = new FormData(event.target);
  const button = event.submitter;
  if (button?.name) fields.append(button.name, button.value);
  const go = fields.get("go") ?? "";
  show(event.target.getAttribute("action"), fields, { button, back: go === "back" || go.startsWith("to-") });
});
document.querySelector(".close-form").addEventListener("submit", (event) => {
  event.preventDefault();
  close();
});
addEventListener("keydown", (event) => {
  if (framed && event.key === "Escape") close();
});
addEventListener("popstate", ({ state }) => {
  if (!state || [state.step, "continue-as"].includes(section().dataset.step)) return;
  place = state.place;
  turnTo(state.step);
});
addEventListener("pagehide", () => sayLeaving("left"));
addEventListener("pageshow", (event) => {
  // Back from the browser's cache: others may have taken windows meanwhile.
  if (event.persisted && section().dataset.step === "time") turnTo("time");
});
addEventListener("message", async (event) => {
  if (!framed || event.source !== parent || event.origin !== host.origin) return;
  if (event.data?.type !== "ringback:closing") return;
  await leaveNow();
  tellHost("closed");
});

if (token && section().dataset.session === "none") {
  show(`/s/${scheduler}`, { go: "resume" }, { inPlace: true, silent: true });
} else {
  arrive();
}
if (framed) new ResizeObserver(() => tellHost("height", document.body.offsetHeight)).observe(document.body);
tellHost("ready");

/** Sends a step's fields and shows the step that the server answers with. */
async function show(url, said, { button, back, inPlace, silent } = {}) {
  if (busy) return;
  busy = true;
  main.querySelector(".offline")?.remove();
  button?.setAttribute("aria-busy", "true");
  const fields = said instanceof FormData ? said : new FormData();
  if (fields !== said) for (const [name, value] of Object.entries(said)) fields.set(name, value);
  if (token) fields.set("token", token);
  fields.set("zone", Intl.DateTimeFormat().resolvedOptions().timeZone ?? "");
  if (host.origin) describe(fields);
  try {
    const answer = await fetch(url, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: { "X-Ringback": "step" },
      signal: AbortSignal.timeout?.(20_000),
    });
    const html = await answer.text();
    if (answer.headers.get("X-Ringback") === "step") {
      token = answer.headers.get("X-Ringback-Token") ?? token;
      swap(html, back, inPlace);
    } else if (!silent) {
      // A refusal is a small page of its own with one sentence.
      trouble(new DOMParser().parseFromString(html, "text/html").querySelector("main p")?.textContent);
    }
  } catch {
    if (!silent) trouble();
  } finally {
    button?.removeAttribute("aria-busy");
    busy = false;
  }
}

/** Puts a step in place of the one that stands there. */
function swap(html, back, inPlace) {
  const before = section().dataset.step;
  main.innerHTML = html;
  const now = section();
  if (back) now.classList.add("back");
  document.title = now.dataset.title;
  arrive();
  const wrong = main.querySelector("[data-wrong]");
  (wrong ?? main.querySelector("h1")).focus({ preventScroll: true });
  if (wrong) (wrong.closest(".field, fieldset") ?? wrong).scrollIntoView({ block: "center" });
  else scrollTo(0, 0);
  // In a frame the history is the host's: it stays as the host made it.
  if (inPlace || framed || now.dataset.step === before) return;
  const state = { step: now.dataset.step, place: place + 1 };
  // The address of a link in a text does not stay behind in the history.
  if (before === "link") return history.replaceState(state, "", now.dataset.url);
  place += 1;
  history.pushState(state, "", now.dataset.url);
}

/** What follows from the step that stands there now. */
function arrive() {
  const { session, step } = section().dataset;
  if (session === "none" || session === "cookie") {
    // A cookie comes back by itself: nothing of it is kept where scripts could read it.
    token = null;
    keep(null);
  } else if (session === "token" || framed) {
    keep(token);
  }
  // Until *Continue as …?* is answered nobody says that it is the same person who is here.
  const nobody = session === "none" || ["booked", "closed", "continue-as"].includes(step);
  if (nobody) line.stop();
  else line.start();
  document.querySelector(".close-form").hidden = step === "closed" || step === "link" || step === "link-ended";
  if (step === "booked") tellHost("booked");
  if (!framed && !history.state) history.replaceState({ step, place }, "");
}

/** The browser's own Back and Forward, and a look at a step as it is now. */
function turnTo(step) {
  const form = main.querySelector("form");
  const fields = form ? new FormData(form) : new FormData();
  fields.set("go", `to-${step}`);
  show(`/s/${scheduler}`, fields, { back: true, inPlace: true });
}

/** The close button, Escape: the host takes the frame away, the hosted page says goodbye. */
async function close() {
  if (section().dataset.step !== "booked") await leaveNow();
  if (framed) tellHost("close");
  else show(`/s/${scheduler}/close`, {}, { inPlace: true });
}

/** What stands in the fields first (only where the notice above them says so), then the word. */
async function leaveNow() {
  await Promise.race([sayLeaving("closed"), new Promise((done) => setTimeout(done, 200))]);
  line.closed();
}

/** *Save contact details: also when the visitor closes*: once, on the way out, never while they type. */
function sayLeaving(how) {
  const form = main.querySelector("form[data-leave]");
  if (!form || !(form.elements.phone.value + form.elements.email.value)) return Promise.resolve();
  const fields = new FormData(form);
  fields.set("go", `leave-${how}`);
  if (token) fields.set("token", token);
  return fetch(form.getAttribute("action"), {
    method: "POST", body: new URLSearchParams(fields), keepalive: true, headers: { "X-Ringback": "step" },
  }).then(() => {}, () => {});
}

/** Nothing typed is lost: the form stays as it is, with a sentence above its buttons. */
function trouble(sentence = main.dataset.trouble) {
  const said = document.createElement("p");
  said.className = "alert offline";
  said.setAttribute("role", "alert");
  said.textContent = sentence;
  const actions = main.querySelector(".actions");
  if (actions) actions.before(said);
  else section().append(said);
}

/** The server knows no such session (any more): the next Continue begins one with what stands here. */
function forget() {
  token = null;
  keep(null);
}

function section() {
  return main.firstElementChild;
}

function stored() {
  try {
    return sessionStorage.getItem(storageKey);
  } catch {
    return null;
  }
}

function keep(value) {
  try {
    if (value) sessionStorage.setItem(storageKey, value);
    else sessionStorage.removeItem(storageKey);
  } catch { /* storage is refused: the token lives as long as this document */ }
}

/** What the embed wrote into the frame's name: the host, and where the visitor came from. */
function hostSays() {
  try {
    const said = JSON.parse(window.name);
    return typeof said.origin === "string" ? said : {};
  } catch {
    return {};
  }
}

function describe(fields) {
  fields.set("from_page", host.page ?? "");
  fields.set("from_referrer", host.referrer ?? "");
  for (const [name, value] of Object.entries(host.tags ?? {})) fields.set(`tag_${name}`, value);
}

function tellHost(word, value) {
  if (framed && host.origin) parent.postMessage({ type: `ringback:${word}`, value }, host.origin);
}
