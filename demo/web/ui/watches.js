import { byId, icon, make } from './dom.js';

const NONE = 'Say or write “tell me when a bottle appears” or “remind me in ten minutes”.';

/** onAdd(text), onRemove(id) */
export function startWatches(onAdd, onRemove) {
  byId('watch').addEventListener('submit', (event) => {
    event.preventDefault();
    const text = byId('watch-text').value.trim();
    if (text && onAdd(text)) byId('watch-text').value = '';
  });
  return function show(items) {
    const rows = items.map(({ id, text, kind }) =>
      make(
        'li',
        {},
        make('span', {}, text),
        kind ? make('small', {}, kind) : null,
        make('button', { type: 'button', class: 'tool', 'aria-label': `Remove: ${text}`, onclick: () => onRemove(id) }, icon('close')),
      ));
    byId('watches').replaceChildren(...(rows.length ? rows : [make('li', { class: 'empty' }, NONE)]));
  };
}
