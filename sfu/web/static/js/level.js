/** How loud a microphone is, for a meter. Nothing is sent anywhere, and nothing is played. */

const EVERY = 100; // ms between two readings; faster only flickers
const WINDOW = 8_192; // samples, 170 ms at 48 kHz: longer than the pause between readings, so that nothing falls between two
const HEARD = 0.1; // of full scale, at its peak; above the noise of a quiet room

/** Emits `level` ({level: 0 to 1}), and `heard` once when there was a sound. */
export class LevelMeter extends EventTarget {
  #context = "AudioContext" in window ? new AudioContext() : null;
  #analyser = this.#context?.createAnalyser() ?? null;
  /** @type {MediaStreamAudioSourceNode | null} */
  #source = null;
  #samples = new Float32Array(WINDOW);
  /** @type {MediaStreamTrack | null} */
  #track = null;
  #heard = false;
  #timer = setInterval(() => this.#read(), EVERY);

  /** @param {MediaStreamTrack | null} track */
  listen(track) {
    if (track === this.#track || !this.#context || !this.#analyser) return;
    this.#track = track;
    this.#heard = false;
    this.#source?.disconnect();
    this.#source = track ? this.#context.createMediaStreamSource(new MediaStream([track])) : null;
    this.#analyser.fftSize = WINDOW;
    this.#source?.connect(this.#analyser);
    void this.#context.resume().catch(() => {});
  }

  stop() {
    clearInterval(this.#timer);
    this.#source?.disconnect();
    void this.#context?.close().catch(() => {});
  }

  #read() {
    if (!this.#analyser || !this.#track) return this.#tell(0);
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let energy = 0;
    let peak = 0;
    for (const sample of this.#samples) {
      energy += sample * sample;
      peak = Math.max(peak, Math.abs(sample));
    }
    const power = energy / WINDOW;
    // Loudness is felt by its logarithm: -60 dB is the left end of the meter.
    this.#tell(Math.min(1, Math.max(0, 1 + (10 * Math.log10(power + 1e-9)) / 60)));
    if (this.#heard || peak < HEARD) return;
    this.#heard = true;
    this.dispatchEvent(new Event("heard"));
  }

  /** @param {number} level */
  #tell(level) {
    this.dispatchEvent(new CustomEvent("level", { detail: { level } }));
  }
}
