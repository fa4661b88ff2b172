import test from 'node:test';
import assert from 'node:assert/strict';
import { Remembered } from '../../demo/web/remembered.js';
import { Turns } from '../../demo/web/turns.js';

const clip = (i, more = {}) => ({ id: `c${i}`, t_start: i * 8, t_end: i * 8 + 8, tags: [['bottle', 0.4]], picture: `/p/${i}`, ...more });

function filled() {
  const remembered = new Remembered();
  for (const i of [2, 0, 1, 3]) remembered.addClip(clip(i));
  remembered.addWords({ id: 'u1', t_start: 9, t_end: 11, text: 'Good morning.', speaker: 'Ann' });
  remembered.addRead({ id: 'r1', t: 17, text: 'TIMETABLE' });
  return remembered;
}

test('clips lie in order however they come, and once', () => {
  const remembered = filled();
  remembered.addClip(clip(1, { tags: ['cup'] }));
  assert.deepEqual(remembered.clips.map((one) => one.id), ['c0', 'c1', 'c2', 'c3']);
  assert.deepEqual(remembered.clips[1].tags, ['cup']);
});

test('a second finds its clip, or the last before it', () => {
  const remembered = filled();
  assert.deepEqual([-1, 0, 7.9, 8, 500].map((t) => remembered.indexAt(t)), [-1, 0, 0, 1, 3]);
});

test('the words and texts of a clip, or those that came with it', () => {
  const remembered = filled();
  remembered.addClip(clip(0, { said: 'Hello.' }));
  assert.deepEqual(remembered.clips.map((one) => remembered.textsOf(one)), [
    { said: 'Hello.', read: '' }, { said: 'Good morning.', read: '' }, { said: '', read: 'TIMETABLE' }, { said: '', read: '' },
  ]);
});

test('what touches a span', () => {
  const { clips, words, reads } = filled().between(10, 15);
  assert.deepEqual([clips.map((one) => one.id), words.length, reads.length], [['c1'], 1, 0]);
});

test('what is forgotten is gone, and its pictures are named', () => {
  const remembered = filled();
  assert.deepEqual(remembered.forget(10, 100), ['/p/1', '/p/2', '/p/3']);
  assert.deepEqual([remembered.clips.length, remembered.words.length, remembered.reads.length], [1, 0, 0]);
  remembered.clear();
  assert.equal(remembered.clips.length, 0);
});

test('the lanes say in which parts something was perceived', () => {
  const marks = (lane) => lane.map(Number).join('');
  const { heard, seen, read } = filled().lanes(10, 40);
  assert.equal(marks(seen), '1111111110');
  assert.equal(marks(heard), '0010000000');
  assert.equal(marks(read), '0000100000');
});

test('of an interrupted turn nothing is taken until it is resumed', () => {
  const turns = new Turns();
  const delta = { type: 'delta', turn: 't1' };
  turns.interrupt('t1');
  assert.ok(turns.isStale(delta));
  assert.ok(turns.isStale({ type: 'answer', turn: 't1' }));
  assert.ok(!turns.isStale({ type: 'resumed', turn: 't1' }));
  assert.ok(!turns.isStale({ type: 'delta', turn: 't2' }));
  turns.resume('t1');
  assert.ok(!turns.isStale(delta));
});

test('interrupted turns do not pile up', () => {
  const turns = new Turns();
  for (let i = 0; i < 1000; i += 1) turns.interrupt(`t${i}`);
  assert.ok(!turns.isStale({ type: 'delta', turn: 't0' }));
  assert.ok(turns.isStale({ type: 'delta', turn: 't999' }));
});
