// Where tabs do not fit beside each other, the current one is brought into view.

/** Of every row of tabs on the page. */
export function showCurrent() {
  for (const tabs of document.querySelectorAll('.tabs')) {
    const current = tabs.querySelector('[aria-current]')?.getBoundingClientRect();
    if (!current) continue;
    const all = tabs.getBoundingClientRect();
    tabs.scrollLeft += current.left - all.left - (all.width - current.width) / 2;
  }
}

showCurrent();
