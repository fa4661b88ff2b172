import { tag } from './format.js';

const MOST = 20_000;

/** What the page knows of the session's memory: clips, words and texts on screen, each sorted by time. */
export class Remembered {
  clips = [];
  words = [];
  reads = [];

  addClip({ id, t_start, t_end, tags, picture, said, read }) {
    const names = (tags ?? []).map((one) => tag(one)[0]);
    insert(this.clips, { id, t_start, t_end, tags: names, picture: picture ?? null, said, read });
  }

  addWords({ id, t_start, t_end, text, speaker }) {
    insert(this.words, { id, t_start, t_end, text, speaker: speaker ?? null });
  }

  /** Who said the words of that id. */
  speaker(id, speaker) {
    const said = this.words.find((words) => words.id === id);
    if (said) said.speaker = speaker;
  }

  addRead({ id, t, text }) {
    insert(this.reads, { id, t_start: t, t_end: t, text });
  }

  /** All that touches [start, end] seconds. */
  between(start, end) {
    const touching = (items) => items.filter((item) => item.t_end >= start && item.t_start <= end);
    return { clips: touching(this.clips), words: touching(this.words), reads: touching(this.reads) };
  }

  /** Index of the clip that covers second t, or else of the last that began before it; -1 where there is none. */
  indexAt(t) {
    return after(this.clips, t) - 1;
  }

  /** What was said and what was read during a clip, as text. What came with the clip serves where no more is known. */
  textsOf(clip) {
    const within = (items) => items.filter((item) => item.t_start >= clip.t_start && item.t_start < clip.t_end);
    const join = (items) => within(items).map((item) => item.text).join(' ');
    return { said: join(this.words) || clip.said || '', read: join(this.reads) || clip.read || '' };
  }

  /** Drops all that touches [from, to] seconds; returns the pictures of the dropped clips. */
  forget(from, to) {
    const touches = (item) => item.t_end >= from && item.t_start <= to;
    const pictures = this.clips.filter(touches).map((clip) => clip.picture).filter(Boolean);
    for (const kind of ['clips', 'words', 'reads']) this[kind] = this[kind].filter((item) => !touches(item));
    return pictures;
  }

  clear() {
    this.forget(-Infinity, Infinity);
  }

  /** For each of `columns` equal parts of [0, until]: was something seen, heard, read in it? */
  lanes(columns, until) {
    const lane = (items) => {
      const marks = new Array(columns).fill(false);
      for (const { t_start, t_end } of items) {
        const last = Math.min(columns - 1, Math.floor((t_end / until) * columns));
        for (let i = Math.max(0, Math.floor((t_start / until) * columns)); i <= last; i++) marks[i] = true;
      }
      return marks;
    };
    const told = (field) => this.clips.filter((clip) => clip[field]);
    return { heard: lane([...this.words, ...told('said')]), seen: lane(this.clips), read: lane([...this.reads, ...told('read')]) };
  }
}

/** Number of items that begin at or before t. */
function after(items, t) {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle].t_start <= t) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insert(items, item) {
  const old = items.findIndex((other) => other.id === item.id);
  if (old >= 0) items.splice(old, 1);
  items.splice(after(items, item.t_start), 0, item);
  if (items.length > MOST) items.shift();
}
