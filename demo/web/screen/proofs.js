import { make } from '../ui/dom.js';

/** Cards with the picture of each moment that proves an answer. onOpen(evidence) */
export async function proofs(desk, answer, onOpen) {
  const cards = await Promise.all(answer.evidence.map(async (one) => {
    const address = await desk.picture(one).catch(() => null);
    const [heading, ...rest] = one.text.split('\n');
    const shot = make('span', { class: 'shot' }, address ? picture(address) : 'no picture');
    const words = make('span', {}, make('time', { class: 'number' }, one.at), make('br'), make('b', {}, withoutFolders(heading)),
      rest.length ? make('p', {}, rest.join('\n')) : null);
    return make('button', { type: 'button', class: 'proof', onclick: () => onOpen(one) }, shot, words);
  }));
  return make('div', { class: 'proofs', role: 'group', 'aria-label': 'Evidence' }, ...cards);
}

function picture(address) {
  const img = make('img', { src: address, alt: 'The screen at that moment' });
  img.onload = () => URL.revokeObjectURL(address);
  return img;
}

/** "/home/ana/boats.txt - Mousepad" becomes "boats.txt - Mousepad". */
function withoutFolders(title) {
  return title.replace(/^\W?(?:\/|~\/|[A-Z]:\\)(?:[^/\\]+[/\\])+(?=[^/\\]+$)/, '');
}
