import { BrowserVoice } from './voice.js';
import { capture } from './capture.js';
import { clock } from './format.js';
import { Connection } from './connection.js';
import { Problem } from './problems.js';
import { Remembered } from './remembered.js';
import { SavedSession } from './reconnect.js';
import { Turns } from './turns.js';
import { Conversation } from './ui/conversation.js';
import { startForget, startTheme } from './ui/dialogs.js';
import { byId } from './ui/dom.js';
import { showHealth, showLatency, showModels } from './ui/health.js';
import { Moment } from './ui/moment.js';
import { clearNotice, notice } from './ui/notices.js';
import { Pictures } from './ui/pictures.js';
import { showCaption, showLevel, showSeen, showState } from './ui/stage.js';
import { StartPanel } from './ui/start.js';
import { Timeline } from './ui/timeline.js';
import { askToken } from './ui/token.js';
import { Transcript } from './ui/transcript.js';
import { startWatches } from './ui/watches.js';

const BACKFILL_S = 300; // clips are asked for in such pieces, the newest first
const CLOCKS_APART_S = 5; // the clocks of two machines need not agree
const MUTED_AT_MOST_MS = 1_000;

const saved = new SavedSession(sessionStorage);
const remembered = new Remembered();
const turns = new Turns();
const voice = new BrowserVoice(() => showStateNow());
const zero = { wall: 0, at: performance.now() }; // the session's zero: Unix time, and on this page's clock
let connection = null;
let media = null;
let stopLevel = () => {};
let session = null;
let spokenBy = 'track'; // or 'browser'
let state = 'listening';
let wordsHeard = false; // since somebody began to speak
let token = tokenOfAddress();
let requests = 0;
let searched = { request: '', text: '' };

const now = () => (performance.now() - zero.at) / 1000;
const pictures = new Pictures(() => saved.get()?.secret);
const moment = new Moment(remembered, pictures, () => zero.wall);
const timeline = new Timeline(remembered, pictures, {
  now,
  zero: () => zero.wall,
  onOpen: (shown) => moment.open(shown),
  onSearch: (text) => {
    searched = { request: `s${(requests += 1)}`, text };
    send('search', searched);
  },
});
const transcript = new Transcript((utterance) => moment.open(utterance), (id, name) => send('name', { id, name }));
const conversation = new Conversation((evidence) => moment.open(evidence), now);
const showWatches = startWatches((text) => send('watch', { text }), (id) => send('unwatch', { id }));
const startPanel = new StartPanel(saved, start);

/** What each event of the server does to the page. */
const on = {
  hello(hello) {
    if (session && hello.session !== session) notice('The earlier session had ended. This is a new one.');
    if (hello.session !== session || !hello.resumed) clearAll();
    session = hello.session;
    zero.wall = hello.zero_wall;
    zero.at = performance.now() - Math.max(0, Date.now() - hello.zero_wall * 1000);
    spokenBy = hello.voice;
    byId('keeping').textContent = hello.recording ? 'Recording' : 'Remembering';
    setQuiet(byId('quiet').getAttribute('aria-pressed') === 'true');
    showModels(hello.models);
    askTimeline(now());
  },
  state(event) {
    state = event.state;
    if (state === 'hearing') {
      wordsHeard = false;
      voice.interrupt(); // at the onset; whether there are words in it, time will tell
    } else if (state === 'listening' && !wordsHeard) {
      voice.resume();
    }
    showStateNow();
  },
  partial({ text }) {
    wordsHeard ||= Boolean(text.trim());
    transcript.partial(text);
  },
  utterance(utterance) {
    wordsHeard = true;
    remembered.addWords(utterance);
    transcript.add(utterance);
    timeline.update();
  },
  speaker({ id, speaker }) {
    remembered.speaker(id, speaker);
    transcript.speaker(id, speaker);
  },
  turn: (turn) => conversation.turn(turn),
  delta(delta) {
    conversation.delta(delta);
    if (spokenBy === 'browser') voice.delta(delta.turn, delta.text);
  },
  answer(answer) {
    conversation.answer(answer);
    if (spokenBy === 'browser') voice.end(answer.turn, answer.text);
    showLatency(answer.latency);
  },
  interrupted({ turn }) {
    turns.interrupt(turn);
    voice.interrupt();
    hush(false);
    conversation.interrupted({ turn });
  },
  resumed({ turn }) {
    turns.resume(turn);
    conversation.resumed({ turn });
    voice.resume(turn);
  },
  speak: ({ text }) => voice.say(text), // where the server's own voice has failed
  seen(seen) {
    if (Math.abs(now() - seen.t) > CLOCKS_APART_S) zero.at = performance.now() - seen.t * 1000;
    showSeen(seen);
  },
  caption: ({ text }) => showCaption(text),
  clip(clip) {
    remembered.addClip(clip);
    timeline.update();
  },
  read(read) {
    remembered.addRead(read);
    timeline.update();
  },
  alert(alert) {
    if (conversation.alert(alert) && spokenBy === 'browser') voice.say(alert.text);
  },
  watches: ({ items }) => showWatches(items),
  search: ({ request, hits }) => request === searched.request && timeline.showHits(hits, searched.text),
  timeline({ request, items, words, reads }) {
    if (!request.startsWith(`${session}/`)) return;
    items.forEach((item) => remembered.addClip(item));
    words.forEach((utterance) => {
      remembered.addWords(utterance);
      transcript.add(utterance, { spoken: false });
    });
    reads.forEach((read) => remembered.addRead(read));
    timeline.update();
    const from = Number(request.split('/')[1]);
    if (from > 0) askTimeline(from);
  },
  forgotten({ from, to }) {
    pictures.forget(remembered.forget(from, to));
    transcript.forget(from, to);
    conversation.forget(from, to);
    moment.close();
    timeline.clear();
    notice(`Forgotten: ${clock(from)} to ${clock(to)}.`);
  },
  health: showHealth,
  error: ({ text }) => notice(text, { problem: true }),
  bye({ text }) {
    saved.clear();
    end();
    startPanel.problem(`The session has ended: ${text}.`);
  },
  pong() {},
};

async function start(choice) {
  const config = await configuration();
  if (!choice.resume) {
    saved.clear();
    session = null;
  }
  try {
    media = await capture(choice, byId('video'), () => notice('The picture has ended. You can go on asking.'));
    await connect(config);
  } catch (error) {
    end();
    throw error;
  }
  if (media.warning) notice(media.warning, { problem: true });
  sessionStorage.setItem('hearsight.token', token ?? '');
  startPanel.show(false);
  byId('mute').hidden = !media.microphone;
  byId('blind').hidden = byId('no-picture').hidden = media.stream.getVideoTracks().length === 0;
  byId('no-picture').hidden = !byId('blind').hidden;
  for (const id of ['quiet', 'end', 'forget-open']) byId(id).hidden = false;
  for (const id of ['mute', 'blind']) press(byId(id), false);
  stopLevel = showLevel(media.level);
  timeline.update();
  byId('question').focus({ preventScroll: true });
}

/** What the server says of itself. Throws Problem. */
async function configuration() {
  try {
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    const config = await (await fetch('api/config', { headers })).json();
    byId('recorded').textContent = config.recording
      ? 'This server also records the full picture and sound.'
      : 'The full picture and sound are not kept.';
    return config;
  } catch {
    throw new Problem('The server cannot be reached. Is "hearsight live" running?');
  }
}

/** Asks for the token as often as it is wrong. */
async function connect(config) {
  for (let wrong = false; ; wrong = true) {
    if (config.token_needed) token ??= await askToken(wrong);
    if (config.token_needed && !token) throw new Problem('This server asks for a token.');
    if (config.token_needed) config.ice_servers = (await configuration()).ice_servers; // for those who know the token
    connection = new Connection({
      iceServers: config.ice_servers ?? [],
      token: () => token,
      saved,
      onMessage: (message) => turns.isStale(message) || on[message.type](message),
      onSound: (stream) => (byId('sound').srcObject = stream),
      onStatus,
    });
    try {
      return await connection.start(media.stream);
    } catch (error) {
      if (error.status !== 401) throw error;
      config.token_needed = true;
      token = null;
    }
  }
}

function onStatus(status, { attempt, left_s, problem }) {
  const again = status === 'connected' && document.body.dataset.connection === 'reconnecting';
  document.body.dataset.connection = status;
  clearNotice('connection');
  if (again) notice('Connected again.');
  if (status === 'connected') showStateNow();
  if (status !== 'reconnecting' && status !== 'lost') return;
  voice.stop();
  transcript.partial('');
  conversation.broken();
  showState('Not connected');
  if (status === 'reconnecting') {
    const text = `The connection was lost. Attempt ${attempt}; the session is kept for another ${left_s} s.`;
    notice(text, { problem: true, key: 'connection' });
    return;
  }
  end();
  startPanel.problem(problem.message);
}

/** Back to the start panel. The session can be continued for a while. */
function end() {
  connection?.close();
  hold();
  media?.stop();
  stopLevel();
  voice.stop();
  moment.close();
  connection = media = null;
  byId('sound').srcObject = null;
  for (const id of ['mute', 'blind', 'quiet', 'end', 'forget-open']) byId(id).hidden = true;
  startPanel.show(true);
  byId('start-button').focus();
}

/** A session whose connection this page has closed is soon ended, unless it says that it may come back. */
function hold() {
  const body = JSON.stringify(saved.get());
  if (saved.get()) fetch('api/hold', { method: 'POST', body, keepalive: true }).catch(() => {});
}

function clearAll() {
  remembered.clear();
  pictures.clear();
  transcript.clear();
  conversation.clear();
  timeline.clear();
  showWatches([]);
}

function send(type, fields) {
  const sent = connection?.send(type, fields) ?? false;
  if (!sent) notice('Not sent: there is no connection.', { problem: true, key: 'unsent' });
  return sent;
}

function askTimeline(to) {
  const from = Math.max(0, Math.floor(to - BACKFILL_S));
  connection.send('timeline', { request: `${session}/${from}`, from, to });
}

function interrupt() {
  if (byId('interrupt').hidden) return;
  voice.interrupt();
  hush(true);
  send('interrupt');
}

/** Silent at once, before the server has stopped sending; never for good. */
function hush(on) {
  byId('sound').muted = on;
  if (on) setTimeout(() => hush(false), MUTED_AT_MOST_MS);
}

/** The browser's voice may go on when the server has done its part. */
function showStateNow() {
  showState(state === 'listening' && voice.speaking ? 'speaking' : state);
}

function setQuiet(quiet) {
  voice.on = !quiet;
  if (quiet) voice.stop();
  connection?.send('quiet', { on: quiet });
}

function press(button, on = button.getAttribute('aria-pressed') !== 'true') {
  button.setAttribute('aria-pressed', on);
  return on;
}

/** A token in the address (#token=...) is taken out of it, so that it is not shared with it. */
function tokenOfAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given) history.replaceState(null, '', location.pathname);
  return given || sessionStorage.getItem('hearsight.token') || null;
}

byId('mute').addEventListener('click', ({ currentTarget }) => (media.microphone.enabled = !press(currentTarget)));
byId('blind').addEventListener('click', ({ currentTarget }) => media.pause(press(currentTarget)));
byId('quiet').addEventListener('click', ({ currentTarget }) => setQuiet(press(currentTarget)));
byId('end').addEventListener('click', end);
byId('interrupt').addEventListener('click', interrupt);
byId('ask').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = byId('question').value.trim();
  if (text && send('ask', { text })) byId('question').value = '';
});
document.querySelector('.tabs').addEventListener('click', ({ target }) => {
  if (!target.dataset.tab) return;
  byId('live').dataset.tab = target.dataset.tab;
  for (const tab of document.querySelectorAll('.tabs button')) {
    if (tab === target) tab.setAttribute('aria-current', 'true');
    else tab.removeAttribute('aria-current');
  }
  timeline.update();
});
document.addEventListener('keydown', (event) => {
  if (byId('live').hidden || document.querySelector('dialog[open]')) return;
  if (event.key === 'Escape') interrupt();
  if (event.key === '/' && !event.target.matches('input:not([type=range], [type=radio]), select')) {
    event.preventDefault();
    byId('question').focus();
  }
});
addEventListener('pagehide', () => connection?.close());
addEventListener('hashchange', () => (token = tokenOfAddress() ?? token));
setInterval(() => {
  if (byId('live').hidden) return;
  byId('elapsed').textContent = clock(now());
  timeline.update();
}, 1000);

configuration().catch((problem) => startPanel.problem(problem.message));
hold(); // this may be a page that was loaded again
startTheme();
showWatches([]);
startForget((what) => send('forget', what));
startPanel.show(true);
