// Scheduler Details: rows are added and removed, the text is shown as a phone shows it while it is written,
// and what is not saved yet is said.

import { post } from './ask.js';

const form = document.querySelector('[data-details]');

if (form) {
  // The last row of every list is a blank one: it is what new rows are made of.
  const blanks = new Map();
  for (const many of form.querySelectorAll('[data-many]')) {
    const blank = many.lastElementChild;
    blanks.set(many.dataset.many, blank.cloneNode(true));
    if (many.children.length > 1) blank.remove();
  }

  form.addEventListener('click', (event) => {
    const add = event.target.closest('[data-add]');
    const remove = event.target.closest('[data-remove]');
    if (add) addRow(add.dataset.add);
    if (remove) removeRow(remove.closest('[data-one]'));
  });

  function addRow(list) {
    const many = form.querySelector(`[data-many="${list}"]`);
    const numbers = [...many.children].map((one) => Number(one.dataset.one));
    const row = blanks.get(list).cloneNode(true);
    const was = row.dataset.one;
    row.dataset.one = String(Math.max(Number(was) - 1, ...numbers) + 1);
    for (const field of row.querySelectorAll('[name]')) {
      field.name = field.name.replace(`${list}-${was}-`, `${list}-${row.dataset.one}-`);
    }
    many.append(row);
    showChoices(row);
    row.querySelector('input:not([type="hidden"])').focus();
  }

  function removeRow(row) {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    const add = form.querySelector(`[data-add="${row.parentElement.dataset.many}"]`);
    row.remove();
    (next?.querySelector('input:not([type="hidden"])') ?? add).focus();
    changed();
  }

  // Choices are asked for only where there is something to choose.
  function showChoices(part) {
    for (const kind of part.querySelectorAll('[data-kind]')) {
      kind.closest('[data-one]').querySelector('[data-choices]').hidden = kind.value !== 'choice';
    }
  }
  showChoices(form);
  form.addEventListener('change', (event) => {
    if (event.target.matches('[data-kind]')) showChoices(event.target.closest('[data-one]'));
  });

  const text = form.querySelector('[data-preview]');
  let typing;
  text.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(async () => {
      try {
        const { shown, cost, wrong } = await (await post(text.dataset.preview, { text: text.value })).json();
        form.querySelector('[data-preview-shown]').textContent = shown;
        form.querySelector('[data-preview-cost]').textContent = cost;
        form.querySelector('[data-preview-wrong]').textContent = wrong;
      } catch {
        // The next letter asks again.
      }
    }, 250);
  });

  const unsaved = form.querySelector('[data-unsaved]');
  let leaving = false;
  function changed() {
    unsaved.hidden = false;
  }
  form.addEventListener('input', changed);
  form.addEventListener('submit', () => { leaving = true; });
  window.addEventListener('beforeunload', (event) => {
    if (!unsaved.hidden && !leaving) event.preventDefault();
  });
}
