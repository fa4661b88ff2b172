// The protocol of the data channel "events": JSON text, one object a message, {"v": 1, "type": ..., fields}.
// Times are seconds from the session's zero; latencies are durations in seconds.

export const VERSION = 1;
export const MAX_MESSAGE_BYTES = 16_384;

// Kinds of field: string, number, boolean, object, array; "?" after it: may be absent or null.
const EVENTS = {
  hello: { session: 'string', resumed: 'boolean', models: 'object', voice: 'string', zero_wall: 'number', recording: 'boolean?' },
  state: { state: 'string' },
  partial: { text: 'string' },
  utterance: { id: 'string', text: 'string', t_start: 'number', t_end: 'number', speaker: 'string?' },
  speaker: { id: 'string', speaker: 'string' },
  turn: { turn: 'string', text: 'string', typed: 'boolean?' },
  delta: { turn: 'string', text: 'string' },
  answer: {
    turn: 'string', text: 'string', abstained: 'boolean?', note: 'string?', engine: 'string?',
    evidence: 'array?', latency: 'object?',
  },
  interrupted: { turn: 'string' },
  resumed: { turn: 'string' },
  seen: { t: 'number', tags: 'array', text: 'string?' },
  caption: { t: 'number', text: 'string' },
  clip: { id: 'string', t_start: 'number', t_end: 'number', tags: 'array?', picture: 'string?' },
  read: { id: 'string', t: 'number', text: 'string' },
  speak: { text: 'string', error: 'string?' },
  alert: { id: 'string', text: 'string', evidence: 'array?' },
  watches: { items: 'array' },
  search: { request: 'string', hits: 'array' },
  timeline: { request: 'string', items: 'array', words: 'array', reads: 'array' },
  forgotten: { from: 'number', to: 'number' },
  health: { stages: 'array', latency: 'object?', fps: 'number?' },
  error: { text: 'string' },
  bye: { text: 'string' },
  pong: { at: 'number' },
};

export class WireError extends Error {}

function kindOf(value) {
  return Array.isArray(value) ? 'array' : typeof value;
}

/** The message in a text, or null where its type is unknown (a newer server). Throws WireError where it is broken. */
export function parse(text) {
  let message;
  try {
    message = JSON.parse(text);
  } catch {
    throw new WireError('a message that is not JSON');
  }
  if (message === null || kindOf(message) !== 'object') throw new WireError('a message that is not an object');
  if (message.v !== VERSION) throw new WireError(`protocol version ${message.v}; this page speaks ${VERSION}`);
  if (typeof message.type !== 'string') throw new WireError('a message without a type');
  if (!Object.hasOwn(EVENTS, message.type)) return null;
  for (const [name, wanted] of Object.entries(EVENTS[message.type])) {
    const value = message[name] ?? null;
    const optional = wanted.endsWith('?');
    if (value === null && optional) continue;
    if (value === null || kindOf(value) !== wanted.replace('?', '')) {
      throw new WireError(`${message.type}.${name} is not a ${wanted.replace('?', '')}`);
    }
  }
  return message;
}

/** The text of a message from the page. Throws WireError beyond MAX_MESSAGE_BYTES. */
export function message(type, fields = {}) {
  const text = JSON.stringify({ v: VERSION, type, ...fields });
  if (new TextEncoder().encode(text).length > MAX_MESSAGE_BYTES) throw new WireError('that is too long to send');
  return text;
}
