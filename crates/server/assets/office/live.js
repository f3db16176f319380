// Pages that are looked at for a while keep up by themselves: their parts marked data-live are fetched anew
// when something they show has changed. A part somebody is typing in is left alone.

import { setClock, tick } from './ago.js';
import { ask } from './ask.js';
import { changes } from './stream.js';

const lead = Number(document.querySelector('[data-lead-page]')?.dataset.leadPage);
const keepsUp = document.querySelector('[data-lead-page], [data-tasks-page], [data-appointments-page]');

const bare = (part) => part.outerHTML.replace(/(<time[^>]*>)[^<]*/g, '$1');

if (keepsUp) {
  let busy = false;
  let once_more = false;

  async function look() {
    once_more = true;
    if (busy) return;
    busy = true;
    try {
      while (once_more) {
        once_more = false;
        await fetchParts();
      }
    } catch {
      // Said above the page; the next hint asks again.
    } finally {
      busy = false;
    }
  }

  async function fetchParts() {
    const response = await ask(location.href);
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    setClock(Number(page.body.dataset.now));
    for (const part of document.querySelectorAll('[data-live][id]')) {
      const fresh = page.getElementById(part.id);
      if (!fresh || bare(fresh) === bare(part)) continue;
      const focus = part.contains(document.activeElement) ? document.activeElement : null;
      if (focus?.matches('input, textarea, select')) continue;
      part.replaceWith(fresh);
      if (focus?.dataset.act) {
        const task = focus.closest('[data-task]')?.dataset.task;
        const where = task && fresh.querySelector(`[data-task="${task}"]`) || fresh;
        where.querySelector(`[data-act="${focus.dataset.act}"]`)?.focus();
      }
    }
    tick();
  }

  changes.addEventListener('leads', ({ detail }) => {
    if (!lead || detail.ids.includes(lead)) look();
  });
  changes.addEventListener('again', look);
}

for (const button of document.querySelectorAll('[data-soon]')) {
  button.addEventListener('click', () => {
    button.form.querySelector('[data-due]').value = button.dataset.soon;
  });
}
