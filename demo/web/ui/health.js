import { byId, make } from './dom.js';
import { duration } from '../format.js';
import { split } from '../latency.js';

export function showModels(models) {
  const rows = Object.entries(models).filter(([, name]) => name);
  byId('models').replaceChildren(...rows.flatMap(([part, name]) => [make('dt', {}, part), make('dd', {}, String(name))]));
}

/** The last turn, from the end of the question to the first sound, as a stacked bar. */
export function showLatency(latency) {
  const whole = split(latency);
  if (!whole) return;
  byId('latency-total').textContent = duration(whole.total);
  byId('latency-bar').replaceChildren(...whole.parts.map((part) => {
    const piece = make('i', { class: `part-${part.name}` });
    piece.style.flexGrow = part.share;
    return piece;
  }));
  byId('latency-parts').replaceChildren(...whole.parts.map((part) =>
    make('li', {}, make('i', { class: `part-${part.name}` }), part.label, make('span', { class: 'number' }, duration(part.seconds)))));
}

export function showHealth({ stages, latency, fps }) {
  byId('health-rate').textContent = Number.isFinite(fps) ? `${fps.toFixed(1)} frames/s` : '';
  byId('stages').replaceChildren(...stages.map(({ name, depth, drops, age_s, busy, down }) =>
    down ? make('tr', { class: 'down' }, make('th', { scope: 'row' }, String(name)), make('td', { colspan: 3 }, `stopped: ${down}`)) :
    make(
      'tr',
      { class: busy ? 'busy' : null },
      make('th', { scope: 'row' }, String(name), busy ? make('span', { class: 'unseen' }, ' (busy)') : null),
      make('td', {}, String(depth ?? 0)),
      make('td', {}, String(drops ?? 0)),
      make('td', {}, age_s ? duration(age_s) : '–'),
    )));
  showLatency(latency);
}
