// Ringback on a business's own website: <script src=".../embed.js" data-scheduler="..." async></script>
// A floating button and every [data-ringback-open] element open the scheduler in a frame. Never breaks its
// host: one global-free scope, one element, no inline styles that a strict policy would refuse.
(() => {
  const script = document.currentScript ?? document.querySelector('script[data-scheduler][src*="/embed.js"]');
  if (!script?.dataset.scheduler) return;
  const origin = new URL(script.src, location.href).origin;
  const words = pick(__WORDS__);
  const numbers = __NUMBERS__; // by scheduler: what is dialled, and as people read it
  const storageKey = "ringback-open";
  let dialog = null;
  let opener = null;
  let frame = null;
  let told = null; // resolves when the frame has said its goodbye
  let silence; // ends when the frame has reported

  const css = `
    :host { all: initial; }
    button, dialog { font: 600 17px/1.2 system-ui, sans-serif; }
    .open { position: fixed; z-index: 2147483000; right: max(20px, env(safe-area-inset-right)); bottom: max(20px, env(safe-area-inset-bottom));
      min-height: 56px; padding: 0 26px; border: 0; border-radius: 28px; background: var(--ringback-color, #0b6157); color: #fff; cursor: pointer;
      box-shadow: 0 6px 24px rgb(0 0 0 / .28); }
    .open:hover { filter: brightness(.88); }
    button:focus-visible { outline: 3px solid #0b6157; outline-offset: 3px; }
    dialog { box-sizing: border-box; width: min(580px, 100vw - 32px); height: min(var(--tall, 640px), 100dvh - 48px); max-width: none; max-height: none;
      margin: auto; padding: 0; border: 0; border-radius: 20px; overflow: hidden; background: Canvas; color-scheme: light dark; box-shadow: 0 24px 80px rgb(0 0 0 / .4); }
    dialog::backdrop { background: rgb(10 20 18 / .55); }
    iframe { display: block; width: 100%; height: 100%; border: 0; color-scheme: light dark; }
    .close { position: absolute; top: 10px; right: 10px; width: 44px; height: 44px; border: 0; border-radius: 22px; background: Canvas;
      color: CanvasText; cursor: pointer; font-size: 26px; }
    .close[hidden] { display: none; }
    .silent { position: absolute; inset: 0; padding: 32px; display: grid; place-content: center; justify-items: center; gap: 24px; text-align: center;
      font: 600 19px/1.4 system-ui, sans-serif; color: CanvasText; background: Canvas; }
    .silent + iframe { visibility: hidden; }
    .silent a { padding: 18px 26px; border-radius: 28px; background: var(--ringback-color, #0b6157); color: #fff; text-decoration: none; }
    @media (max-width: 600px) { dialog { width: 100vw; height: 100dvh; border-radius: 0; } }
    @media (prefers-reduced-motion: no-preference) { dialog[open] { animation: rise .2s ease-out; } @keyframes rise { from { opacity: 0; transform: translateY(12px); } } }`;

  const element = document.createElement("div");
  element.dataset.ringback = "";
  const root = element.attachShadow({ mode: "open" });
  // A browser from before 2023 opens the hosted page instead, from the host's own elements.
  const isModern = window.HTMLDialogElement && "adoptedStyleSheets" in root;
  if (isModern) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [sheet];
  }
  if (isModern && script.dataset.button !== "off") root.append(button("open", script.dataset.label || words.open, () => open()));

  ready(() => {
    document.body.append(element);
    // A reload of this page is not a departure: the scheduler stands open again at once.
    const [way] = performance.getEntriesByType("navigation");
    const was = remember();
    if (was && (way?.type === "reload" || way?.type === "back_forward")) open(was);
  });
  document.addEventListener("click", (event) => {
    const pressed = event.target.closest?.("[data-ringback-open]");
    if (!pressed || event.defaultPrevented) return;
    event.preventDefault();
    open(pressed.dataset.ringbackOpen, pressed);
  });
  addEventListener("message", (event) => {
    if (!frame || event.source !== frame.contentWindow || event.origin !== origin) return;
    const { type, value } = event.data ?? {};
    if (type === "ringback:ready") {
      clearTimeout(silence);
      dialog.querySelector(".silent")?.remove();
      dialog.querySelector(".close").hidden = true;
    }
    if (type === "ringback:height") dialog.style.setProperty("--tall", `${Math.max(360, Math.ceil(value))}px`);
    if (type === "ringback:booked") remember(null);
    if (type === "ringback:close") remove();
    if (type === "ringback:closed") told?.();
  });

  function open(scheduler = "", from = root.querySelector(".open")) {
    if (dialog) return;
    scheduler ||= script.dataset.scheduler;
    const address = `${origin}/s/${encodeURIComponent(scheduler)}`;
    if (!isModern) return void window.open(address);
    opener = from;
    dialog = document.createElement("dialog");
    dialog.setAttribute("aria-label", words.title);
    frame = document.createElement("iframe");
    frame.title = words.title;
    // The frame's name travels with it, unlike an address, which others would read.
    frame.name = JSON.stringify(cameFrom());
    frame.src = `${address}/embedded`;
    const cross = button("close", "\u00d7", close);
    cross.setAttribute("aria-label", words.close);
    dialog.append(frame, cross);
    dialog.addEventListener("cancel", (event) => { event.preventDefault(); close(); });
    // Escape twice, or Android's Back: the browser closes it without asking.
    dialog.addEventListener("close", (event) => { if (event.target === dialog) remove(); });
    dialog.addEventListener("click", (event) => { if (event.target === dialog) close(); });
    root.append(dialog);
    dialog.showModal();
    frame.focus();
    remember(scheduler);
    silence = setTimeout(sayNoAnswer, 3000, scheduler);
  }

  /** The frame is silent: the server does not answer, or this website may not show it. Should it come after all, it is shown. */
  function sayNoAnswer(scheduler) {
    const said = document.createElement("div");
    said.className = "silent";
    said.setAttribute("role", "alert");
    said.append(words.silent);
    const [dialled, number] = numbers[scheduler] ?? [];
    if (number) {
      const call = document.createElement("a");
      call.href = `tel:${dialled}`;
      call.textContent = words.call.replace("#", number);
      said.append(call);
    }
    dialog.prepend(said);
    (said.querySelector("a") ?? dialog.querySelector(".close")).focus();
  }

  /** Tells the frame first, so that it can say goodbye; it has 300 ms. */
  async function close() {
    if (!dialog || told) return;
    const said = new Promise((done) => { told = done; setTimeout(done, 300); });
    frame.contentWindow?.postMessage({ type: "ringback:closing" }, origin);
    await said;
    remove();
  }

  function remove() {
    clearTimeout(silence);
    dialog?.close();
    dialog?.remove();
    dialog = frame = told = null;
    remember(null);
    opener?.focus?.();
  }

  function cameFrom() {
    const tags = {};
    for (const [name, value] of new URLSearchParams(location.search)) {
      if (/^(utm_[a-z]{1,20}|gclid|gbraid|wbraid|msclkid|fbclid)$/.test(name)) tags[name] = value.slice(0, 200);
    }
    const referrer = document.referrer && new URL(document.referrer).origin;
    return { origin: location.origin, page: location.origin + location.pathname, referrer, tags };
  }

  /** Which scheduler stood open when this very page was left; with a value, notes it. */
  function remember(scheduler) {
    try {
      if (scheduler) sessionStorage.setItem(storageKey, JSON.stringify([location.pathname, scheduler]));
      if (scheduler === null) sessionStorage.removeItem(storageKey);
      const [page, was] = JSON.parse(sessionStorage.getItem(storageKey)) ?? [];
      return page === location.pathname ? was : null;
    } catch {
      return null; // storage is refused: a reload closes the scheduler
    }
  }

  function button(name, label, pressed) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = name;
    made.textContent = label;
    made.addEventListener("click", pressed);
    return made;
  }

  function pick(all) {
    const locale = script.dataset.lang || document.documentElement.lang || navigator.language || "";
    return all[locale.slice(0, 2).toLowerCase()] ?? all.en;
  }

  function ready(then) {
    if (document.body) then();
    else document.addEventListener("DOMContentLoaded", then);
  }
})();
