// The live inbox: fetches the rows that have changed, puts them in their places, says which ones it has
// really shown.

import { counts } from './acts.js';
import { setClock, tick } from './ago.js';
import { ask, post } from './ask.js';
import { ring } from './sound.js';
import { changes } from './stream.js';
import { showCurrent } from './tabs.js';

const list = document.querySelector('[data-inbox]');
const KEPT = 300;

/** A row without what changes by itself. */
function bare(item) {
  return item.outerHTML
    .replace(/(<time[^>]*>)[^<]*/g, '$1')
    .replace(/ data-unseen(="")?/, '')
    .replace(' is-fresh', '');
}

if (list) {
  const waiting = new Set();
  let everything = false;
  let busy = false;

  changes.addEventListener('leads', ({ detail }) => {
    detail.ids.forEach((id) => waiting.add(id));
    look();
  });
  changes.addEventListener('again', () => {
    everything = true;
    look();
  });

  // One question at a time; what comes meanwhile is asked with the next.
  async function look() {
    if (busy) return;
    busy = true;
    try {
      while (everything || waiting.size > 0) {
        const all = everything || waiting.size > 100;
        const ids = [...waiting];
        everything = false;
        waiting.clear();
        await fetchRows(all ? null : ids);
      }
    } catch {
      // The line above the list tells when the server cannot be reached; the next hint or poll asks again.
    } finally {
      busy = false;
    }
  }

  async function fetchRows(ids) {
    const query = new URLSearchParams({ show: list.dataset.show, search: list.dataset.searchWord });
    if (ids) query.set('ids', ids.join());
    const answer = await (await ask(`/office/rows?${query}`)).json();
    setClock(answer.now);
    counts(answer);
    const first = list.hasAttribute('data-first');
    const shown = new Set(answer.rows.map((row) => row.id));
    for (const row of answer.rows) place(row, first, ids !== null);
    answer.gone.forEach(remove);
    if (!ids && first) {
      // The list as it stands: what stood among these rows and is not in it any more has gone.
      const last = answer.rows.at(-1)?.left ?? -Infinity;
      for (const item of [...list.children]) {
        const left = Number(item.dataset.left);
        if (!shown.has(Number(item.dataset.lead)) && (left >= last || !answer.more)) item.remove();
      }
    }
    while (list.children.length > KEPT) list.lastElementChild.remove();
    document.querySelector('[data-empty]').hidden = list.children.length > 0;
    document.querySelector('[data-found]').hidden = !list.dataset.q || list.children.length === 0;
    tick(list);
    reportShown();
  }

  function find(id) {
    return list.querySelector(`[data-lead="${id}"]`);
  }

  function remove(id) {
    const item = find(id);
    if (!item) return;
    const neighbour = item.nextElementSibling ?? item.previousElementSibling;
    const focused = item.contains(document.activeElement);
    item.remove();
    if (focused) neighbour?.querySelector('[data-open]').focus();
  }

  function place(row, first, hinted) {
    const holder = document.createElement('template');
    holder.innerHTML = row.html;
    const item = holder.content.firstElementChild;
    const old = find(row.id);
    if (old && bare(old) === bare(item)) return;
    if (!old && !first) return;
    const focus = old?.contains(document.activeElement) ? document.activeElement : null;
    if (!old || Number(old.dataset.left) !== row.left) {
      old?.remove();
      const below = [...list.children].find((other) => Number(other.dataset.left) < row.left);
      list.insertBefore(item, below ?? null);
      if (hinted && item.dataset.state === 'new') {
        item.classList.add('is-fresh');
        ring(row.id);
      }
    } else {
      old.replaceWith(item);
    }
    if (focus) {
      const act = focus.dataset.act;
      (act && item.querySelector(`[data-act="${act}"]`) || item.querySelector('[data-open]')).focus();
    }
  }

  // A row has been shown once a frame with it has been painted in a tab that is in view.
  function reportShown() {
    requestAnimationFrame(() => requestAnimationFrame(() => {
      const unseen = [...list.querySelectorAll('[data-unseen]')];
      if (unseen.length === 0) return;
      unseen.forEach((item) => item.removeAttribute('data-unseen'));
      const ids = unseen.map((item) => item.dataset.lead).join();
      post('/office/shown', { ids }).catch(() => unseen.forEach((item) => item.setAttribute('data-unseen', '')));
    }));
  }

  reportShown();

  // Searching while typing. What is looked for is posted; the address it leads to can be kept and tells nothing.
  const search = document.querySelector('[data-search]');
  let typing;
  search?.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(() => search.form.requestSubmit(), 350);
  });
  search?.form.addEventListener('submit', (event) => {
    event.preventDefault();
    clearTimeout(typing);
    if (search.value.trim() !== list.dataset.q) lookFor();
  });

  // What was found, in place, without a reload. Only the newest question is answered.
  let questions = 0;
  async function lookFor() {
    const question = ++questions;
    list.setAttribute('aria-busy', 'true');
    try {
      const answer = await post('/office', new FormData(search.form));
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      if (question !== questions) return;
      const fresh = page.querySelector('[data-inbox]');
      list.dataset.q = fresh.dataset.q;
      list.dataset.searchWord = fresh.dataset.searchWord;
      list.toggleAttribute('data-first', fresh.hasAttribute('data-first'));
      list.replaceChildren(...fresh.children);
      for (const part of ['[data-empty]', '[data-found]', '.tabs', '.more']) {
        const [here, there] = [document, page].map((where) => where.querySelector(part));
        if (here && there) here.replaceWith(there);
        else if (here) here.remove();
        else if (there) list.after(there);
      }
      history.replaceState(null, '', answer.url);
      showCurrent();
      tick();
      reportShown();
    } catch {
      if (question === questions) search.form.submit();
    } finally {
      if (question === questions) list.removeAttribute('aria-busy');
    }
  }
}
