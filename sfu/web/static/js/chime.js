/** A short, soft sound, made here: nothing is fetched. Where the browser wants a click first, there is none. */

const NOTES = [
  { frequency: 659, at: 0 },
  { frequency: 880, at: 0.16 },
]; // Hz, s
const LENGTH = 0.5; // s
const LOUDNESS = 0.12; // of full scale

/** @type {AudioContext | null} */
let context = null;
/** Plays by the loudspeaker that was chosen. @type {HTMLAudioElement | null} */
let player = null;

/** @param {string} [output] id of a loudspeaker; without one, or where it has gone, it is the browser's own choice */
export async function chime(output = "") {
  if (!("AudioContext" in window)) return;
  context ??= new AudioContext();
  if (context.state !== "running") void context.resume().catch(() => {});
  const way = (output && (await wayTo(output, context))) || context.destination;
  const { currentTime } = context;
  for (const { frequency, at } of NOTES) {
    const tone = new OscillatorNode(context, { frequency });
    const gain = new GainNode(context, { gain: 0 });
    const start = currentTime + at;
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(LOUDNESS, start + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.001, start + LENGTH);
    tone.connect(gain).connect(way);
    tone.start(start);
    tone.stop(start + LENGTH);
  }
}

/**
 * @param {string} output
 * @param {AudioContext} context
 * @returns {Promise<AudioNode | null>} null where it cannot be played there
 */
async function wayTo(output, context) {
  player?.pause();
  player = new Audio();
  const node = new MediaStreamAudioDestinationNode(context);
  player.srcObject = node.stream;
  try {
    await player.setSinkId(output);
    await player.play();
    return node;
  } catch {
    return null;
  }
}
