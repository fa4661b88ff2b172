import { byId, make } from './dom.js';
import { clock, sense, timeOfDay } from '../format.js';

const AROUND_S = 4;

/** The dialog that shows one moment: its picture, what was said and read around it, and what was seen. */
export class Moment {
  #dialog = byId('moment');
  #remembered;
  #pictures;
  #zero;
  #at = -1;

  /** zero() -> Unix time of the session's zero */
  constructor(remembered, pictures, zero) {
    this.#remembered = remembered;
    this.#pictures = pictures;
    this.#zero = zero;
    byId('moment-previous').addEventListener('click', () => this.#step(-1));
    byId('moment-next').addEventListener('click', () => this.#step(1));
    this.#dialog.addEventListener('keydown', ({ key }) => {
      if (key === 'ArrowLeft') this.#step(-1);
      if (key === 'ArrowRight') this.#step(1);
    });
    this.#dialog.addEventListener('click', ({ target }) => target === this.#dialog && this.#dialog.close());
  }

  /** proof: {t_start, t_end, modality, text, picture}, of which all but t_start may be absent. */
  open(proof) {
    const end = proof.t_end ?? proof.t_start;
    const { clips, words, reads } = this.#remembered.between(proof.t_start - AROUND_S, end + AROUND_S);
    this.#at = this.#remembered.indexAt(proof.t_start);
    const clip = this.#remembered.clips[this.#at];
    const span = end - proof.t_start >= 1 ? `${clock(proof.t_start)} to ${clock(end)}` : clock(proof.t_start);
    byId('moment-title').replaceChildren(span, make('small', {}, timeOfDay(this.#zero(), proof.t_start)));

    const sections = [];
    const section = (name, lines) => lines.length && sections.push(make('h3', { class: sense(name) }, name), ...lines);
    const line = ({ t_start, speaker, text }) =>
      make('p', {}, make('time', { class: 'number' }, clock(t_start)), speaker ? make('b', {}, `${speaker}: `) : '', text);
    if (proof.text) sections.push(make('blockquote', { class: sense(proof.modality) }, proof.text));
    const kept = clip ? this.#remembered.textsOf(clip) : { said: '', read: '' };
    section('Said', words.length ? words.map(line) : kept.said ? [make('p', {}, kept.said)] : []);
    section('On screen', reads.length ? reads.map(line) : kept.read ? [make('p', {}, kept.read)] : []);
    const tags = [...new Set(clips.flatMap((one) => one.tags))];
    section('Seen', tags.length ? [make('p', {}, tags.join(', '))] : []);
    if (!sections.length) sections.push(make('p', { class: 'empty' }, 'Nothing was said or read here.'));
    byId('moment-words').replaceChildren(...sections);

    byId('moment-picture').alt = tags.length ? `Picture: ${tags.join(', ')}` : 'Picture of this moment';
    byId('moment-none').hidden = Boolean(proof.picture ?? clip?.picture);
    this.#pictures.show(byId('moment-picture'), proof.picture ?? clip?.picture);
    byId('moment-previous').disabled = this.#at <= 0;
    byId('moment-next').disabled = this.#at >= this.#remembered.clips.length - 1;
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  /** Closed, and no picture is left in it. */
  close() {
    this.#pictures.show(byId('moment-picture'), null);
    this.#dialog.close();
  }

  #step(by) {
    const clip = this.#remembered.clips[this.#at + by];
    if (clip) this.open({ t_start: clip.t_start, t_end: clip.t_end, picture: clip.picture });
  }
}
