// "12 s ago", ticking. Counts by the server's clock: the reader's may be wrong.

import { say } from './words.js';

let ahead = Number(document.body.dataset.now) / 1000 - Date.now();

/** The server said what time it is, in microseconds since 1970 UTC. */
export function setClock(us) {
  ahead = us / 1000 - Date.now();
}

function ago(us) {
  const seconds = Math.max(0, Math.floor((Date.now() + ahead - us / 1000) / 1000));
  if (seconds < 5) return say('ago-now');
  if (seconds < 60) return say('ago-seconds', seconds);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return say('ago-minutes', minutes);
  if (minutes < 1440) return say('ago-hours', Math.floor(minutes / 60));
  return say('ago-days', Math.floor(minutes / 1440));
}

/** Writes every time of a part of the page anew. */
export function tick(root = document) {
  for (const time of root.querySelectorAll('time[data-us]')) {
    const text = ago(Number(time.dataset.us));
    if (time.textContent !== text) time.textContent = text;
  }
}

tick();
setInterval(tick, 1000);
