/** What a failed getUserMedia, getDisplayMedia or file means for the person, in one or two sentences. */
export function mediaProblem(error, what) {
  switch (error?.name) {
    case 'NotFoundError':
    case 'OverconstrainedError':
      return `No ${what} was found. Connect one, or choose another source.`;
    case 'NotAllowedError':
    case 'SecurityError':
      return what === 'screen'
        ? 'Sharing the screen was not allowed.'
        : `The ${what} was denied. Allow it for this page in the browser's address bar, then start again.`;
    case 'NotReadableError':
    case 'AbortError':
      return `The ${what} cannot be read: another program may be using it.`;
    case 'InsecureContext':
      return `The browser gives a page the ${what} over HTTPS or on localhost only.`;
    case 'NotSupportedError':
      return what === 'file' ? 'This browser cannot play that file.' : `This browser cannot share the ${what}.`;
    default:
      return `The ${what} did not start: ${error?.message || 'unknown reason'}.`;
  }
}

/** What a refused offer means. `said` is the server's own word for it, if any. */
export function offerProblem(status, said = '') {
  if (status === 401) return 'This server asks for a token.';
  if (status === 503 && said === 'full') return 'Hearsight is full: as many sessions as it admits are running. Try again when one has ended.';
  if (status === 429) return 'Too many attempts in a short time. Wait a minute and try again.';
  if (status === 0) return 'The server cannot be reached. Is "hearsight live" running?';
  return `The server refused the connection (${status}${said ? `: ${said}` : ''}).`;
}

/** An error that is to be shown as it stands. */
export class Problem extends Error {}

/** The server refused an offer. `passing`: another attempt may be admitted. */
export class Refused extends Problem {
  constructor(status, said = '') {
    super(offerProblem(status, said));
    this.status = status;
    this.passing = status === 0 || status === 429 || status >= 500;
  }
}
