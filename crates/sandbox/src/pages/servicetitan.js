// The board: bookings and leads as cards, the newest first, with what staff can do.
import { follow, make, move, phone, time } from "/sandbox/live.js";

const $ = (id) => document.getElementById(id);
const STATUSES = { bookings: ["All", "New", "Accepted", "Converted", "Dismissed"], leads: ["All", "Open", "Converted", "Dismissed"] };
const STEPS = {
  bookings: { New: ["Accept", "Convert", "Dismiss"], Accepted: ["Convert", "Dismiss"] },
  leads: { Open: ["Convert", "Dismiss"] },
};
const BECOMES = { Accept: "Accepted", Convert: "Converted", Dismiss: "Dismissed" };

let tab = new URLSearchParams(location.search).get("tab") === "leads" ? "leads" : "bookings";
let status = "All";
let state = { bookings: [], leads: [] };
const seen = new Map();
let first = true;

for (const button of document.querySelectorAll("[data-tab]")) {
  button.addEventListener("click", () => {
    tab = button.dataset.tab;
    status = "All";
    show();
  });
}

function show() {
  const records = state[tab];
  for (const button of document.querySelectorAll("[data-tab]")) {
    button.setAttribute("aria-pressed", String(button.dataset.tab === tab));
  }
  $("bookings-count").textContent = state.bookings.length;
  $("leads-count").textContent = state.leads.length;
  $("filters").replaceChildren(
    ...STATUSES[tab].map((name) => {
      const count = name === "All" ? records.length : records.filter((record) => record.status === name).length;
      return make("button", { type: "button", "aria-pressed": String(name === status), on: () => { status = name; show(); } }, `${name} ${count}`);
    }),
  );
  const shown = records.filter((record) => status === "All" || record.status === status);
  const cards = shown.map(tab === "bookings" ? booking : lead);
  if (!cards.length) cards.push(make("li", { class: "empty" }, empty(records.length)));
  keepFocus(() => $("cards").replaceChildren(...cards));
}

function empty(total) {
  if (total) return `Nothing here is ${status.toLowerCase()}.`;
  return tab === "bookings" ? "No bookings yet. They appear here the moment they arrive." : "No leads yet. They appear here the moment they arrive.";
}

// Cards are made anew at every change; whoever stood on a button still stands on it.
function keepFocus(change) {
  const held = document.activeElement?.dataset.key;
  change();
  if (held) document.querySelector(`[data-key="${CSS.escape(held)}"]`)?.focus();
}

function booking(record) {
  const address = record.address;
  const contacts = record.contacts.map((contact) =>
    make("span", {}, contact.type === "Email" ? contact.value : phone(contact.value), contact.memo && make("small", {}, ` ${contact.memo}`)),
  );
  return card(record, record.name, [
    ["Reach", joined(contacts)],
    ["Where", address && [[address.street, address.unit].filter(Boolean).join(", "), `${address.city}, ${address.state} ${address.zip}`].join(", ")],
    ["When", record.start && moment(record.start)],
    ["Job type", record.names.jobType],
    ["Unit", record.names.businessUnit],
    ["Campaign", record.names.campaign],
    ["Reason", [record.names.dismissingReason, record.dismissingMemo].filter(Boolean).join(": ")],
    ["External ID", record.externalId],
    ["Job", record.jobId && `No. ${record.jobId}`],
  ]);
}

function lead(record) {
  const place = [[record.leadStreet, record.leadUnit].filter(Boolean).join(", "), record.leadCity, [record.leadState, record.leadZip].filter(Boolean).join(" ")];
  return card(record, record.leadCustomerName ?? "No name", [
    ["Reach", [phone(record.leadPhone), record.leadEmail].filter(Boolean).join(" · ")],
    ["Where", place.filter(Boolean).join(", ")],
    ["Follow up", record.followUpDate && moment(record.followUpDate)],
    ["Call reason", record.names.callReason],
    ["Job type", record.names.jobType],
    ["Campaign", record.names.campaign],
    ["Reason", record.names.dismissingReason],
    ...record.notes.map((note) => ["Note", note.text]),
  ]);
}

function moment(text) {
  return new Date(text).toLocaleString([], { weekday: "short", month: "short", day: "numeric", hour: "numeric", minute: "2-digit", timeZone: state.time_zone, timeZoneName: "short" });
}

function joined(parts) {
  return parts.length ? make("span", {}, ...parts.flatMap((part, i) => (i ? [" · ", part] : [part]))) : null;
}

function card(record, name, rows) {
  const key = `${tab}-${record.id}`;
  const stamp = `${record.modifiedOn} ${record.status}`;
  const fresh = !first && seen.get(key) !== stamp;
  if (fresh) $("news").textContent = `${tab === "bookings" ? "Booking" : "Lead"} of ${name}: ${record.status}`;
  seen.set(key, stamp);
  const steps = (STEPS[tab][record.status] ?? []).map((step) =>
    make(
      "button",
      { type: "button", "data-key": `${key}-${step}`, "aria-label": `${step} ${name}`, on: () => move(tab === "bookings" ? "booking" : "lead", { id: record.id, status: BECOMES[step] }, $("problem")) },
      step,
    ),
  );
  const facts = rows.filter(([, value]) => value).flatMap(([label, value]) => [make("dt", {}, label), make("dd", {}, value)]);
  return make(
    "li",
    { class: `card ${record.status.toLowerCase()}${fresh ? " fresh" : ""}`, "data-id": record.id, "data-status": record.status },
    make("header", {}, make("h2", {}, name), make("span", { class: "pill" }, record.status), make("time", { datetime: record.createdOn }, time(record.createdOn, state.time_zone))),
    make("p", { class: "summary" }, record.summary),
    make("dl", {}, ...facts),
    steps.length ? make("footer", {}, ...steps) : null,
  );
}

follow("servicetitan", (now) => {
  state = now;
  show();
  first = false;
}, $("line"));
