/** The recorder that serves this page. The token comes after the # of the address and stays in this tab. */
export class Desk {
  #headers;

  constructor() {
    const token = location.hash.startsWith('#token=') ? location.hash.slice(7) : sessionStorage.getItem('token') ?? '';
    sessionStorage.setItem('token', token);
    history.replaceState(null, '', location.pathname);
    this.#headers = { Authorization: `Bearer ${token}` };
  }

  /** Throws Error with what the recorder refuses and the HTTP status, TypeError where none answers. */
  async call(command, body = {}) {
    return this.#answer(await fetch(`api/${command}`, { method: 'POST', headers: this.#headers, body: JSON.stringify(body) }));
  }

  /** What was said in a recorded clip: {text}. */
  async hear(clip) {
    return this.#answer(await fetch('hear', { method: 'POST', headers: this.#headers, body: clip }));
  }

  /** An address for an img, or null; revoke it when it is not shown any more. */
  async picture({ source, t, end, record }) {
    const response = await fetch(`picture/${source}/${t}?until=${end ?? t}&record=${record ?? ''}`, { headers: this.#headers });
    return response.ok ? URL.createObjectURL(await response.blob()) : null;
  }

  async #answer(response) {
    const answer = await response.json();
    if (!response.ok) throw Object.assign(new Error(answer.error), { status: response.status });
    return answer;
  }
}
