import { byId, icon, make } from './dom.js';

const PASSING_MS = 6_000;

/** Shows a line above the page. A problem stays until it is closed or replaced by another of its `key`. */
export function notice(text, { problem = false, key = text } = {}) {
  clearNotice(key);
  const close = make('button', { type: 'button', class: 'tool', 'aria-label': 'Close', onclick: () => line.remove() }, icon('close'));
  const line = make('div', { class: problem ? 'notice problem' : 'notice', 'data-key': key }, make('span', {}, text), close);
  byId('notices').append(line);
  if (!problem) setTimeout(() => line.remove(), PASSING_MS);
}

export function clearNotice(key) {
  for (const line of byId('notices').children) if (line.dataset.key === key) line.remove();
}
