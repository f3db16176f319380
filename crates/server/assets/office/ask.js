// Asking the server, and telling the reader when it cannot be asked.

import { tell } from './stream.js';

/** Fetches as our own script. Fails with an error whose message is a sentence for the reader. */
export async function ask(url, options = {}) {
  let response;
  try {
    response = await fetch(url, { ...options, headers: { 'X-Ringback': 'script', ...options.headers } });
  } catch {
    throw new Error('');
  }
  if (response.status === 401) {
    tell({ t: 'out' });
    throw new Error('');
  }
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    throw new Error(problem.detail ?? '');
  }
  return response;
}

/** Posts fields as a form does. */
export function post(url, fields, options = {}) {
  return ask(url, { method: 'POST', body: new URLSearchParams(fields), ...options });
}
