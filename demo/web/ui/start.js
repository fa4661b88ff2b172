import { byId, make } from './dom.js';

/** The panel before a session: what to watch and hear. onStart({source, camera, microphone, file, resume}) may throw. */
export class StartPanel {
  #file = null;
  #timer = null;
  #saved;

  constructor(saved, onStart) {
    this.#saved = saved;
    byId('host').textContent = location.host;
    byId('start-form').addEventListener('change', () => this.#update());
    byId('file').addEventListener('change', (event) => this.#take(event.target.files[0]));
    byId('start-form').addEventListener('submit', async (event) => {
      event.preventDefault();
      this.#busy(true);
      this.problem('');
      try {
        await onStart(this.choice());
      } catch (error) {
        this.problem(error.message);
      }
      this.#busy(false);
    });
    addEventListener('dragover', (event) => event.preventDefault());
    addEventListener('drop', (event) => {
      event.preventDefault();
      if (!byId('start').hidden) this.#take(event.dataTransfer.files[0]);
    });
    navigator.mediaDevices?.addEventListener('devicechange', () => this.#listDevices());
  }

  show(on) {
    byId('start').hidden = !on;
    byId('live').hidden = on;
    clearInterval(this.#timer);
    if (!on) return;
    this.#timer = setInterval(() => this.#update(), 1000);
    this.#update();
    this.#listDevices();
  }

  problem(text) {
    byId('start-error').textContent = text;
    byId('start-error').hidden = !text;
  }

  choice() {
    return {
      source: new FormData(byId('start-form')).get('source'),
      camera: byId('camera').value,
      microphone: byId('microphone').value,
      file: this.#file,
      resume: this.#saved.left() > 0 && byId('continue').checked,
    };
  }

  #take(file) {
    if (!file) return;
    this.#file = file;
    document.querySelector('[name=source][value=file]').checked = true;
    byId('file-name').textContent = file.name;
    byId('microphone').value = 'none';
    this.#update();
  }

  #update() {
    const { source } = this.choice();
    byId('drop').hidden = source !== 'file';
    byId('camera-choice').hidden = source !== 'camera';
    byId('continue-left').textContent = this.#saved.left();
    byId('continue-choice').hidden = !this.#saved.left();
  }

  #busy(on) {
    byId('start-button').disabled = on;
    byId('start-button').textContent = on ? 'Starting…' : 'Start';
  }

  /** Browsers name the devices only once one was allowed. */
  async #listDevices() {
    const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    for (const [id, kind] of [['camera', 'videoinput'], ['microphone', 'audioinput']]) {
      const select = byId(id);
      const { value } = select;
      select.querySelectorAll('[data-device]').forEach((option) => option.remove());
      for (const { deviceId, label } of devices.filter((device) => device.kind === kind && device.label)) {
        if (deviceId !== 'default') select.append(make('option', { value: deviceId, 'data-device': true }, label));
      }
      select.value = value;
      if (!select.value) select.value = '';
    }
  }
}
