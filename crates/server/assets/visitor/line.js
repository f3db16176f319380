// Presence: one line per open page, so that the server knows at once when the page has gone. The page says
// `bye` and closes the line itself when it is put away: browsers keep the sockets of frozen pages open.
// Where sockets do not open, the same words go by POST. Not here: what a departure means; the server judges.

const FIRST_WAIT = 500;
const LONGEST_WAIT = 5_000;
const HERE_EVERY = 15_000;
const SOCKET_AGAIN = 60_000;
const TOUCH_EVERY = 60_000;
const OPENS_WITHIN = 5_000;
const MOVES_WITHIN = 3_000;
const ASLEEP = 20_000;

const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/**
 * The line of this document to one scheduler. `token()` gives the session's token where cookies are refused;
 * `gone()` is called when the server knows no such session.
 */
export function makeLine({ scheduler, token, gone }) {
  const path = `/line/${scheduler}`;
  const page = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => LETTERS[byte % 62]).join("");
  let number = 0;
  let wanted = false; // between start and stop
  let away = false; // between pagehide and pageshow
  let socket = null; // the one that counts
  let begunAt = 0;
  let attached = false;
  let failures = []; // when it did not open, newest last
  let posting = 0; // the timer of `here`
  let retry = 0;
  let touchedAt = 0;
  let hiddenAt = 0;
  let tickedAt = Date.now();

  const hidden = () => document.visibilityState === "hidden";

  function message(word) {
    number += 1;
    const said = { t: word, n: number, page, hidden: hidden() };
    const known = token();
    if (known) said.token = known;
    return JSON.stringify(said);
  }

  function post(text) {
    // text/plain and under 200 bytes: needs no preflight and outlives the page.
    const headers = { "Content-Type": "text/plain" };
    return fetch(`${path}/say`, { method: "POST", body: text, keepalive: true, headers }).then(() => {}, () => {});
  }

  // Where every road counts the word goes by both: copies carry the same number and count once.
  function say(word, everyRoad) {
    if (!wanted) return Promise.resolve();
    const text = message(word);
    if (attached) socket.send(text);
    return everyRoad || !attached ? post(text) : Promise.resolve();
  }

  function connect() {
    clearTimeout(retry);
    if (!wanted || away) return;
    const opening = socket?.readyState === WebSocket.CONNECTING && Date.now() - begunAt < OPENS_WITHIN;
    if (opening) return;
    const former = socket;
    if (former) former.onclose = former.onmessage = null;
    const fresh = new WebSocket(location.origin.replace(/^http/, "ws") + path);
    let answered = false;
    socket = fresh;
    begunAt = Date.now();
    attached = false;
    fresh.onopen = () => fresh.send(message("attach"));
    fresh.onmessage = (event) => {
      const { t } = JSON.parse(event.data);
      if (t === "gone") {
        stop();
        gone();
      }
      if (t === "moved") {
        // To another server, or a new life of this one; not all pages at the same moment. Until then this line
        // is listened to.
        clearTimeout(retry);
        retry = setTimeout(connect, Math.random() * MOVES_WITHIN);
      }
      if (t !== "ok") return;
      answered = attached = true;
      failures = [];
      clearInterval(posting);
      posting = 0;
      former?.close(); // only now, so that no silence lies between the two
    };
    fresh.onclose = () => {
      former?.close();
      if (socket !== fresh) return;
      socket = null;
      attached = false;
      if (!wanted || away) return;
      if (!answered) failed();
      clearTimeout(retry);
      const wait = posting ? SOCKET_AGAIN : Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** failures.length);
      retry = setTimeout(connect, wait * (0.5 + Math.random() / 2));
    };
  }

  function failed() {
    const now = Date.now();
    failures = [...failures, now].slice(-3);
    if (failures.length < 3 || now - failures[0] > 10_000 || posting) return;
    posting = setInterval(here, HERE_EVERY);
    here();
  }

  function here() {
    if (!hidden()) post(message("here"));
  }

  function stop() {
    wanted = false;
    clearTimeout(retry);
    clearInterval(posting);
    posting = 0;
    letGo();
  }

  function letGo() {
    const last = socket;
    socket = null;
    attached = false;
    last?.close(4001);
  }

  addEventListener("pagehide", () => {
    if (!wanted || away) return;
    say("bye", true);
    away = true;
    letGo();
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    away = false;
    connect();
  });
  document.addEventListener("visibilitychange", () => {
    if (away) return;
    if (hidden()) {
      hiddenAt = Date.now();
      say("hidden", true);
      return;
    }
    if (posting) here();
    if (attached && Date.now() - hiddenAt < ASLEEP) say("shown");
    else connect(); // the line of a device that slept may be dead without knowing it
  });
  addEventListener("online", connect);
  document.addEventListener("resume", connect);
  setInterval(() => {
    const slept = Date.now() - tickedAt > ASLEEP && !hidden();
    tickedAt = Date.now();
    if (slept) connect();
  }, 5_000);
  for (const kind of ["pointerdown", "keydown", "input"]) {
    addEventListener(kind, () => {
      if (Date.now() - touchedAt < TOUCH_EVERY) return;
      touchedAt = Date.now();
      say("touch");
    }, { capture: true, passive: true });
  }

  return {
    /** The page has a session: from now on it is present. */
    start() {
      if (wanted) return;
      wanted = true;
      connect();
    },
    /** The visit is over without a departure: booked, or begun anew. */
    stop,
    /** Close was pressed. Resolves when the word has been sent by every road. */
    closed() {
      const sent = say("closed", true);
      stop();
      return sent;
    },
  };
}
