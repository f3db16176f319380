// One event stream per browser, however many tabs: whoever holds the lock listens and tells the others.
// What it says is a hint to look again. `changes` fires:
//   leads {ids}   these leads have changed
//   again         look at everything again: a stream has begun, a tab has woken, or time has passed
//   line {up}     whether the stream stands
//   out           nobody is signed in any more

const POLL = 30_000;
const channel = 'BroadcastChannel' in window ? new BroadcastChannel('ringback-office') : null;

export const changes = new EventTarget();

let leading = false;
let up = true;

function fire(message) {
  if (message.t === 'line') up = message.up;
  changes.dispatchEvent(new CustomEvent(message.t, { detail: message }));
}

/** Tells this tab and all the others. */
export function tell(message) {
  channel?.postMessage(message);
  fire(message);
}

channel?.addEventListener('message', ({ data }) => {
  if (data.t === 'who') {
    if (leading) channel.postMessage({ t: 'line', up });
  } else {
    fire(data);
  }
});

function listen() {
  leading = true;
  let failures = 0;
  const open = () => {
    const source = new EventSource('/office/stream');
    const again = (wait) => {
      source.close();
      setTimeout(open, wait);
    };
    source.addEventListener('hello', () => {
      failures = 0;
      tell({ t: 'line', up: true });
      tell({ t: 'again' });
    });
    source.addEventListener('leads', (event) => tell({ t: 'leads', ids: JSON.parse(event.data).ids }));
    source.addEventListener('again', () => tell({ t: 'again' }));
    source.addEventListener('moved', () => again(300 + Math.random() * 700));
    source.addEventListener('out', () => {
      source.close();
      tell({ t: 'out' });
    });
    source.addEventListener('error', () => {
      failures += 1;
      // A single hiccup is nobody's business.
      if (failures > 1) tell({ t: 'line', up: false });
      again(Math.min(10_000, 500 * 2 ** Math.min(failures, 5)) * (0.5 + Math.random() / 2));
    });
  };
  open();
}

if (navigator.locks) {
  // Held until the tab goes; then the next one in line listens.
  navigator.locks.request('ringback-office-stream', () => {
    listen();
    return new Promise(() => {});
  });
  channel?.postMessage({ t: 'who' });
} else {
  listen();
}

document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') fire({ t: 'again' });
});
window.addEventListener('pageshow', (event) => {
  if (event.persisted) fire({ t: 'again' });
});
window.addEventListener('online', () => fire({ t: 'again' }));
setInterval(() => {
  if (document.visibilityState === 'visible') fire({ t: 'again' });
}, POLL);
