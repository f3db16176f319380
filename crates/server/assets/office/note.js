// A note that is half written stays with this tab until it is added, wherever one goes meanwhile: the phone
// rings, another lead is looked at, the page is loaded again.

const note = document.querySelector('[data-note]');

if (note) {
  const said = document.querySelector('[data-note-kept]');
  const lead = document.querySelector('[data-lead-page]').dataset.leadPage;
  const place = `note-${document.body.dataset.me}-${lead}`;

  const keep = (text) => {
    said.hidden = !text.trim();
    try {
      if (text.trim()) sessionStorage.setItem(place, text);
      else sessionStorage.removeItem(place);
    } catch {
      // No room, or not allowed: then nothing is promised.
      said.hidden = true;
    }
  };

  try {
    note.value ||= sessionStorage.getItem(place) ?? '';
  } catch {
    // Not allowed: the note begins empty, as it did before.
  }
  keep(note.value);
  note.addEventListener('input', () => keep(note.value));
  note.form.addEventListener('reset', () => keep(''));
  note.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    note.form.requestSubmit(note.form.querySelector('button'));
  });
}
