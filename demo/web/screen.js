import { byId, icon, make, prune } from './ui/dom.js';
import { startForget, startTheme } from './ui/dialogs.js';
import { Desk } from './screen/desk.js';
import { Day } from './screen/day.js';
import { Moments } from './screen/moments.js';
import { proofs } from './screen/proofs.js';
import { startSpeaking } from './screen/speak.js';

const EVERY_MS = 3000;
const MOST_ENTRIES = 60;

const desk = new Desk();
const moments = new Moments(desk);
const day = new Day(desk, (entry, all) => moments.open(entry, all));
let told = 0;

/** Runs what a button asks for; what went wrong is said at the top. */
async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    notice(error instanceof TypeError ? 'Hearsight does not run any more.' : error.message);
    return null;
  }
}

function notice(text) {
  const close = () => box.remove();
  const box = make('div', { class: 'notice problem' }, text,
    make('button', { class: 'tool', type: 'button', 'aria-label': 'Close', onclick: close }, icon('close')));
  byId('notices').replaceChildren(box);
}

function crossed(line, id) {
  const dismiss = () => attempt(async () => { await desk.call('dismiss', { id }); await show(); });
  return make('li', {}, make('span', {}, line),
    make('button', { class: 'tool', type: 'button', 'aria-label': `Dismiss: ${line}`, title: 'Dismiss', onclick: dismiss }, icon('close')));
}

function list(id, items, none) {
  const shown = items.map((one) => `${one.id}\u0000${one.line}`).join('\u0001');
  if (byId(id).dataset.shown === shown) return; // the focus stays where it is
  byId(id).dataset.shown = shown;
  byId(id).replaceChildren(...(items.length ? items.map((one) => crossed(one.line, one.id)) : [make('li', { class: 'empty' }, none)]));
}

async function show() {
  let status;
  try {
    status = await desk.call('status');
  } catch (error) {
    byId('state').dataset.state = 'stopped';
    const why = error instanceof TypeError ? 'Not running: nothing is recorded' : error.message;
    byId('state-text').textContent = byId('state').title = why;
    if (error.status === 401) byId('log-empty').textContent = 'This page opens with the address that “hearsight screen status” prints.';
    for (const name of ['hears', 'pause', 'pause30', 'resume']) byId(name).hidden = true;
    return;
  }
  const on = status.state === 'recording';
  byId('state').dataset.state = on ? 'recording' : status.state === 'paused' ? 'paused' : 'stopped';
  const until = status.until ? ` until ${status.until}` : '';
  byId('state-text').textContent = on ? `Recording: ${status.now || 'the desktop'}` : `${status.state[0].toUpperCase()}${status.state.slice(1)}${until}`;
  byId('state').title = byId('state-text').textContent;
  byId('hears').hidden = !status.hears.length;
  byId('hears-text').textContent = `Hearing: ${status.hears.join(', ')}`;
  byId('pause').hidden = byId('pause30').hidden = status.state === 'paused';
  byId('resume').hidden = status.state !== 'paused';
  list('tasks', status.tasks, 'No promises or things to do were noticed.');
  list('watches', status.watches, 'Nothing is watched for.');
  const facts = [['In front', on ? status.now || 'the desktop' : 'not looked at'], [on ? 'Since' : status.state, status.since],
    ['Last look', status.looked ?? 'none yet'], ...(status.behind ? [['Reading', status.behind.replace('reading is ', '')]] : []), ['Since the start', `${status.records} records, ${status.pictures} pictures${status.missed ? `, ${status.missed} pages not read: too busy` : ''}`],
    ['Kept for', status.kept], ['Room', status.cleared], ['In', status.memory], ...status.senses];
  byId('recorded').replaceChildren(...facts.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]));
  if (!byId('excluded').children.length) byId('excluded').replaceChildren(...status.excluded.map((one) => make('li', {}, one)));
  for (const one of status.told.filter(({ id }) => id > told)) {
    told = one.id;
    entry('answer unasked', icon('bell'), make('p', { class: 'words' }, one.text), make('p', { class: 'facts' }, one.at));
  }
  day.changed(`${status.now}${status.records}`);
}

function entry(kind, ...children) {
  const made = make('article', { class: `entry ${kind}` }, ...children);
  byId('log').append(made);
  prune(byId('log'), MOST_ENTRIES);
  byId('log').scrollTop = byId('log').scrollHeight;
  return made;
}

async function ask(question, aloud = false) {
  if (!question.trim()) return;
  entry('question', make('p', { class: 'words' }, question), aloud ? icon('said') : null);
  const words = make('p', { class: 'words' }, make('span', { class: 'waiting', 'aria-label': 'Thinking' }, make('i'), make('i'), make('i')));
  const answer = entry('answer', words);
  answer.setAttribute('aria-busy', 'true');
  try {
    const given = await desk.call('ask', { question });
    words.textContent = given.text;
    answer.classList.toggle('abstained', given.abstained);
    if (given.evidence.length) answer.append(await proofs(desk, given, (one) => moments.open(one, given.evidence)));
    if (given.note) answer.append(make('p', { class: 'facts' }, given.note));
  } catch (error) {
    words.textContent = error instanceof TypeError ? 'Hearsight does not run any more.' : error.message;
    words.classList.add('problem');
  }
  answer.removeAttribute('aria-busy');
  answer.scrollIntoView({ block: 'nearest' });
}

byId('pause').onclick = () => attempt(async () => { await desk.call('pause'); await show(); });
byId('pause30').onclick = () => attempt(async () => { await desk.call('pause', { seconds: 1800 }); await show(); });
byId('resume').onclick = () => attempt(async () => { await desk.call('resume'); await show(); });
byId('ask').onsubmit = (event) => {
  event.preventDefault();
  const question = byId('question').value;
  byId('question').value = '';
  ask(question);
};
byId('watch').onsubmit = (event) => {
  event.preventDefault();
  attempt(async () => {
    const text = byId('watch-text').value;
    const added = await desk.call('watch', { text: /^\s*(?:tell|let|remind|notify|alert|warn|say)\b/i.test(text) ? text : `tell me when ${text}` });
    byId('watch-text').value = '';
    entry('answer unasked', icon('bell'), make('p', { class: 'words' }, added.text));
    await show();
  });
};
startForget(({ minutes }) => attempt(async () => {
  const { records } = await desk.call('forget', { seconds: minutes * 60 });
  byId('log').querySelectorAll('.entry').forEach((one) => one.remove());
  entry('answer unasked', icon('bell'), make('p', { class: 'words' }, `Forgotten: ${records} records.`));
  await day.load();
  await show();
}));
for (const tab of document.querySelectorAll('.tabs button')) {
  tab.addEventListener('click', () => {
    byId('desk').dataset.tab = tab.dataset.tab;
    for (const other of document.querySelectorAll('.tabs button')) other.toggleAttribute('aria-current', other === tab);
  });
}
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || /^(?:INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || document.querySelector('dialog[open]')) return;
  event.preventDefault();
  byId('question').focus();
});
startTheme();
startSpeaking(byId('speak'), desk, (question) => ask(question, true), notice);
show();
setInterval(() => document.hidden || show(), EVERY_MS);
document.addEventListener('visibilitychange', () => document.hidden || show());
