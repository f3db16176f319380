// Copy buttons: what stands in the element they name goes onto the clipboard. Where there is no clipboard
// (a page without TLS), the text is selected instead, ready for the keyboard.

document.documentElement.classList.add('scripted');

document.addEventListener('click', async (event) => {
  const button = event.target.closest('[data-copy]');
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent);
  } catch {
    getSelection().selectAllChildren(source);
    return;
  }
  button.textContent = button.dataset.copied;
  setTimeout(() => { button.textContent = label; }, 2_000);
});
