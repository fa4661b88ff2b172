import { byId } from './dom.js';

/** The dialog for it: onForget({minutes} or {all: true}) once it was confirmed. A choice's data-label goes on its button. */
export function startForget(onForget) {
  const dialog = byId('forget');
  const chosen = () => dialog.querySelector('[name=span]:checked').value;
  byId('forget-open').addEventListener('click', () => {
    dialog.querySelector('[name=span]').checked = true;
    dialog.returnValue = '';
    label();
    dialog.showModal();
  });
  const label = () => {
    byId('forget-confirm').textContent = `Forget ${dialog.querySelector('[name=span]:checked').dataset.label}`;
  };
  dialog.addEventListener('change', label);
  dialog.addEventListener('close', () => {
    if (dialog.returnValue === 'forget') onForget(chosen() === 'all' ? { all: true } : { minutes: Number(chosen()) });
  });
}

/** Dark or light: what the system says until the person chooses; the choice stays. */
export function startTheme() {
  const root = document.documentElement;
  const chosen = localStorage.getItem('hearsight.theme');
  if (chosen) root.dataset.theme = chosen;
  byId('theme').addEventListener('click', () => {
    const now = root.dataset.theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
    root.dataset.theme = now === 'dark' ? 'light' : 'dark';
    localStorage.setItem('hearsight.theme', root.dataset.theme);
  });
}
