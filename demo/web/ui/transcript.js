import { byId, keepAtEnd, make, prune } from './dom.js';
import { clock } from '../format.js';

const MOST_LINES = 300;
const VOICES = 6;
const TAIL_CHARS = 36; // of a partial, beside the state

/** What was said, by whom, and what is being said. onOpen(utterance) is called when a line is chosen. */
export class Transcript {
  #list = byId('utterances');
  #partial = byId('partial');
  #speakers = new Map();
  #onOpen;

  constructor(onOpen) {
    this.#onOpen = onOpen;
    keepAtEnd(this.#list);
  }

  partial(text) {
    this.#partial.textContent = text;
    byId('hearing').textContent = text.length > TAIL_CHARS ? text.slice(-TAIL_CHARS).replace(/^\S*/, '…') : text;
  }

  /** In its place in time, and once. spoken: just now, so that what was being said is over. */
  add(utterance, { spoken = true } = {}) {
    if (spoken) this.partial('');
    const { id, t_start, speaker, text } = utterance;
    const line = make(
      'li',
      { 'data-at': t_start, 'data-id': id },
      make('button', { type: 'button', class: 'when number', title: 'See this moment', onclick: () => this.#onOpen(utterance) }, clock(t_start)),
      make('p', {}, speaker ? make('b', { class: `voice-${this.#voice(speaker)}` }, `${speaker} `) : null, text),
    );
    const lines = [...this.#list.children];
    const known = lines.find((other) => other.dataset.id === id);
    if (known) return known.replaceWith(line);
    const next = lines.find((other) => Number(other.dataset.at) > t_start);
    this.#list.insertBefore(line, next ?? null);
    prune(this.#list, MOST_LINES);
  }

  forget(from, to) {
    for (const line of [...this.#list.children]) {
      if (line.dataset.at >= from && line.dataset.at <= to) line.remove();
    }
  }

  clear() {
    this.#speakers.clear();
    this.#list.replaceChildren();
    this.partial('');
  }

  /** Each speaker keeps a colour. */
  #voice(speaker) {
    if (!this.#speakers.has(speaker)) this.#speakers.set(speaker, this.#speakers.size % VOICES);
    return this.#speakers.get(speaker);
  }
}
