/* One file on its way: begin or go on, send the missing parts side by side, complete, follow the inspection.
   States: queued, checking, sending, paused, broken, complete, inspecting, done, failed. Tells `onchange` after each. */
import { Refusal, wait } from "./upload_api.js";

const LANES = 3;
const SIGNED_AT_ONCE = 12;
const TRIES = 6;
const LONGEST_WAIT = 30;
const POLL_SECONDS = 1.5;

export class Transfer {
  /** Of a `file` that was picked, or of an `upload` the site knows and whose bytes it has. */
  constructor(api, { file = null, upload = null, onchange }) {
    Object.assign(this, { api, file, upload, onchange, state: "queued", error: null, speed: 0 });
    this.name = file ? file.name : upload.name;
    this.size = file ? file.size : upload.size;
    this.parts = new Map(); // number -> etag of those that have arrived
    this.underWay = new Map(); // number -> {request, sent}
    this.targets = new Map();
    this.started = { at: 0, sent: 0 };
  }

  get sent() {
    let total = 0;
    for (const number of this.parts.keys()) total += this.lengthOf(number);
    for (const { sent } of this.underWay.values()) total += sent;
    return total;
  }

  get secondsLeft() {
    const passed = (performance.now() - this.started.at) / 1000;
    const rate = (this.sent - this.started.sent) / passed;
    return passed > 3 && rate > 0 ? (this.size - this.sent) / rate : null;
  }

  lengthOf(number) {
    const { part_size: length } = this.upload;
    return Math.min(length, this.size - (number - 1) * length);
  }

  become(state, error = null) {
    this.state = state;
    this.error = error;
    this.onchange(this);
  }

  /** Send what is missing, then follow the inspection to its end. `known` are the person's own unfinished uploads. */
  async run(known = []) {
    await this.running; // what was paused a moment ago may still be beginning
    this.running = this.go(known);
    return this.running;
  }

  async go(known) {
    try {
      if (this.file) {
        this.become("checking");
        await this.begin(known);
        if (this.state !== "checking") return; // paused meanwhile
        this.started = { at: performance.now(), sent: this.sent };
        this.become("sending");
        await this.sendParts();
        if (this.state !== "sending") return;
        await this.complete();
      }
      await this.follow();
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      this.stop();
      const passing = refusal.status === 0 || refusal.status === 429 || refusal.status >= 500;
      this.become(passing ? "broken" : "failed", refusal);
    }
  }

  async begin(known) {
    const match = known.find((each) => each.name === this.name && each.size === this.size && !each.taken);
    if (!this.upload && !match) {
      const made = await this.api.call("POST", "uploads", { name: this.name, size: this.size });
      this.upload = { ...made, state: "receiving" };
      return;
    }
    if (!this.upload) [this.upload, match.taken] = [match, true];
    const seen = await this.api.call("GET", `uploads/${this.upload.id}`);
    this.upload = { ...this.upload, ...seen };
    this.parts = new Map(seen.received.map((part) => [part.number, part.etag]));
    this.targets.clear();
  }

  async sendParts() {
    if (this.upload.state !== "receiving") return;
    const missing = [];
    for (let number = 1; number <= this.upload.parts; number++) if (!this.parts.has(number)) missing.push(number);
    const lane = async () => {
      while (missing.length && this.state === "sending") await this.sendPart(missing.shift(), missing);
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  }

  async sendPart(number, missing) {
    for (let attempt = 1; this.state === "sending"; attempt++) {
      try {
        this.parts.set(number, await this.put(number, await this.targetOf(number, missing)));
        return this.onchange(this);
      } catch (refusal) {
        if (!(refusal instanceof Refusal) || this.state !== "sending") return;
        if (refusal.status === 403) this.targets.clear(); // the address has ended
        else if (refusal.status === 507 || (refusal.status >= 400 && refusal.status < 500 && refusal.status !== 429)) throw refusal;
        if (attempt === TRIES) throw refusal;
        await wait(refusal.retryAfter || Math.min(2 ** (attempt - 1), LONGEST_WAIT));
      }
    }
  }

  async targetOf(number, missing) {
    if (!this.targets.has(number)) {
      const numbers = [number, ...missing.slice(0, SIGNED_AT_ONCE - 1)];
      const { parts } = await this.api.call("POST", `uploads/${this.upload.id}/parts`, { numbers });
      for (const part of parts) this.targets.set(part.number, part);
    }
    return this.targets.get(number);
  }

  /** PUT one part; answers with its etag. Only XMLHttpRequest tells how far the sending is. */
  put(number, target) {
    const start = (number - 1) * this.upload.part_size;
    const body = this.file.slice(start, start + this.lengthOf(number));
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const entry = { request, sent: 0 };
      this.underWay.set(number, entry);
      request.open("PUT", target.url);
      for (const [name, value] of Object.entries(target.headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = (event) => {
        entry.sent = event.loaded;
        this.onchange(this);
      };
      request.onloadend = () => {
        this.underWay.delete(number);
        const etag = request.status === 200 && request.getResponseHeader("ETag");
        if (etag) return resolve(etag);
        let said = {};
        try {
          said = JSON.parse(request.responseText);
        } catch {
          // A store answers in its own words; the status tells enough.
        }
        return reject(new Refusal(request.status, said));
      };
      request.send(body);
    });
  }

  async complete() {
    if (this.upload.state === "receiving") {
      const parts = [...this.parts].map(([number, etag]) => ({ number, etag }));
      this.upload = { ...this.upload, ...(await this.api.call("POST", `uploads/${this.upload.id}/complete`, { parts })) };
    }
    this.become("complete");
  }

  /** Ask where the inspection stands until it ends. */
  async follow() {
    for (;;) {
      try {
        this.upload = { ...this.upload, ...(await this.api.call("GET", `uploads/${this.upload.id}`)) };
      } catch (refusal) {
        if (!(refusal instanceof Refusal) || (refusal.status !== 0 && refusal.status !== 429 && refusal.status < 500)) throw refusal;
      }
      const { state, error } = this.upload;
      if (["complete", "inspecting", "done"].includes(state)) this.become(state);
      else return this.become("failed", error && { message: error.detail });
      if (state === "done") return undefined;
      await wait(POLL_SECONDS);
    }
  }

  /** Stop sending; `run` goes on with what is missing. */
  pause() {
    if (!["queued", "checking", "sending"].includes(this.state)) return;
    this.become("paused");
    this.stop();
  }

  stop() {
    for (const { request } of this.underWay.values()) request.abort();
    this.underWay.clear();
  }

  /** Stop, and have the site forget what has arrived. */
  async abandon() {
    this.pause();
    if (this.upload && this.state !== "done") await this.api.call("DELETE", `uploads/${this.upload.id}`);
  }
}
