const REMEMBERED = 200;

/** Knows which turns were interrupted, so that nothing of them is shown or spoken any more. */
export class Turns {
  #interrupted = new Set();

  interrupt(turn) {
    this.#interrupted.add(turn);
    if (this.#interrupted.size > REMEMBERED) this.#interrupted.delete(this.#interrupted.values().next().value);
  }

  /** A false alarm: the turn goes on. */
  resume(turn) {
    this.#interrupted.delete(turn);
  }

  /** Whether a message is of an interrupted turn and is to be dropped. */
  isStale({ type, turn }) {
    return (type === 'delta' || type === 'answer') && this.#interrupted.has(turn);
  }
}
