import test from 'node:test';
import assert from 'node:assert/strict';
import { delay, SavedSession, WINDOW_S } from '../../demo/web/reconnect.js';

class Storage {
  #items = new Map();
  getItem = (key) => this.#items.get(key) ?? null;
  setItem = (key, value) => this.#items.set(key, value);
  removeItem = (key) => this.#items.delete(key);
}

test('the waits double up to five seconds', () => {
  assert.deepEqual([0, 1, 2, 3, 4, 20].map((attempt) => delay(attempt, 0, 1)), [0.5, 1, 2, 4, 5, 5]);
});

test('chance shortens a wait to no less than half', () => {
  assert.equal(delay(2, 0, 0), 1);
  assert.equal(delay(2, 0, 0.5), 1.5);
});

test('no wait goes beyond the window, and after it there is none', () => {
  assert.equal(delay(9, WINDOW_S - 0.25, 1), 0.25);
  assert.equal(delay(9, WINDOW_S, 1), null);
});

test('attempts that fail at once are at least eight and at most forty within the window', () => {
  for (const random of [0, 1]) {
    let [attempts, elapsed] = [0, 0];
    for (let wait; (wait = delay(attempts, elapsed, random)) !== null; attempts += 1) elapsed += wait;
    assert.equal(elapsed, WINDOW_S);
    assert.ok(attempts >= 8 && attempts <= 40, String(attempts));
  }
});

test('a session is kept for the window after it was last alive', () => {
  let now = 1000;
  const saved = new SavedSession(new Storage(), () => now);
  assert.equal(saved.get(), null);
  assert.equal(saved.left(), 0);
  saved.set('s1', 'secret');
  now += WINDOW_S - 1;
  assert.deepEqual(saved.get(), { session: 's1', secret: 'secret' });
  assert.equal(saved.left(), 1);
  saved.touch();
  now += WINDOW_S - 1;
  assert.notEqual(saved.get(), null);
  now += 1;
  assert.equal(saved.get(), null);
  saved.touch();
  assert.equal(saved.get(), null);
});

test('a cleared or broken entry is none', () => {
  const storage = new Storage();
  const saved = new SavedSession(storage, () => 0);
  saved.set('s1', 'secret');
  saved.clear();
  assert.equal(saved.get(), null);
  storage.setItem('hearsight.session', '{');
  assert.equal(saved.get(), null);
});
