// What scripts say, in the words of the page's own language; the blank in them is #.

const words = JSON.parse(document.body.dataset.words || '{}');

/** The words under a key, with the blank filled in. */
export function say(key, blank = '') {
  return (words[key] ?? key).replace('#', String(blank));
}
