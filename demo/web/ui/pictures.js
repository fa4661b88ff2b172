const KEPT = 150;

/** Fetches pictures of the session with its secret, and keeps the latest as blob addresses. */
export class Pictures {
  #secret;
  #kept = new Map();

  /** secret() -> string | null */
  constructor(secret) {
    this.#secret = secret;
  }

  /** Shows a picture in an <img>; without one, or where it cannot be had, the image is hidden. */
  async show(image, path) {
    if (image.dataset.path === (path ?? '') && !image.hidden) return;
    image.dataset.path = path ?? '';
    const address = path ? await this.#get(path) : null;
    if (image.dataset.path !== (path ?? '')) return; // another was asked for meanwhile
    image.hidden = !address;
    if (address) image.src = address;
    else image.removeAttribute('src');
  }

  forget(paths) {
    for (const path of paths) {
      this.#kept.get(path)?.then((address) => address && URL.revokeObjectURL(address));
      this.#kept.delete(path);
    }
  }

  clear() {
    this.forget([...this.#kept.keys()]);
  }

  #get(path) {
    const known = this.#kept.get(path) ?? this.#fetch(path);
    this.#kept.delete(path);
    this.#kept.set(path, known); // the newest is last
    if (this.#kept.size > KEPT) this.forget([this.#kept.keys().next().value]);
    return known;
  }

  async #fetch(path) {
    if (!path.startsWith('/api/picture/')) return null; // the secret goes nowhere else
    try {
      const response = await fetch(path, { headers: { Authorization: `Bearer ${this.#secret()}` } });
      if (!response.ok) throw new Error(response.statusText);
      return URL.createObjectURL(await response.blob());
    } catch {
      this.#kept.delete(path);
      return null;
    }
  }
}
