import { mediaProblem, Problem } from './problems.js';

const MICROPHONE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 15 } };

/**
 * Opens what the person chose and shows it in `video`.
 *
 * choice: {source: "camera" | "screen" | "file" | "none", camera, microphone: device id, "" for the default or "none", file}.
 * Returns {stream, warning, microphone: track or null, level() from 0 to 1, pause(on), stop()}; onEnd is called when
 * the picture ends by itself. Throws Problem.
 */
export async function capture(choice, video, onEnd) {
  const opened = [];
  const stops = [];
  let context = null;
  try {
    let warning = '';
    let microphone = null;
    let shown = new MediaStream();
    const sound = { ...MICROPHONE, ...(choice.microphone && { deviceId: { exact: choice.microphone } }) };
    if (choice.source === 'camera') {
      const picture = { ...PICTURE, ...(choice.camera && { deviceId: { exact: choice.camera } }) };
      if (choice.microphone !== 'none') await allowBoth(picture, sound);
      shown = await ask('camera', () => navigator.mediaDevices.getUserMedia({ video: picture }));
    } else if (choice.source === 'screen') {
      shown = await ask('screen', () => navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 10 }, audio: true }));
    } else if (choice.source === 'file') {
      shown = await play(choice.file, video, choice.microphone !== 'none', stops);
    }
    opened.push(...shown.getTracks());
    if (choice.microphone !== 'none') {
      try {
        const heard = await ask('microphone', () => navigator.mediaDevices.getUserMedia({ audio: sound }));
        [microphone] = heard.getAudioTracks();
        opened.push(microphone);
      } catch (error) {
        if (choice.source === 'none') throw error;
        warning = `${error.message} You can type your questions.`;
      }
    } else if (choice.source === 'none') {
      throw new Problem('Choose a picture, a microphone or both.');
    }
    const picture = shown.getVideoTracks();
    const sounds = [...shown.getAudioTracks(), microphone].filter(Boolean);
    const analysed = analyse(sounds);
    context = analysed.context;
    if (choice.source === 'file') video.onended = onEnd;
    else {
      video.srcObject = picture.length ? new MediaStream(picture) : null;
      video.muted = true;
      if (picture.length) picture[0].onended = onEnd;
    }
    video.play().catch(() => {});
    const paused = (on) => {
      if (choice.source === 'file') on ? video.pause() : video.play();
      else picture.forEach((track) => (track.enabled = !on));
    };
    return {
      stream: new MediaStream([...picture, ...(analysed.track ? [analysed.track] : [])]),
      warning, microphone, level: analysed.level, pause: paused, stop,
    };
  } catch (error) {
    stop();
    throw error;
  }

  function stop() {
    opened.forEach((track) => {
      track.onended = null;
      track.stop();
    });
    stops.forEach((one) => one());
    video.onended = null;
    video.srcObject = null;
    context?.close();
  }
}

/** One question of the browser for both. Either may be missing or denied: who then asks for it alone finds out which. */
async function allowBoth(video, audio) {
  const both = await navigator.mediaDevices?.getUserMedia({ video, audio }).catch(() => null);
  both?.getTracks().forEach((track) => track.stop());
}

async function ask(what, open) {
  if (!navigator.mediaDevices) throw new Problem(mediaProblem({ name: 'InsecureContext' }, what));
  try {
    return await open();
  } catch (error) {
    throw new Problem(mediaProblem(error, what));
  }
}

/** Plays a file in `video`: aloud, or silently where a microphone would hear it too. */
async function play(file, video, silently, stops) {
  if (!file) throw new Problem('Choose a video file first.');
  if (!video.captureStream && !video.mozCaptureStream) {
    throw new Problem('This browser cannot send a file. Chromium, Chrome, Edge and Firefox can.');
  }
  const address = URL.createObjectURL(file);
  stops.push(() => {
    video.removeAttribute('src');
    video.load();
    URL.revokeObjectURL(address);
  });
  video.srcObject = null;
  video.src = address;
  video.muted = silently;
  await video.play().catch(() => {
    throw new Problem(mediaProblem({ name: 'NotSupportedError' }, 'file'));
  });
  return video.captureStream ? video.captureStream() : video.mozCaptureStream();
}

/** One track of all the sounds, and how loud they are. */
function analyse(sounds) {
  if (!sounds.length) return { context: null, track: null, level: () => 0 };
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  const mixed = sounds.length > 1 ? context.createMediaStreamDestination() : null;
  for (const sound of sounds) {
    const source = context.createMediaStreamSource(new MediaStream([sound]));
    source.connect(analyser);
    if (mixed) source.connect(mixed);
  }
  const samples = new Float32Array(analyser.fftSize);
  const level = () => {
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    return Math.min(1, Math.max(0, 1 + Math.log10(power + 1e-9) / 6));
  };
  return { context, track: mixed ? mixed.stream.getAudioTracks()[0] : sounds[0], level };
}
