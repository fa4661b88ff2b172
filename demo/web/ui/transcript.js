import { byId, keepAtEnd, make, prune } from './dom.js';
import { clock } from '../format.js';

const MOST_LINES = 300;
const VOICES = 6;
const TAIL_CHARS = 36; // of a partial, beside the state

/** What was said, by whom, and what is being said. onOpen(utterance) is called when a line is chosen,
 * onName(id, name) when it is said what its speaker is called. */
export class Transcript {
  #list = byId('utterances');
  #partial = byId('partial');
  #speakers = new Map();
  #onOpen;
  #onName;

  constructor(onOpen, onName) {
    this.#onOpen = onOpen;
    this.#onName = onName;
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
      make('p', {}, speaker ? this.#label(id, speaker) : null, text),
    );
    const lines = [...this.#list.children];
    const known = lines.find((other) => other.dataset.id === id);
    if (known) return known.replaceWith(line);
    const next = lines.find((other) => Number(other.dataset.at) > t_start);
    this.#list.insertBefore(line, next ?? null);
    prune(this.#list, MOST_LINES);
  }

  /** Who said the line of that id; it may have been said before that somebody else did. */
  speaker(id, speaker) {
    const line = [...this.#list.children].find((one) => one.dataset.id === id);
    if (!line) return;
    line.querySelector('.who')?.remove();
    line.querySelector('p').prepend(this.#label(id, speaker));
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

  #label(id, speaker) {
    const ask = (event) => event.currentTarget.replaceWith(this.#field(id, speaker));
    const title = 'Say who this is';
    return make('button', { type: 'button', class: `who voice-${this.#voice(speaker)}`, title, onclick: ask }, `${speaker} `);
  }

  /** Enter tells the name; Escape, or going elsewhere, leaves it. */
  #field(id, speaker) {
    const field = make('input', { class: 'who', 'aria-label': `Who is ${speaker}?`, placeholder: speaker, maxlength: 80 });
    const back = () => field.isConnected && field.replaceWith(this.#label(id, speaker));
    field.addEventListener('keydown', ({ key }) => {
      if (key === 'Enter' && field.value.trim()) this.#onName(id, field.value.trim());
      if (key === 'Enter' || key === 'Escape') back();
    });
    field.addEventListener('blur', back);
    requestAnimationFrame(() => field.focus());
    return field;
  }

  /** Each speaker keeps a colour. */
  #voice(speaker) {
    if (!this.#speakers.has(speaker)) this.#speakers.set(speaker, this.#speakers.size % VOICES);
    return this.#speakers.get(speaker);
  }
}
