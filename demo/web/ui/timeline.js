import { byId, icon, make } from './dom.js';
import { clock, sense, shorten, timeOfDay } from '../format.js';

const COLUMNS = 240;
const LANES = { seen: [1, 8], heard: [11, 8], read: [21, 8] };
const BESIDE = 3; // tiles drawn beyond either edge
const GAP_PX = 10;
const SETTLED_MS = 80; // a strip that flies by fetches no pictures

/**
 * The memory from the first second to now: a ribbon to scrub, a strip of tiles, a search.
 * Only the tiles in sight are in the page, so that hours of clips cost nothing.
 * onOpen(clip or hit) opens a moment; onSearch(text) asks the server.
 */
export class Timeline {
  #remembered;
  #pictures;
  #options;
  #strip = byId('strip');
  #list = byId('tiles');
  #scrub = byId('scrub');
  #drawn = new Map();
  #hits = null;
  #following = true;
  #scrollingTo = null;
  #settling = null;
  #count = 0;

  /** options: now() and zero() as seconds, onOpen, onSearch */
  constructor(remembered, pictures, options) {
    this.#remembered = remembered;
    this.#pictures = pictures;
    this.#options = options;
    this.#scrub.addEventListener('input', () => this.#goTo(Number(this.#scrub.value)));
    this.#strip.addEventListener('scroll', () => this.#scrolled());
    byId('now').addEventListener('click', () => this.follow());
    byId('search').addEventListener('submit', (event) => {
      event.preventDefault();
      const text = byId('search-text').value.trim();
      if (text) options.onSearch(text);
    });
    byId('search-text').addEventListener('input', ({ target }) => target.value || this.showHits(null));
    new ResizeObserver(() => this.update()).observe(this.#strip);
  }

  /** The hits of a search in place of the clips; null: the clips again. */
  showHits(hits, text = '') {
    this.#hits = hits?.map((hit) => ({ ...hit, t_start: hit.t, t_end: hit.t })) ?? null;
    byId('strip-note').textContent = hits ? `${hits.length || 'No'} ${hits.length === 1 ? 'moment' : 'moments'} for “${text}”` : '';
    this.#redraw();
    this.#strip.scrollLeft = 0;
    if (!hits) this.follow();
  }

  /** Shows now, and goes on with it. */
  follow() {
    if (this.#hits) {
      byId('search-text').value = '';
      return this.showHits(null);
    }
    this.#following = true;
    this.update();
  }

  clear() {
    byId('search-text').value = '';
    this.showHits(null);
  }

  /** Something was added or forgotten, or time went by. */
  update() {
    if (!this.#strip.clientWidth) return; // not in sight
    const now = Math.max(1, Math.floor(this.#options.now()));
    this.#scrub.max = now;
    if (this.#following) this.#scrub.value = now;
    this.#drawRibbon(now);
    const grown = this.#count !== this.#remembered.clips.length;
    this.#count = this.#remembered.clips.length;
    this.#setWidth();
    if (this.#following && !this.#hits) this.#scrollTo(this.#strip.scrollWidth);
    else if (grown && !this.#hits) this.#center(Number(this.#scrub.value));
    this.#drawTiles();
    this.#showPosition();
  }

  #goTo(t) {
    this.#following = t >= Number(this.#scrub.max);
    if (this.#hits) this.showHits(null);
    this.#following = t >= Number(this.#scrub.max);
    this.#scrub.value = t;
    this.#center(t);
    this.#drawTiles();
    this.#showPosition();
  }

  #center(t) {
    const at = Math.max(0, this.#remembered.indexAt(t));
    this.#scrollTo(at * this.#step() - (this.#strip.clientWidth - this.#step()) / 2);
  }

  #scrollTo(left) {
    const target = Math.round(Math.min(Math.max(0, left), this.#strip.scrollWidth - this.#strip.clientWidth));
    if (Math.abs(this.#strip.scrollLeft - target) < 2) return;
    this.#scrollingTo = target;
    this.#strip.scrollLeft = target;
  }

  /** The person moved the strip: the ribbon goes along. */
  #scrolled() {
    this.#drawTiles();
    const { scrollLeft, clientWidth, scrollWidth } = this.#strip;
    const own = this.#scrollingTo !== null && Math.abs(scrollLeft - this.#scrollingTo) < 2;
    this.#scrollingTo = null;
    if (own || this.#hits) return;
    this.#following = scrollLeft + clientWidth >= scrollWidth - 4;
    const clips = this.#remembered.clips;
    const middle = Math.floor((scrollLeft + clientWidth / 2) / this.#step());
    const clip = clips[Math.min(clips.length - 1, middle)];
    this.#scrub.value = this.#following || !clip ? this.#scrub.max : clip.t_start;
    this.#showPosition();
  }

  #showPosition() {
    const t = Number(this.#scrub.value);
    const day = timeOfDay(this.#options.zero(), t);
    const place = this.#following ? 'now' : `${clock(t)} · ${day}`;
    byId('position').textContent = place;
    byId('now').hidden = this.#following && !this.#hits;
    this.#scrub.setAttribute('aria-valuetext', this.#following ? `now, ${clock(t)}` : place);
    const at = this.#following || this.#hits ? -1 : this.#remembered.indexAt(t);
    for (const [id, { item }] of this.#drawn) item.classList.toggle('here', id === this.#remembered.clips[at]?.id);
  }

  #drawRibbon(now) {
    const lanes = this.#remembered.lanes(COLUMNS, now);
    for (const [name, [top, height]] of Object.entries(LANES)) {
      const path = lanes[name].map((on, x) => (on ? `M${x} ${top}h1v${height}h-1z` : '')).join('');
      byId('lanes').querySelector(`.${name}`).setAttribute('d', path);
    }
  }

  #step() {
    return parseFloat(getComputedStyle(this.#list).getPropertyValue('--tile')) + GAP_PX;
  }

  #redraw() {
    this.#list.replaceChildren();
    this.#drawn.clear();
    this.#setWidth();
    this.#drawTiles();
  }

  #items() {
    return this.#hits ?? this.#remembered.clips;
  }

  #setWidth() {
    this.#list.style.width = `${Math.max(0, this.#items().length * this.#step() - GAP_PX)}px`;
  }

  #drawTiles() {
    const items = this.#items();
    const step = this.#step();
    const first = Math.max(0, Math.floor(this.#strip.scrollLeft / step) - BESIDE);
    const last = Math.min(items.length, Math.ceil((this.#strip.scrollLeft + this.#strip.clientWidth) / step) + BESIDE);
    const shown = items.slice(first, last);
    const ids = new Set(shown.map((item) => item.id));
    for (const [id, tile] of this.#drawn) {
      if (ids.has(id)) continue;
      tile.item.remove();
      this.#drawn.delete(id);
    }
    shown.forEach((item, i) => {
      const tile = this.#drawn.get(item.id) ?? this.#tile(item.id);
      if (this.#list.children[i] !== tile.item) this.#list.insertBefore(tile.item, this.#list.children[i] ?? null);
      tile.item.style.left = `${(first + i) * step}px`;
      tile.item.setAttribute('aria-setsize', items.length);
      tile.item.setAttribute('aria-posinset', first + i + 1);
      this.#fill(tile, item);
    });
    if (!this.#hits) byId('strip-note').textContent = items.length ? '' : 'Moments appear here as they are remembered.';
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      for (const tile of this.#drawn.values()) this.#pictures.show(tile.image, this.#picture(tile.shows));
    }, SETTLED_MS);
  }

  /** What was found before its clip was kept has no picture of its own. */
  #picture({ picture, t_start }) {
    return picture ?? this.#remembered.between(t_start, t_start).clips.at(-1)?.picture;
  }

  #tile(id) {
    const tile = {
      image: make('img', { alt: '', hidden: true }),
      when: make('time', { class: 'number' }),
      words: make('span'),
    };
    tile.button = make('button', { type: 'button', onclick: () => this.#options.onOpen(tile.shows) }, tile.image, tile.when, tile.words);
    tile.item = make('li', {}, tile.button);
    this.#drawn.set(id, tile);
    return tile;
  }

  #fill(tile, shows) {
    const texts = this.#hits ? null : this.#remembered.textsOf(shows);
    const kind = texts ? (texts.said ? 'heard' : texts.read ? 'read' : 'seen') : sense(shows.modality);
    const text = texts ? texts.said || texts.read || shows.tags.join(', ') : shows.text;
    tile.shows = shows;
    if (tile.key === `${kind} ${text}`) return;
    tile.key = `${kind} ${text}`;
    tile.button.className = kind;
    tile.when.textContent = clock(shows.t_start);
    const mark = { heard: 'said', seen: 'seen', read: 'read' }[kind] ?? 'moment';
    tile.words.replaceChildren(icon(mark), shorten(text ?? '', 70));
  }
}
