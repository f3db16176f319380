// A form that is shown again with something wrong in it: the keyboard goes to the first wrong field, and every
// line at its head says which field it means and leads there.

/** Readies the part of the page that was just shown. */
export function showWrong(part = document) {
  for (const link of part.querySelectorAll('[data-troubles] a')) {
    const sentence = document.getElementById(link.hash.slice(1));
    const label = sentence && labelOf(fieldOf(sentence), sentence);
    if (label) link.prepend(`${label}: `);
  }
  const first = part.querySelector('.wrong[id]');
  if (first) goTo(first);
}

addEventListener('click', (event) => {
  const link = event.target.closest('[data-troubles] a');
  const sentence = link && document.getElementById(link.hash.slice(1));
  if (!sentence) return;
  event.preventDefault();
  goTo(sentence);
});

function goTo(sentence) {
  const field = fieldOf(sentence) ?? sentence;
  for (let box = field.closest('details'); box; box = box.parentElement.closest('details')) box.open = true;
  field.focus({ preventScroll: true });
  field.scrollIntoView({ block: 'center' });
}

/** The field a sentence is about; of a list, the first field below it. */
function fieldOf(sentence) {
  const about = `[aria-describedby~="${sentence.id}"]`;
  const field = document.querySelector(`${about}[aria-invalid="true"]`) ?? document.querySelector(about) ?? sentence.parentElement;
  const within = 'input:not([type="hidden"]), select, textarea';
  return field.matches(within) ? field : field.querySelector(within);
}

function labelOf(field, sentence) {
  if (!field?.getAttribute('aria-describedby')?.split(' ').includes(sentence.id)) {
    return sentence.closest('section, fieldset')?.querySelector('h2, legend')?.textContent.trim();
  }
  if (field.ariaLabel) return field.ariaLabel;
  // A label around its field holds the field's own words, too: only what stands in it directly is its name.
  const texts = [...(field.labels[0]?.childNodes ?? [])].filter((node) => node.nodeType === Node.TEXT_NODE);
  return texts.map((node) => node.data).join(' ').trim();
}

showWrong();
