import test from 'node:test';
import assert from 'node:assert/strict';
import { split } from '../../demo/web/latency.js';

const close = (a, b) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

test('the parts come in the order of a turn and fill the bar', () => {
  const { total, parts } = split({ total: 1, first_token: 0.4, vad: 0.2, end_of_turn: 0.1, asr: 0.2, retrieval: 0.05, first_sound: 0.05 });
  assert.equal(total, 1);
  assert.deepEqual(parts.map((part) => part.name), ['vad', 'end_of_turn', 'asr', 'retrieval', 'first_token', 'first_sound']);
  close(parts.reduce((sum, part) => sum + part.share, 0), 1);
});

test('what the parts do not account for is shown', () => {
  const { parts } = split({ asr: 0.3, total: 1 });
  assert.deepEqual(parts.map((part) => part.name), ['asr', 'other']);
  close(parts[1].seconds, 0.7);
});

test('a total smaller than the sum, or none, is the sum', () => {
  close(split({ asr: 0.3, retrieval: 0.2 }).total, 0.5);
  close(split({ asr: 0.3, retrieval: 0.2, total: 0.4 }).total, 0.5);
});

test('what was not measured has no part', () => {
  assert.deepEqual(split({ asr: 0.3, vad: null, first_token: NaN, retrieval: -1 }).parts.map((part) => part.name), ['asr']);
  for (const nothing of [{}, null, undefined, { total: 0 }]) assert.equal(split(nothing), null);
});
