import { byId } from './dom.js';

/** Asks for the server's token, where `wrong` once more; null where the person would rather not. */
export function askToken(wrong) {
  const dialog = byId('token');
  byId('token-text').value = '';
  byId('token-wrong').hidden = !wrong;
  byId('token-cancel').onclick = () => dialog.close();
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    const done = () => resolve(dialog.returnValue === 'use' ? byId('token-text').value.trim() : null);
    dialog.addEventListener('close', done, { once: true });
  });
}
