// When to try again, and with which session. The server keeps a session for WINDOW_S after its peer is gone.

export const WINDOW_S = 30;
const FIRST_S = 0.5;
const LONGEST_S = 5;
const KEY = 'hearsight.session';

/**
 * Seconds to wait before the attempt (0, 1, ...) when `elapsed` seconds have passed since the loss; null: give up.
 * Doubles from FIRST_S to LONGEST_S; `random` (0 to 1) spreads it down to half, so that pages do not come all at once.
 */
export function delay(attempt, elapsed, random = Math.random()) {
  if (elapsed >= WINDOW_S) return null;
  const wait = Math.min(LONGEST_S, FIRST_S * 2 ** attempt) * (0.5 + random / 2);
  return Math.min(wait, WINDOW_S - elapsed);
}

/** The session kept in `storage` (sessionStorage): survives a reload of the page, not the closing of the tab. */
export class SavedSession {
  #storage;
  #now;

  constructor(storage, now = () => Date.now() / 1000) {
    this.#storage = storage;
    this.#now = now;
  }

  /** {session, secret}, or null where there is none or it was last alive too long ago to be there still. */
  get() {
    try {
      const { session, secret, at } = JSON.parse(this.#storage.getItem(KEY));
      return session && secret && this.#now() - at < WINDOW_S ? { session, secret } : null;
    } catch {
      return null;
    }
  }

  /** Seconds for which it can still be continued. */
  left() {
    const at = this.get() && JSON.parse(this.#storage.getItem(KEY)).at;
    return at ? Math.ceil(WINDOW_S - (this.#now() - at)) : 0;
  }

  set(session, secret) {
    this.#storage.setItem(KEY, JSON.stringify({ session, secret, at: this.#now() }));
  }

  /** It is alive now. */
  touch() {
    const alive = this.get();
    if (alive) this.set(alive.session, alive.secret);
  }

  clear() {
    this.#storage.removeItem(KEY);
  }
}
