/* Our own API, from a page: cookie, CSRF token, JSON, and refusals as errors that people can read. */

/** A refusal of the site. `status` 0 means that it did not answer at all. */
export class Refusal extends Error {
  constructor(status, problem, retryAfter = 0) {
    super(problem.detail || "");
    this.status = status;
    this.code = problem.code || "";
    this.field = problem.field || "";
    this.retryAfter = retryAfter;
  }
}

export class Api {
  /** `base` is the address of the API, `token` the page's CSRF token. */
  constructor(base, token) {
    this.base = base;
    this.token = token;
    this.asked = Promise.resolve();
  }

  turn() {
    const mine = this.asked;
    this.asked = mine.then(() => wait(QUESTION_SECONDS));
    return mine;
  }

  async call(method, path, body) {
    if (method === "GET") await this.turn();
    const headers = { Accept: "application/json", "X-CSRFToken": this.token };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    let answer;
    try {
      answer = await fetch(this.base + path, { method, headers, body: body && JSON.stringify(body) });
    } catch {
      throw new Refusal(0, {});
    }
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Refusal(answer.status, said, Number(answer.headers.get("Retry-After")) || 0);
    return said;
  }
}

/** The site answers five questions a second; many files ask one after another. */
const QUESTION_SECONDS = 0.3;

export const wait = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
