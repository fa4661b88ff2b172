import { byId, make } from '../ui/dom.js';

/** The dialog that shows one moment: its picture, and what stood on the screen. */
export class Moments {
  #desk;
  #all = [];
  #at = -1;
  #shown = null;

  constructor(desk) {
    this.#desk = desk;
    byId('moment-previous').onclick = () => this.#step(-1);
    byId('moment-next').onclick = () => this.#step(1);
    byId('moment').addEventListener('keydown', ({ key }) => {
      if (key === 'ArrowLeft') this.#step(-1);
      if (key === 'ArrowRight') this.#step(1);
    });
    byId('moment').addEventListener('click', ({ target }) => target === byId('moment') && byId('moment').close());
    byId('moment').addEventListener('close', () => this.#picture(null));
  }

  /** one: {source, t}, of all, among which the arrows step. */
  async open(one, all) {
    this.#all = all;
    this.#at = all.indexOf(one);
    byId('moment-previous').disabled = this.#at <= 0;
    byId('moment-next').disabled = this.#at >= all.length - 1;
    if (!byId('moment').open) byId('moment').showModal();
    const [about, picture] = await Promise.all([
      this.#desk.call('moment', { source: one.source, t: one.t }).catch((error) => ({ at: '', place: error.message, lines: [], said: [] })),
      this.#desk.picture(one),
    ]);
    if (this.#all[this.#at] !== one || !byId('moment').open) {
      if (picture) URL.revokeObjectURL(picture);
      return;
    }
    byId('moment-title').replaceChildren(about.place, make('small', {}, about.at));
    const lines = about.lines.length ? about.lines.map((line) => make('p', {}, line)) : [make('p', { class: 'empty' }, 'Nothing was read here.')];
    const said = about.said.length ? [make('h3', {}, 'Said then'), ...about.said.map((line) => make('p', {}, line))] : [];
    byId('moment-words').replaceChildren(...said, make('h3', {}, 'On the screen'), ...lines);
    byId('moment-picture').alt = `The screen: ${about.place}`;
    this.#picture(picture);
  }

  #step(by) {
    const next = this.#all[this.#at + by];
    if (next) this.open(next, this.#all);
  }

  #picture(address) {
    if (this.#shown) URL.revokeObjectURL(this.#shown);
    this.#shown = address;
    byId('moment-none').hidden = Boolean(address);
    byId('moment-picture').hidden = !address;
    if (address) byId('moment-picture').src = address;
    else byId('moment-picture').removeAttribute('src');
  }
}
