import test from 'node:test';
import assert from 'node:assert/strict';
import { BrowserVoice, speakable, takeSentences } from '../../demo/web/voice.js';

/** A SpeechSynthesis that notes what it is given; `finish` ends what it speaks first. */
class Synth {
  spoken = [];
  speaking = [];
  speak(utterance) {
    this.spoken.push(utterance.text);
    this.speaking.push(utterance);
  }
  cancel() {
    this.speaking.splice(0).forEach((utterance) => utterance.onend());
  }
  finish() {
    this.speaking.shift().onend();
  }
}

function voiceWith(synth, onChange) {
  return new BrowserVoice(onChange, synth, (text) => ({ text }));
}

test('sentences are cut off as soon as they are whole', () => {
  assert.deepEqual(takeSentences('It is noon. The'), [['It is noon.'], ' The']);
  assert.deepEqual(takeSentences('Really?! Yes. '), [['Really?!', 'Yes.'], ' ']);
  assert.deepEqual(takeSentences('No end'), [[], 'No end']);
  assert.deepEqual(takeSentences('No end', true), [['No end'], '']);
});

test('abbreviations, numbers and times are not cut', () => {
  assert.deepEqual(takeSentences('Dr. Lee paid 3.50 at 11.30 sharp. So', false)[0], ['Dr. Lee paid 3.50 at 11.30 sharp.']);
});

test('what is for the eye is not spoken', () => {
  assert.equal(speakable('“Ask not” [c12] (said at 0:33).'), 'Ask not.');
});

test('an answer is spoken sentence by sentence as it is written, and once', () => {
  const synth = new Synth();
  const voice = voiceWith(synth);
  for (const text of ['It is ', 'noon. In the', ' hall']) voice.delta('t1', text);
  assert.deepEqual(synth.spoken, ['It is noon.']);
  voice.end('t1', 'It is noon. In the hall');
  assert.deepEqual(synth.spoken, ['It is noon.', 'In the hall']);
});

test('an answer without deltas is spoken whole', () => {
  const synth = new Synth();
  voiceWith(synth).end('t1', 'At noon. In the hall.');
  assert.deepEqual(synth.spoken, ['At noon.', 'In the hall.']);
});

test('an interruption silences at once, and nothing of the turn is spoken after', () => {
  const synth = new Synth();
  const voice = voiceWith(synth);
  voice.delta('t1', 'It is noon. ');
  voice.interrupt();
  voice.delta('t1', 'In the hall. ');
  assert.equal(synth.speaking.length, 0);
  voice.delta('t2', 'Another. ');
  assert.deepEqual(synth.spoken, ['It is noon.', 'Another.']);
});

test('after a false alarm it goes on with the sentence where it stopped', () => {
  const synth = new Synth();
  const voice = voiceWith(synth);
  voice.delta('t1', 'One. Two. Three. ');
  synth.finish();
  voice.interrupt();
  voice.delta('t1', 'Four. ');
  voice.resume('t1');
  assert.deepEqual(synth.speaking.map((utterance) => utterance.text), ['Two.', 'Three.', 'Four.']);
  voice.interrupt();
  voice.resume('t0');
  assert.equal(synth.speaking.length, 0);
});

test('an alert waits for the answer that is being spoken', () => {
  const synth = new Synth();
  const voice = voiceWith(synth);
  voice.delta('t1', 'It is noon. ');
  voice.say('A bottle has appeared.');
  voice.delta('t1', 'In the hall. ');
  assert.deepEqual(synth.speaking.map((utterance) => utterance.text), ['It is noon.', 'A bottle has appeared.', 'In the hall.']);
});

test('an alert after an interruption is spoken', () => {
  const synth = new Synth();
  const voice = voiceWith(synth);
  voice.delta('t1', 'It is noon. ');
  voice.interrupt();
  voice.say('A bottle has appeared.');
  assert.deepEqual(synth.speaking.map((utterance) => utterance.text), ['A bottle has appeared.']);
});

test('silent where it is off', () => {
  const synth = new Synth();
  const voice = voiceWith(synth);
  voice.on = false;
  voice.end('t1', 'At noon.');
  assert.deepEqual(synth.spoken, []);
});

test('what is held back by a sound goes on when it was no speech', () => {
  const synth = new Synth();
  const voice = voiceWith(synth);
  voice.end('t1', 'One. Two.');
  voice.interrupt();
  voice.resume();
  voice.resume();
  assert.deepEqual(synth.speaking.map((utterance) => utterance.text), ['One.', 'Two.']);
});

test('it says whether it speaks, and when that changes', () => {
  const synth = new Synth();
  const states = [];
  const voice = voiceWith(synth, () => states.push(voice.speaking));
  voice.end('t1', 'At noon.');
  synth.finish();
  voice.end('t2', 'At one.');
  voice.interrupt();
  assert.deepEqual(states.filter((state, i) => state !== states[i - 1]), [false, true, false, true, false]);
});
