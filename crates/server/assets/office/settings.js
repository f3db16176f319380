// A form with secrets is sent in place: secrets never come back from the server, so what was typed stays here
// when the page is shown once more, with what is wrong or with what a test said.

import { showWrong } from './wrong.js';

addEventListener('submit', async (event) => {
  const form = event.target;
  if (!form.matches('[data-secrets]')) return;
  event.preventDefault();
  const button = event.submitter;
  if (form.getAttribute('aria-busy') === 'true') return;
  form.setAttribute('aria-busy', 'true');
  button?.setAttribute('aria-busy', 'true');
  try {
    const answer = await fetch(button?.getAttribute('formaction') ?? form.action, {
      method: 'POST', body: new URLSearchParams(new FormData(form)),
    });
    if (answer.redirected) location.assign(answer.url);
    else show(await answer.text(), form);
  } catch {
    say(form);
  } finally {
    form.removeAttribute('aria-busy');
    button?.removeAttribute('aria-busy');
  }
});

/** Puts the answered page in place of the one that stands, with the secrets that were typed. */
function show(html, form) {
  const answered = new DOMParser().parseFromString(html, 'text/html').querySelector('.page');
  if (!answered?.querySelector('[data-secrets]')) return say(form, answered?.textContent.trim());
  for (const typed of form.querySelectorAll('input[type="password"]')) {
    const field = answered.querySelector(`input[name="${typed.name}"]`);
    if (field) field.value = typed.value;
  }
  document.querySelector('.page').replaceWith(answered);
  scrollTo(0, 0);
  showWrong(answered);
}

/** The server could not be reached, or has no such form to show: nothing typed is lost. */
function say(form, sentence) {
  let told = form.querySelector('[data-told]');
  if (!told) {
    told = document.createElement('p');
    told.className = 'trouble';
    told.dataset.told = '';
    told.setAttribute('role', 'alert');
    form.querySelector('.acts').before(told);
  }
  told.textContent = sentence || form.dataset.trouble;
}
