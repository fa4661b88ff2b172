import { byId, make } from '../ui/dom.js';

const EVERY_MS = 20_000;

/** What was done on a day, and what was seen of files and pages. onEntry(entry, all) opens a moment. */
export class Day {
  #desk;
  #onEntry;
  #day = null;
  #latest = true;
  #seen = '';
  #loaded = 0;

  constructor(desk, onEntry) {
    this.#desk = desk;
    this.#onEntry = onEntry;
  }

  /** The recorder has something new: mark says what. */
  changed(mark) {
    if (!this.#latest || mark === this.#seen || performance.now() - this.#loaded < (this.#day ? EVERY_MS : 0)) return;
    this.#seen = mark;
    this.load().catch(() => {});
  }

  /** day: "2026-11-25"; none is the last that was recorded. */
  async load(day = null) {
    this.#loaded = performance.now();
    const shown = await this.#desk.call('day', day ? { day } : {});
    this.#day = shown.day;
    this.#latest = !shown.after;
    byId('day-title').textContent = shown.title || 'Nothing was recorded yet';
    byId('synopsis').textContent = shown.synopsis || (shown.day ? 'Nothing was done on the screen yet.' : '');
    for (const side of ['before', 'after']) {
      byId(`day-${side}`).disabled = !shown[side];
      byId(`day-${side}`).onclick = () => this.load(shown[side]);
    }
    const longest = Math.max(1, ...shown.entries.map((one) => one.seconds));
    byId('entries').replaceChildren(...shown.entries.map((one) => this.#entry(one, shown.entries, longest)));
    byId('calls').hidden = !shown.calls.length;
    byId('calls').replaceChildren(...shown.calls.map((one) => make('li', {}, make('button', { type: 'button', onclick: () => this.#onEntry(one, shown.calls) },
      make('time', { class: 'number' }, one.from), make('b', {}, one.name), make('small', { class: 'number' }, one.lasted)))));
    byId('opened').hidden = !shown.resources.length;
    byId('resources').replaceChildren(...shown.resources.map((one) =>
      make('li', {}, make('time', { class: 'number' }, one.at), make('span', {}, one.name))));
  }

  #entry(one, all, longest) {
    const bar = make('i', { 'aria-hidden': 'true' });
    bar.style.setProperty('--share', one.seconds / longest);
    return make('li', {}, make('button', { type: 'button', onclick: () => this.#onEntry(one, all) },
      make('time', { class: 'number' }, one.from), make('b', {}, one.name), make('small', { class: 'number' }, one.lasted),
      one.program ? make('small', { class: 'program' }, one.program) : null, bar));
  }
}
