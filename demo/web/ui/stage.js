import { byId, make } from './dom.js';
import { tag } from '../format.js';

const MOST_TAGS = 5;

/** What is seen, over the picture. */
export function showSeen({ tags, text }) {
  const items = tags.slice(0, MOST_TAGS).map((one) => {
    const [name, probability] = tag(one);
    const percent = probability === null ? null : make('span', { class: 'number' }, `${Math.round(probability * 100)}%`);
    return make('li', {}, name, percent);
  });
  byId('tags').replaceChildren(...items);
  showCaption(text);
}

export function showCaption(text) {
  byId('caption').textContent = text ?? '';
}

const STATES = { listening: 'Listening', hearing: 'Hearing you', thinking: 'Thinking', speaking: 'Speaking' };

/** The state of the session beside the box for questions; what may be interrupted has a button for it. */
export function showState(state) {
  byId('state').textContent = STATES[state] ?? state;
  document.querySelector('.state').dataset.state = state;
  byId('interrupt').hidden = !['thinking', 'speaking'].includes(state);
}

/** Shows how loud the sound is that is sent; returns a function that ends it. */
export function showLevel(level) {
  const bars = [...byId('level').children];
  let running = true;
  const draw = () => {
    if (!running) return;
    const now = level();
    bars.forEach((bar, i) => {
      const middle = 1 - Math.abs(i - 2) * 0.22;
      bar.style.transform = `scaleY(${Math.max(0.16, now * middle)})`;
    });
    requestAnimationFrame(draw);
  };
  draw();
  return () => {
    running = false;
  };
}
