/** A short, soft sound, made here: nothing is fetched. Where the browser wants a click first, there is none. */

const NOTES = [
  { frequency: 659, at: 0 },
  { frequency: 880, at: 0.16 },
]; // Hz, s
const LENGTH = 0.5; // s
const LOUDNESS = 0.12; // of full scale

/** @type {AudioContext | null} */
let context = null;
/** Where a loudspeaker was chosen. @type {Player | null} */
let player = null;

/** Plays by one loudspeaker, and rests between the sounds. */
class Player {
  output;
  #element = new Audio();
  #node;
  #placed;
  #sounds = 0;

  /**
   * @param {AudioContext} context
   * @param {string} output
   */
  constructor(context, output) {
    this.output = output;
    this.#node = new MediaStreamAudioDestinationNode(context);
    this.#element.srcObject = this.#node.stream;
    this.#placed = this.#element.setSinkId(output);
  }

  /** To be followed by `end`. @returns {Promise<AudioNode>} rejected where it cannot be played there */
  async begin() {
    this.#sounds += 1;
    await this.#placed;
    await this.#element.play();
    return this.#node;
  }

  /** One sound is over. The others, if any, are played to their end. */
  end() {
    this.#sounds -= 1;
    if (!this.#sounds) this.#element.pause();
  }
}

/** @param {string} [output] id of a loudspeaker; without one, or where it has gone, it is the browser's own choice */
export async function chime(output = "") {
  if (!("AudioContext" in window)) return;
  context ??= new AudioContext();
  if (context.state !== "running") void context.resume().catch(() => {});
  if (player && player.output !== output) player = null;
  if (output) player ??= new Player(context, output);
  const chosen = player;
  const way = await chosen?.begin().catch(() => {
    if (player === chosen) player = null; // the next sound tries it anew
  });
  const { currentTime, destination } = context;
  const tones = NOTES.map(({ frequency, at }) => play(frequency, currentTime + at, way ?? destination));
  if (chosen) tones[tones.length - 1].addEventListener("ended", () => chosen.end());
}

/**
 * @param {number} frequency
 * @param {number} start
 * @param {AudioNode} way
 */
function play(frequency, start, way) {
  const tone = new OscillatorNode(way.context, { frequency });
  const gain = new GainNode(way.context, { gain: 0 });
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(LOUDNESS, start + 0.02);
  gain.gain.exponentialRampToValueAtTime(0.001, start + LENGTH);
  tone.connect(gain).connect(way);
  tone.start(start);
  tone.stop(start + LENGTH);
  return tone;
}
