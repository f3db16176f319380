// The office in the browser. Everything here makes pages that work without it quicker: changes arrive by
// themselves, acts need no reload, keys do what buttons do.

import './acts.js';
import './ago.js';
import './details.js';
import './inbox.js';
import './keys.js';
import './live.js';
import './note.js';
import './settings.js';
import './stream.js';
import './tabs.js';
import './wrong.js';

document.documentElement.classList.add('scripted');
