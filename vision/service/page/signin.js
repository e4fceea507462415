"use strict";
// What the pages share: signing in, and asking with a token. Nothing is fetched from anywhere else, and nothing is stored
// in the browser.

const at = (id) => document.getElementById(id);
let client = null, token = null;

function make(tag, text, ...classes) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  node.classList.add(...classes.filter(Boolean));
  return node;
}

function drawn(tag, values) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(values)) node.setAttribute(name, value);
  return node;
}

async function renew() {
  const form = new URLSearchParams({ grant_type: "client_credentials", client_id: client.name, client_secret: client.secret });
  const answer = await fetch("oauth/token", { method: "POST", body: form });
  if (!answer.ok) throw new Error(answer.status === 429 ? "too many tries; wait a minute" : "not the right name and secret");
  const said = await answer.json();
  token = { text: said.access_token, until: Date.now() + 800 * said.expires_in };
}

async function ask(path, options = {}) {
  if (Date.now() > token.until) await renew();
  const headers = { ...options.headers, Authorization: `Bearer ${token.text}` };
  const answer = await fetch(path, { ...options, headers });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer;
}

const get = async (path) => (await ask(path)).json();

function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

function lost() {
  at("live").textContent = "connection lost; trying again";
  at("live").classList.add("lost");
}

// Ask for name and secret until `first` is answered, then show the page and begin.
function signIn(first, missing, begin) {
  at("login").addEventListener("submit", async (event) => {
    event.preventDefault();
    client = { name: at("name").value, secret: at("secret").value };
    try {
      await renew();
      await first();
    } catch (error) {
      at("wrong").textContent = error.message.startsWith("v1/") ? missing : error.message;
      return;
    }
    at("secret").value = "";
    at("login").hidden = true;
    document.querySelector("main").hidden = false;
    begin();
  });
}
