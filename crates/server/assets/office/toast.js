// A word after an act, with the way back.

import { say } from './words.js';

const place = document.querySelector('[data-toasts]');
const STAYS = 9_000;

function leaveLater(toast) {
  let timer;
  const start = () => { timer = setTimeout(() => toast.remove(), STAYS); };
  toast.addEventListener('pointerenter', () => clearTimeout(timer));
  toast.addEventListener('pointerleave', start);
  toast.addEventListener('focusin', () => clearTimeout(timer));
  toast.addEventListener('focusout', start);
  start();
}

/** Says what was done. `undo` is where Undo is posted to. */
export function toast(said, { undo = null, bad = false } = {}) {
  if (!place) return;
  while (place.children.length >= 3) place.firstElementChild.remove();
  const toast = document.createElement('div');
  toast.className = bad ? 'toast toast--bad' : 'toast';
  const text = document.createElement('span');
  text.textContent = said;
  toast.append(text);
  if (undo) {
    const form = document.createElement('form');
    form.method = 'post';
    form.action = undo;
    form.dataset.actForm = '';
    const button = document.createElement('button');
    button.className = 'toast__undo';
    button.dataset.act = 'undo';
    button.textContent = say('undo');
    form.append(button);
    toast.append(form);
  }
  place.append(toast);
  leaveLater(toast);
}

for (const said of place?.querySelectorAll('[data-toast]') ?? []) leaveLater(said);
// What was said once is not said again after a reload.
const here = new URL(location.href);
if (here.searchParams.has('did')) {
  here.searchParams.delete('did');
  here.searchParams.delete('lead');
  here.searchParams.delete('appointment');
  history.replaceState(null, '', here);
}
