import { byId, icon, keepAtEnd, make, prune } from './dom.js';
import { clock, duration, sense, shorten } from '../format.js';

const MOST_ENTRIES = 200;
const SENSE_ICONS = { heard: 'said', seen: 'seen', read: 'read', '': 'moment' };

/** Questions, answers as they are written, and what the agent says unasked. onEvidence(evidence) opens a moment. */
export class Conversation {
  #log = byId('log');
  #turns = new Map();
  #onEvidence;
  #now;

  /** now() -> seconds of the session. */
  constructor(onEvidence, now) {
    this.#onEvidence = onEvidence;
    this.#now = now;
    keepAtEnd(this.#log);
  }

  turn({ turn, text, typed }) {
    if (this.#turns.has(turn)) return;
    const words = make('p', { class: 'words' }, make('span', { class: 'waiting', 'aria-label': 'Thinking' }, make('i'), make('i'), make('i')));
    const answer = this.#entry('answer', words);
    answer.setAttribute('aria-busy', 'true'); // read aloud when it is whole, not word by word
    this.#turns.set(turn, answer);
    this.#add(this.#entry('question', make('p', { class: 'words' }, text), typed ? null : icon('said')), answer);
  }

  delta({ turn, text }) {
    const words = this.#turns.get(turn)?.querySelector('.words');
    if (!words) return;
    words.querySelector('.waiting')?.remove();
    words.append(text);
  }

  answer({ turn, text, abstained, note, engine, evidence, latency }) {
    if (!this.#turns.has(turn)) this.#turns.set(turn, this.#add(this.#entry('answer', make('p', { class: 'words' }))));
    const entry = this.#turns.get(turn);
    entry.querySelector('.words').textContent = text;
    entry.classList.toggle('abstained', Boolean(abstained));
    entry.append(this.#chips(evidence));
    const total = latency?.total ? duration(latency.total) : null;
    const facts = [note, engine, total].filter(Boolean).join(' · ');
    if (facts) entry.append(make('p', { class: 'facts' }, facts));
    entry.removeAttribute('aria-busy');
    this.#turns.delete(turn);
  }

  /** One that is there already has got its evidence. Returns whether it is new. */
  alert({ id, text, evidence }) {
    const known = [...this.#log.querySelectorAll('.unasked')].find((entry) => entry.dataset.alert === id);
    const entry = known ?? this.#entry('answer unasked', icon('bell'), make('p', { class: 'words' }, text));
    entry.dataset.alert = id;
    entry.querySelector('.chips')?.remove();
    entry.append(this.#chips(evidence));
    if (!known) this.#add(entry);
    return !known;
  }

  interrupted({ turn }) {
    const entry = this.#turns.get(turn);
    if (!entry) return;
    entry.classList.add('interrupted');
    entry.querySelector('.waiting')?.remove();
    entry.removeAttribute('aria-busy');
  }

  resumed({ turn }) {
    this.#turns.get(turn)?.classList.remove('interrupted');
  }

  /** The connection went away: what was being written will not be finished. */
  broken() {
    for (const turn of this.#turns.keys()) this.interrupted({ turn });
    this.#turns.clear();
  }

  forget(from, to) {
    for (const entry of this.#log.querySelectorAll('.entry')) {
      if (entry.dataset.at >= from && entry.dataset.at <= to) entry.remove();
      for (const chip of entry.querySelectorAll('.chip')) {
        if (chip.dataset.end >= from && chip.dataset.start <= to) chip.remove();
      }
    }
  }

  clear() {
    this.#log.querySelectorAll('.entry').forEach((entry) => entry.remove());
    this.#turns.clear();
  }

  #entry(kind, ...children) {
    return make('article', { class: `entry ${kind}`, 'data-at': this.#now() }, ...children);
  }

  #add(...entries) {
    this.#log.append(...entries);
    prune(this.#log, MOST_ENTRIES);
    return entries.at(-1);
  }

  #chips(evidence) {
    const chips = (evidence ?? []).map((one) => {
      const kind = sense(one.modality);
      const properties = {
        type: 'button', class: `chip ${kind}`, 'data-start': one.t_start, 'data-end': one.t_end,
        'aria-label': `Evidence at ${clock(one.t_start)}: ${one.text || one.modality}`,
        onclick: () => this.#onEvidence(one),
      };
      const text = make('span', {}, shorten(one.text || one.modality, 42));
      return make('li', {}, make('button', properties, icon(SENSE_ICONS[kind]), make('time', { class: 'number' }, clock(one.t_start)), text));
    });
    return chips.length ? make('ul', { class: 'chips', 'aria-label': 'Evidence' }, ...chips) : '';
  }
}
