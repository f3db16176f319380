// The phone: one conversation at a time, the last spoken in first; links open outside the frame.
import { follow, make, move, phone, time } from "/sandbox/live.js";

const $ = (id) => document.getElementById(id);
let chosen = new URLSearchParams(location.search).get("number");
let pinned = Boolean(chosen);
let shownSids = "";

$("whose").addEventListener("change", () => {
  chosen = $("whose").value;
  pinned = true;
  shownSids = "";
  show(state);
});

let state = null;

function show(now) {
  state = now;
  const { conversations, number } = state;
  // The phone that was texted last comes to the front, unless one was picked or is being typed on.
  if (!chosen || (!pinned && !$("text").value)) chosen = conversations[0]?.number ?? chosen;
  const numbers = conversations.map((conversation) => conversation.number);
  if (chosen && !numbers.includes(chosen)) numbers.unshift(chosen);
  const options = numbers.map((number) => make("option", { value: number, selected: number === chosen }, phone(number)));
  $("whose").replaceChildren(...options);
  $("whose").closest("label").hidden = !numbers.length;
  $("peer").textContent = phone(number);
  $("reply").hidden = !chosen;

  const conversation = conversations.find((conversation) => conversation.number === chosen);
  // What is still queued has not landed on any phone.
  const messages = (conversation?.messages ?? []).filter((message) => !["queued", "accepted"].includes(message.status));
  const atEnd = $("bubbles").scrollHeight - $("bubbles").scrollTop - $("bubbles").clientHeight < 40;
  const bubbles = messages.flatMap(bubble);
  if (!messages.length) bubbles.push(make("li", { class: "empty" }, "No messages yet. A text to a customer lands here."));
  if (conversation?.opted_out) bubbles.push(make("li", { class: "note" }, "This phone has opted out. Text START to opt in again."));
  $("bubbles").replaceChildren(...bubbles);
  const sids = messages.map((message) => message.sid).join();
  if (atEnd || sids !== shownSids) $("bubbles").scrollTop = $("bubbles").scrollHeight;
  const last = messages.at(-1);
  if (shownSids && sids !== shownSids && last && last.direction !== "inbound") $("news").textContent = `New message: ${last.body}`;
  shownSids = sids;
}

function bubble(message, i, all) {
  const mine = message.direction === "inbound";
  const failed = ["undelivered", "failed"].includes(message.status);
  const parts = [];
  const day = (at) => new Date(at).toLocaleDateString([], { weekday: "short", month: "short", day: "numeric", timeZone: state.time_zone });
  const gap = !i || new Date(message.at) - new Date(all[i - 1].at) > 15 * 60000;
  if (gap) parts.push(make("li", { class: "when" }, `${day(message.at)} ${time(message.at, state.time_zone)}`));
  // What was not delivered never lands on a phone; it is shown so that nobody waits for it.
  const note = failed ? `Not delivered (${message.error_code})` : null;
  parts.push(
    make(
      "li",
      { class: `bubble ${mine ? "mine" : "theirs"}${failed ? " failed" : ""}`, "data-sid": message.sid, "data-status": message.status },
      make("p", {}, ...linked(message.body)),
      note && make("small", {}, note),
    ),
  );
  return parts;
}

function linked(text) {
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(/https?:\/\/[^\s<>"]+/g)) {
    const url = match[0].replace(/[.,;:!?)\]]+$/, "");
    parts.push(text.slice(from, match.index), make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, url));
    from = match.index + url.length;
  }
  parts.push(text.slice(from));
  return parts;
}

$("reply").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text || !chosen) return;
  $("text").value = "";
  const sent = await move("reply", { from: chosen, body: text }, $("problem"));
  if (!sent) $("text").value = text;
  $("text").focus();
});

follow("carrier", show, $("line"));
