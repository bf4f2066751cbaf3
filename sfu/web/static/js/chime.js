/** A short, soft sound, made here: nothing is fetched. Where the browser wants a click first, there is none. */

const NOTES = [
  { frequency: 659, at: 0 },
  { frequency: 880, at: 0.16 },
]; // Hz, s
const LENGTH = 0.5; // s
const LOUDNESS = 0.12; // of full scale

/** @type {AudioContext | null} */
let context = null;

export function chime() {
  if (!("AudioContext" in window)) return;
  context ??= new AudioContext();
  if (context.state !== "running") void context.resume().catch(() => {});
  const { destination, currentTime } = context;
  for (const { frequency, at } of NOTES) {
    const tone = new OscillatorNode(context, { frequency });
    const gain = new GainNode(context, { gain: 0 });
    const start = currentTime + at;
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(LOUDNESS, start + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.001, start + LENGTH);
    tone.connect(gain).connect(destination);
    tone.start(start);
    tone.stop(start + LENGTH);
  }
}
