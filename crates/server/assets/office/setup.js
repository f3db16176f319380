// The set-up suggests the browser's own time zone and the region it lies in. Whoever has chosen already, or
// comes back to a form with something wrong in it, is left alone.

import './wrong.js';

const region = document.getElementById('region');
const zone = document.getElementById('time_zone');

function regionOf(option) {
  return option?.closest('optgroup')?.dataset.region ?? '';
}

function suggest() {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!here || !zone.hasAttribute('data-suggest-zone')) return;
  let option = [...zone.options].find((one) => one.value === here);
  if (!option) {
    option = new Option(here.split('/').pop().replaceAll('_', ' '), here);
    zone.prepend(option);
  }
  option.selected = true;
  // A zone that no region of ours lists lies elsewhere.
  region.value = regionOf(option) || 'other';
}

// Another region has other zones: its first stands until one is chosen.
region?.addEventListener('change', () => {
  if (regionOf(zone.selectedOptions[0]) === region.value) return;
  const first = zone.querySelector(`optgroup[data-region="${region.value}"] option`);
  if (first) first.selected = true;
});

if (region && zone) suggest();
