// Acts without a reload: forms marked data-act-form are posted in place, the call button claims while the
// phone dials, Dismiss asks for the reason.

import { ask, post } from './ask.js';
import { changes, tell } from './stream.js';
import { toast } from './toast.js';
import { say } from './words.js';

const sheet = document.querySelector('[data-dismiss-sheet]');

function leadOf(url) {
  const found = /\/office\/leads\/(\d+)\//.exec(url);
  return found ? Number(found[1]) : null;
}

/** What has changed is looked at at once here, and in the other tabs; the stream will say it once more. */
function lookAgain(lead) {
  tell(lead ? { t: 'leads', ids: [lead] } : { t: 'again' });
}

async function act(url, fields, options) {
  const response = await post(url, fields, options);
  const { said, undo, open } = await response.json();
  toast(said, { undo });
  lookAgain(leadOf(url));
  // To the phone's own texts, with the words filled in.
  if (open?.startsWith('sms:')) location.assign(open);
}

function failed(error) {
  toast(error.message || say('not-reached'), { bad: true });
}

/** What went wrong in a sheet is said in it: what lies behind it is out of reach. */
function toldInSheet(form, error) {
  const place = form.closest('dialog[open]')?.querySelector('[data-sheet-trouble]');
  if (!place) return false;
  place.textContent = error.message || say('not-reached');
  place.hidden = false;
  const chosen = form.querySelector('input[name="reason"]:checked');
  const wanting = chosen?.value === 'own' ? 'input[name="own"]' : 'input[name="reason"]';
  form.querySelector(wanting).focus();
  return true;
}

document.addEventListener('submit', async (event) => {
  const form = event.target;
  if (!form.matches('[data-act-form]')) return;
  event.preventDefault();
  const button = event.submitter;
  if (button?.getAttribute('aria-busy') === 'true') return;
  button?.setAttribute('aria-busy', 'true');
  try {
    await act(form.action, new FormData(form, button));
    if (form.hasAttribute('data-clear')) form.reset();
    form.closest('dialog')?.close();
    form.closest('.toast')?.remove();
  } catch (error) {
    if (!toldInSheet(form, error)) failed(error);
  } finally {
    button?.removeAttribute('aria-busy');
  }
});

document.addEventListener('click', (event) => {
  const link = event.target.closest('a[data-act][data-to]');
  if (link?.dataset.act === 'call') {
    // The link goes on to the phone; the claim must survive even if that takes the page away.
    act(link.dataset.to, {}, { keepalive: true }).catch(failed);
  } else if (link?.dataset.act === 'dismiss' && sheet) {
    event.preventDefault();
    openDismissal(link.dataset.to, link.dataset.name);
  } else if (event.target.closest('[data-close]')) {
    event.target.closest('dialog')?.close();
  }
});

function openDismissal(to, name) {
  const form = sheet.querySelector('form');
  form.reset();
  form.action = to;
  sheet.querySelector('[data-dismiss-who]').textContent = name ?? '';
  sheet.querySelector('[data-sheet-trouble]').hidden = true;
  sheet.showModal();
  sheet.querySelector('input[name="reason"]').focus();
}

// Own words choose "other" by being typed.
sheet?.querySelector('input[name="own"]').addEventListener('input', (event) => {
  const own = sheet.querySelector('input[value="own"]');
  if (event.target.value) own.checked = true;
});
sheet?.addEventListener('change', (event) => {
  if (event.target.value === 'own') sheet.querySelector('input[name="own"]').focus();
});
// A press beside the sheet closes it.
for (const dialog of document.querySelectorAll('dialog.sheet')) {
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
}

// Whether the page hears what happens; whether anybody is still signed in.
const line = document.querySelector('[data-line]');
if (line) {
  changes.addEventListener('line', ({ detail }) => {
    line.hidden = detail.up;
    line.textContent = detail.up ? '' : say('line-down');
  });
  changes.addEventListener('out', () => {
    line.hidden = false;
    line.textContent = `${say('line-out')} `;
    const link = document.createElement('a');
    link.href = `/office/sign-in?to=${encodeURIComponent(location.pathname + location.search)}`;
    link.textContent = say('sign-in');
    line.append(link);
  });
}

// The counts in the navigation, on pages without rows of their own.
export function counts({ new: fresh, overdue }) {
  for (const [name, n] of [['new', fresh], ['overdue', overdue]]) {
    const place = document.querySelector(`[data-count="${name}"]`);
    if (!place) continue;
    place.textContent = n;
    place.hidden = n === '0';
  }
  const bare = document.title.replace(/^\(\d+\+?\) /, '');
  document.title = fresh === '0' ? bare : `(${fresh}) ${bare}`;
}
if (!document.querySelector('[data-inbox]')) {
  const look = () => ask('/office/counts').then((r) => r.json()).then(counts).catch(() => {});
  changes.addEventListener('leads', look);
  changes.addEventListener('again', look);
}
counts({
  new: document.querySelector('[data-count="new"]')?.textContent ?? '0',
  overdue: document.querySelector('[data-count="overdue"]')?.textContent ?? '0',
});
