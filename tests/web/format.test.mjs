import test from 'node:test';
import assert from 'node:assert/strict';
import { clock, duration, sense, shorten, tag, timeOfDay } from '../../demo/web/format.js';
import { mediaProblem, Refused } from '../../demo/web/problems.js';

test('seconds of the session', () => {
  assert.deepEqual([0, 59.9, 533, 3599, 3725, -2].map(clock), ['0:00', '0:59', '8:53', '59:59', '1:02:05', '0:00']);
});

test('durations', () => {
  assert.deepEqual([0.0842, 0.5, 1.2345].map(duration), ['84 ms', '500 ms', '1.23 s']);
});

test('the time of day is that of the zero plus the second', () => {
  const zero = new Date(2026, 10, 23, 9, 59, 30).getTime() / 1000;
  assert.equal(timeOfDay(zero, 45, 'en-GB'), '10:00:15');
});

test('texts are cut at a word where one ends near', () => {
  assert.equal(shorten('short', 20), 'short');
  assert.equal(shorten('The reading  hour\nstarts at noon', 20), 'The reading hour…');
  assert.equal(shorten('x'.repeat(50), 10), `${'x'.repeat(9)}…`);
});

test('tags come with and without a probability', () => {
  assert.deepEqual(tag(['bottle', 0.4]), ['bottle', 0.4]);
  assert.deepEqual(tag('bottle'), ['bottle', null]);
});

test('modalities are one of three senses, or none', () => {
  assert.deepEqual(['said', 'utterance', 'seen', 'visual', 'read', 'ocr', 'time', null].map(sense),
    ['heard', 'heard', 'seen', 'seen', 'read', 'read', '', '']);
});

test('a person is told what to do about a camera', () => {
  assert.match(mediaProblem({ name: 'NotFoundError' }, 'camera'), /No camera was found/);
  assert.match(mediaProblem({ name: 'NotAllowedError' }, 'microphone'), /microphone was denied.*address bar/);
  assert.match(mediaProblem({ name: 'NotAllowedError' }, 'screen'), /not allowed/);
  assert.match(mediaProblem({ name: 'InsecureContext' }, 'camera'), /HTTPS/);
  assert.match(mediaProblem({ name: 'Odd', message: 'it burns' }, 'camera'), /it burns/);
});

test('refusals say why, and whether another attempt may do', () => {
  assert.match(new Refused(503, 'full').message, /full/);
  assert.match(new Refused(503, 'the server stops').message, /the server stops/);
  assert.match(new Refused(401).message, /token/);
  assert.match(new Refused(400, 'malformed SDP').message, /malformed SDP/);
  assert.deepEqual([0, 401, 400, 403, 429, 500, 503].map((status) => new Refused(status).passing),
    [true, false, false, false, true, true, true]);
});
