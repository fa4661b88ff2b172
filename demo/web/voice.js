// Speaks with the browser's own voice where the server has none.

const ABBREVIATION = /\b(?:[A-Z]|Mr|Mrs|Ms|Dr|St|vs|etc|No|approx|e\.g|i\.e)\.$/;

/** Cuts whole sentences off the front of a text: [sentences, rest]. With `final` the rest is a sentence too. */
export function takeSentences(text, final = false) {
  const sentences = [];
  let begin = 0;
  for (const match of text.matchAll(/[.!?…]+["”’)]*(?=\s)|[。！？]/g)) {
    const end = match.index + match[0].length;
    const sentence = text.slice(begin, end).trim();
    if (!sentence || ABBREVIATION.test(sentence)) continue;
    sentences.push(sentence);
    begin = end;
  }
  const rest = text.slice(begin);
  if (!final) return [sentences, rest];
  return [rest.trim() ? [...sentences, rest.trim()] : sentences, ''];
}

/** Without what is for the eye only: citations, bracketed times. */
export function speakable(text) {
  return text
    .replace(/\s*\[[^\]]*\]/g, '')
    .replace(/\s*\((?:said|seen|on screen|at)[^)]*\)/gi, '')
    .replace(/[“”*_`]/g, '')
    .trim();
}

export class BrowserVoice {
  on = true;
  #synth;
  #make;
  #onChange;
  #turn = null;
  #rest = '';
  #waiting = [];
  #run = 0;
  #silent = false;

  /** onChange(): it began to speak or has ended. synth: a SpeechSynthesis; make: text -> SpeechSynthesisUtterance. */
  constructor(onChange = () => {}, synth = globalThis.speechSynthesis, make = (text) => new SpeechSynthesisUtterance(text)) {
    this.#onChange = onChange;
    this.#synth = synth;
    this.#make = make;
  }

  get speaking() {
    return this.#waiting.length > 0 && !this.#silent;
  }

  delta(turn, text) {
    if (turn !== this.#turn) this.#begin(turn);
    const [sentences, rest] = takeSentences(this.#rest + text);
    this.#rest = rest;
    sentences.forEach((sentence) => this.#say(sentence));
  }

  /** The answer is whole: speaks what is left, or all of it where no delta came before. */
  end(turn, text) {
    if (turn !== this.#turn) {
      this.#begin(turn);
      this.#rest = text;
    }
    const [sentences] = takeSentences(this.#rest, true);
    this.#rest = '';
    sentences.forEach((sentence) => this.#say(sentence));
  }

  /** Something unasked: after what is being said, not instead of it. */
  say(text) {
    if (this.#silent) this.#begin(null);
    takeSentences(text, true)[0].forEach((sentence) => this.#say(sentence));
  }

  /** Silent at once. What was not yet spoken is kept, in case the turn goes on. */
  interrupt() {
    this.#silent = true;
    this.#run += 1; // some browsers report a cancelled utterance as ended
    this.#synth?.cancel();
    this.#onChange();
  }

  /** It was a false alarm. turn: of which; none: of whatever was interrupted. */
  resume(turn = this.#turn) {
    if (turn !== this.#turn || !this.#silent) return;
    const again = this.#waiting;
    this.#waiting = [];
    this.#silent = false;
    again.forEach((sentence) => this.#say(sentence));
  }

  stop() {
    this.#begin(null);
  }

  #begin(turn) {
    this.#turn = turn;
    this.#rest = '';
    this.#waiting = [];
    this.interrupt();
    this.#silent = false;
  }

  #say(sentence) {
    const spoken = speakable(sentence);
    if (!this.on || !this.#synth || !spoken) return;
    this.#waiting.push(sentence);
    if (this.#silent) return;
    const utterance = this.#make(spoken);
    const run = this.#run;
    utterance.onend = () => {
      if (run !== this.#run) return;
      const at = this.#waiting.indexOf(sentence);
      if (at >= 0) this.#waiting.splice(at, 1);
      this.#onChange();
    };
    this.#synth.speak(utterance);
    this.#onChange();
  }
}
