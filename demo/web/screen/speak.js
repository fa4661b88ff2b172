const LONGEST_MS = 20_000;

/** A button that records a question while it is pressed in; onQuestion gets what was understood. */
export function startSpeaking(button, desk, onQuestion, onProblem) {
  if (!navigator.mediaDevices || !globalThis.MediaRecorder) return;
  button.hidden = false;
  let recorder = null;
  button.onclick = async () => {
    if (recorder) {
      recorder.stop();
      return;
    }
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch {
      onProblem('The microphone is not there, or may not be used.');
      return;
    }
    const parts = [];
    recorder = new MediaRecorder(stream);
    recorder.ondataavailable = ({ data }) => parts.push(data);
    const timer = setTimeout(() => recorder?.stop(), LONGEST_MS);
    recorder.onstop = async () => {
      clearTimeout(timer);
      recorder = null;
      stream.getTracks().forEach((track) => track.stop());
      button.setAttribute('aria-pressed', 'false');
      button.disabled = true;
      try {
        const { text } = await desk.hear(new Blob(parts));
        if (text) onQuestion(text);
        else onProblem('Nothing was understood.');
      } catch (error) {
        onProblem(error.message);
      }
      button.disabled = false;
    };
    recorder.start();
    button.setAttribute('aria-pressed', 'true');
  };
}
