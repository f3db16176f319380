// Presence: one line per open page, so that the server knows at once when the page has gone. The page says
// `bye` and closes the line itself when it is put away: browsers keep the sockets of frozen pages open.
// Where sockets do not open and posts arrive, the same words go by POST; where neither does, no server is there,
// and both are tried until one is. Not here: what a departure means; the server judges.

const FIRST_WAIT = 500;
const LONGEST_WAIT = 5_000; // and OPENS_WITHIN: the server's patience after its restart counts on the two
const HERE_EVERY = 15_000;
const SOCKET_AGAIN = 60_000;
const TOUCH_EVERY = 60_000;
const OPENS_WITHIN = 5_000;
const BLOCKED_AFTER = 3; // sockets that did not open, one after the other
const MOVES_WITHIN = 3_000;
const SILENT_AFTER = 10_000; // the server says every 5 s that it is there
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
  let attached = false;
  let failures = 0; // sockets that did not open since one did
  let posting = 0; // the timer of `here`, while posts arrive in the place of a socket
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

  // Resolves to whether our server has it: a proxy without one answers 502 to 504.
  function post(text) {
    // text/plain and under 200 bytes: needs no preflight and outlives the page.
    const headers = { "Content-Type": "text/plain" };
    return fetch(`${path}/say`, { method: "POST", body: text, keepalive: true, headers })
      .then(({ status }) => status < 500, () => false);
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
    if (socket?.readyState === WebSocket.CONNECTING) return;
    const former = socket;
    if (former) former.onclose = former.onmessage = null;
    const fresh = new WebSocket(location.origin.replace(/^http/, "ws") + path);
    let answered = false;
    socket = fresh;
    attached = false;
    setTimeout(() => {
      if (fresh.readyState === WebSocket.CONNECTING) fresh.close();
    }, OPENS_WITHIN);
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
      if (t === "here") {
        // A server that was stopped, or whose machine is gone, closes nothing: it falls silent.
        clearTimeout(retry);
        retry = setTimeout(connect, SILENT_AFTER);
      }
      if (t !== "ok") return;
      answered = attached = true;
      failures = 0;
      clearTimeout(retry);
      stopPosting();
      former?.close(); // only now, so that no silence lies between the two
    };
    fresh.onclose = () => {
      former?.close();
      if (socket !== fresh) return;
      socket = null;
      attached = false;
      if (!wanted || away) return;
      if (!answered) failed();
      again();
    };
  }

  function again() {
    clearTimeout(retry);
    const wait = posting ? SOCKET_AGAIN : Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** failures);
    retry = setTimeout(connect, wait * (0.5 + Math.random() / 2));
  }

  // Either sockets are blocked, or no server is there: a post finds out.
  function failed() {
    failures += 1;
    if (failures >= BLOCKED_AFTER && !posting) here();
  }

  async function here() {
    if (hidden()) return;
    const arrived = await post(message("here"));
    if (!wanted || attached) return;
    if (arrived) posting ||= setInterval(here, HERE_EVERY);
    else if (posting) {
      stopPosting();
      again();
    }
  }

  function stopPosting() {
    clearInterval(posting);
    posting = 0;
  }

  function stop() {
    wanted = false;
    clearTimeout(retry);
    stopPosting();
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
