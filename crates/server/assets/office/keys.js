// Keys do what buttons do. Nothing happens while somebody types.

const help = document.querySelector('[data-help-sheet]');
const helpButton = document.querySelector('[data-help]');
let went = 0;

if (helpButton) {
  helpButton.hidden = false;
  helpButton.addEventListener('click', () => help.showModal());
}

const rows = () => [...document.querySelectorAll('[data-lead] [data-open]')];

function move(by) {
  const all = rows();
  if (all.length === 0) return;
  const here = all.findIndex((open) => open.closest('[data-lead]').contains(document.activeElement));
  const next = all[Math.max(0, Math.min(all.length - 1, here < 0 ? 0 : here + by))];
  next.focus();
  next.closest('[data-lead]').scrollIntoView({ block: 'nearest' });
}

/** The place whose buttons are meant: the row in focus, or the page of the lead. */
function place() {
  return document.activeElement?.closest('[data-lead]') ?? document.querySelector('[data-lead-page]');
}

function press(act) {
  place()?.querySelector(`[data-act="${act}"]`)?.click();
}

function focusOn(selector) {
  const field = document.querySelector(selector);
  const folded = field?.closest('details');
  if (folded) folded.open = true;
  field?.focus();
  return Boolean(field);
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  ArrowDown: () => rows().length > 0 && move(1),
  ArrowUp: () => rows().length > 0 && move(-1),
  c: () => press('call'),
  e: () => press('contacted'),
  b: () => press('booked'),
  x: () => press('dismiss'),
  u: () => (document.querySelector('.toast [data-act="undo"]') ?? place()?.querySelector('[data-act="undo"]'))?.click(),
  n: () => focusOn('[data-note]'),
  t: () => focusOn('[data-task-title]'),
  '/': () => focusOn('[data-search]'),
  '?': () => help?.showModal(),
  g: () => { went = Date.now(); },
};
const GO = { i: '/office', a: '/office/appointments', t: '/office/tasks', s: '/office/settings' };

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const at = event.target;
  if (at.matches?.('input, textarea, select, [contenteditable]')) {
    if (event.key === 'Escape') at.blur();
    return;
  }
  if (document.querySelector('dialog[open]')) return;
  if (Date.now() - went < 1200 && GO[event.key] && document.querySelector(`.rail__nav a[href="${GO[event.key]}"]`)) {
    went = 0;
    event.preventDefault();
    location.assign(GO[event.key]);
    return;
  }
  if (Object.hasOwn(KEYS, event.key)) {
    if (event.key.startsWith('Arrow') && rows().length === 0) return;
    event.preventDefault();
    KEYS[event.key]();
  }
});
