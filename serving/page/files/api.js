// Requests to the page's own origin: a token for the chosen user, pages of their feed, and what they do.

let user = null;
let token = null;
let tokenEnds = 0;

export function become(id) {
  user = id;
  token = null;
}

async function currentToken() {
  if (token === null || Date.now() > tokenEnds) {
    const given = await ask(`/page/users/${encodeURIComponent(user)}/token`, { method: "POST" });
    token = given.token;
    tokenEnds = Date.now() + given.lifetime_s * 500; // renewed when half of its life is over
  }
  return token;
}

export async function ask(path, options = {}) {
  const answer = await fetch(path, options);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail || `the answer is ${answer.status}`);
  return body;
}

export async function feedPage(filter, cursor) {
  const words = new URLSearchParams({ count: "20", filter });
  if (cursor !== null) words.set("cursor", cursor);
  return ask(`/api/v1/feed?${words}`, { headers: { Authorization: `Bearer ${await currentToken()}` } });
}

// `key` is the same for every retry of one action, so that it counts once.
export async function send(path, fields, key, method = "POST") {
  const headers = { Authorization: `Bearer ${await currentToken()}`, "Idempotency-Key": key };
  // The contract wants the ad as a number, and JavaScript's end at 2^53: its digits lose their quotes in the text.
  const body = fields ? JSON.stringify(fields).replace(/"ad_id":"(-?\d+)"/, '"ad_id":$1') : "";
  return ask(`/api/v1/posts${path}`, { method, headers, body });
}

export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
