import { message, parse, WireError } from './wire.js';
import { Problem, Refused } from './problems.js';
import { delay, WINDOW_S } from './reconnect.js';

const GATHERING_MS = 2_000;
const OFFER_MS = 10_000;
const OPENING_MS = 10_000;
const PING_MS = 2_000;
const SILENT_MS = 8_000;

/**
 * One peer connection after another to one session of the server.
 *
 * options: iceServers; token() -> string | null; saved: SavedSession; and what to call:
 * onMessage(message), onSound(MediaStream), onStatus(status, {attempt, left_s} | {problem}) with the status
 * "connecting", "connected", "reconnecting" or "lost" (given up; the connection is closed).
 */
export class Connection {
  #options;
  #stream = null;
  #peer = null;
  #channel = null;
  #closed = false;
  #heardAt = 0;
  #pinger = null;
  #wake = () => {};

  constructor(options) {
    this.#options = options;
  }

  /** Resolves when events flow. Throws Problem. */
  async start(stream) {
    this.#stream = stream;
    addEventListener('online', this.#online);
    this.#options.onStatus('connecting', {});
    try {
      await this.#dial();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** False where the message could not be sent now. */
  send(type, fields) {
    if (this.#channel?.readyState !== 'open') return false;
    this.#channel.send(message(type, fields));
    return true;
  }

  close() {
    this.#closed = true;
    this.#hangUp();
    this.#wake();
    removeEventListener('online', this.#online);
  }

  #online = () => this.#wake();

  async #dial() {
    const peer = new RTCPeerConnection({ iceServers: this.#options.iceServers });
    this.#hangUp();
    this.#peer = peer;
    const [audio] = this.#stream.getAudioTracks();
    const [video] = this.#stream.getVideoTracks();
    peer.addTransceiver(audio ?? 'audio', { direction: 'sendrecv', streams: [this.#stream] });
    peer.addTransceiver(video ?? 'video', { direction: 'sendonly', streams: [this.#stream] });
    peer.ontrack = ({ track }) => this.#options.onSound(new MediaStream([track]));
    const channel = peer.createDataChannel('events');
    channel.onmessage = ({ data }) => peer === this.#peer && this.#receive(data);
    await peer.setLocalDescription();
    await gathered(peer);
    const reply = await this.#offer(peer.localDescription);
    if (this.#closed) throw new Problem('Closed while connecting.');
    this.#options.saved.set(reply.session, reply.secret);
    await peer.setRemoteDescription({ sdp: reply.sdp, type: reply.type });
    await opened(channel, peer);
    this.#channel = channel;
    channel.onclose = () => this.#lost(peer);
    peer.onconnectionstatechange = () => peer.connectionState === 'failed' && this.#lost(peer);
    this.#heardAt = performance.now();
    this.#pinger = setInterval(() => this.#ping(peer), PING_MS);
    this.#options.onStatus('connected', {});
  }

  async #offer({ sdp, type }) {
    const headers = { 'Content-Type': 'application/json' };
    const token = this.#options.token();
    if (token) headers.Authorization = `Bearer ${token}`;
    const body = JSON.stringify({ sdp, type, ...this.#options.saved.get() });
    let response;
    try {
      const signal = AbortSignal.timeout(OFFER_MS);
      response = await fetch('api/offer', { method: 'POST', headers, body, signal });
    } catch {
      throw new Refused(0);
    }
    const reply = await response.json().catch(() => ({}));
    if (!response.ok) throw new Refused(response.status, reply.error);
    return reply;
  }

  #receive(data) {
    this.#heardAt = performance.now();
    try {
      const received = parse(data);
      if (received) this.#options.onMessage(received);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      console.warn(error.message);
    }
  }

  #ping(peer) {
    const now = performance.now();
    if (now - this.#heardAt > SILENT_MS) this.#lost(peer);
    else this.send('ping', { at: Math.round(now) });
    this.#options.saved.touch();
  }

  async #lost(peer) {
    if (peer !== this.#peer || this.#closed) return;
    this.#hangUp();
    const since = performance.now();
    for (let attempt = 0; ; attempt += 1) {
      const elapsed = (performance.now() - since) / 1000;
      const wait = delay(attempt, elapsed);
      if (wait === null) return this.#giveUp(new Problem(`The connection was lost and did not come back within ${WINDOW_S} s.`));
      this.#options.onStatus('reconnecting', { attempt: attempt + 1, left_s: Math.ceil(WINDOW_S - elapsed) });
      await this.#pause(wait);
      if (this.#closed) return;
      try {
        return await this.#dial();
      } catch (error) {
        this.#hangUp();
        if (this.#closed) return;
        if (error instanceof Refused && !error.passing) return this.#giveUp(error);
      }
    }
  }

  #giveUp(problem) {
    this.close();
    this.#options.onStatus('lost', { problem });
  }

  /** Waits, or less where the network comes back. */
  #pause(seconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #hangUp() {
    clearInterval(this.#pinger);
    this.#channel = null;
    this.#peer?.close();
    this.#peer = null;
  }
}

function gathered(peer) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, GATHERING_MS);
    const look = () => {
      if (peer.iceGatheringState !== 'complete') return;
      clearTimeout(timer);
      resolve();
    };
    peer.onicegatheringstatechange = look;
    look();
  });
}

function opened(channel, peer) {
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Problem('No way to the server was found: a firewall may be between, and need a TURN server.'));
    const timer = setTimeout(fail, OPENING_MS);
    channel.onopen = () => {
      clearTimeout(timer);
      resolve();
    };
    peer.onconnectionstatechange = () => ['failed', 'closed'].includes(peer.connectionState) && fail();
  });
}
