import test from 'node:test';
import assert from 'node:assert/strict';
import { MAX_MESSAGE_BYTES, message, parse, WireError } from '../../demo/web/wire.js';

const text = (fields) => JSON.stringify({ v: 1, ...fields });

test('a good event is given back whole', () => {
  const seen = { v: 1, type: 'seen', t: 3.5, tags: [['bottle', 0.4]], text: 'a bottle' };
  assert.deepEqual(parse(JSON.stringify(seen)), seen);
});

test('what may be absent or null, may', () => {
  const answer = { type: 'answer', turn: 't1', text: 'At noon.' };
  assert.equal(parse(text(answer)).text, 'At noon.');
  assert.equal(parse(text({ ...answer, evidence: null, latency: null })).evidence, null);
});

test('fields that this page does not know are no error', () => {
  assert.equal(parse(text({ type: 'delta', turn: 't1', text: 'At', mood: 'fine' })).mood, 'fine');
});

test('a type that this page does not know is passed over', () => {
  assert.equal(parse(text({ type: 'weather' })), null);
  assert.equal(parse(text({ type: 'toString' })), null);
});

for (const [what, broken] of [
  ['not JSON', '{"v": 1,'],
  ['not an object', '[1]'],
  ['null', 'null'],
  ['another version', '{"v": 2, "type": "pong", "at": 1}'],
  ['no version', '{"type": "pong", "at": 1}'],
  ['no type', '{"v": 1}'],
  ['a field missing', text({ type: 'delta', turn: 't1' })],
  ['a required field null', text({ type: 'delta', turn: 't1', text: null })],
  ['a field of the wrong kind', text({ type: 'clip', id: 'c1', t_start: '0', t_end: 8 })],
  ['an object where a list is due', text({ type: 'watches', items: {} })],
  ['a list where an object is due', text({ type: 'answer', turn: 't1', text: '', latency: [] })],
]) {
  test(`broken: ${what}`, () => assert.throws(() => parse(broken), WireError));
}

test('a message from the page carries the version and its type', () => {
  assert.deepEqual(JSON.parse(message('ask', { text: 'When?' })), { v: 1, type: 'ask', text: 'When?' });
  assert.deepEqual(JSON.parse(message('interrupt')), { v: 1, type: 'interrupt' });
});

test('a message that is too long is not made', () => {
  assert.throws(() => message('ask', { text: 'é'.repeat(MAX_MESSAGE_BYTES / 2) }), WireError);
});
