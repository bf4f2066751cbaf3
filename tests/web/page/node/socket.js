/** A WebSocket whose other end is the test. */

globalThis.WebSocket = /** @type {any} */ ({ OPEN: 1 });

export const turn = () => new Promise((done) => setImmediate(done));

export class Socket {
  readyState = 0;
  sent = [];

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.readyState = 3;
  }

  opens() {
    this.readyState = 1;
    this.onopen?.();
  }

  says(message) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  async ok(fields = {}) {
    this.says({ type: "ok", id: this.sent.at(-1).id, ...fields });
    await turn();
  }

  async lost(code = 1006) {
    this.readyState = 3;
    this.onclose?.({ code });
    await turn();
  }
}
