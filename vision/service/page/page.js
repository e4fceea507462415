"use strict";
// What the service knows, live. Nothing is fetched from anywhere else, and nothing is stored in the browser.

const at = (id) => document.getElementById(id);
const LEVELS = [["in_stock", "in stock"], ["low", "low"], ["out", "out"], ["unknown", "not seen now"]];
const MARKS = { low: "▾", out: "✕", misplaced: "!" };
const PIXELS = 260; // a metre of shelf
let client = null, token = null, plan = null, names = {}, products = {}, states = {}, chosen = null, due = null;

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

function showLevels(positions) {
  const counts = {};
  for (const p of positions) counts[p.level] = (counts[p.level] || 0) + 1;
  at("levels").replaceChildren(...LEVELS.map(([level, words]) => {
    const row = make("li", undefined, level);
    row.append(make("b", counts[level] || 0), words);
    return row;
  }));
}

function kindOf(state) {
  return state.intruder ? "misplaced" : state.last_level;
}

function showStates(positions) {
  states = Object.fromEntries(positions.map((s) => [s.position, s]));
  for (const group of document.querySelectorAll("#plan g")) {
    const state = states[group.dataset.position], kind = kindOf(state);
    group.setAttribute("class", `${kind}${state.level === "unknown" ? " stale" : ""}`);
    group.querySelector("text").textContent = MARKS[kind] || "";
    group.setAttribute("aria-label", describe(group.dataset.position));
  }
  if (chosen) at("chosen").textContent = describe(chosen);
}

function describe(id) {
  const state = states[id];
  const level = state.last_level === "unknown" ? "never seen" : state.last_level.replace("_", " ");
  const ago = state.level === "unknown" && state.last_level !== "unknown" ? `, last seen ${duration(state.age)} ago` : "";
  const units = state.units === null ? "" : `, about ${Math.round(state.units)} units`;
  const wrong = state.intruder ? `, with ${products[state.intruder] || state.intruder} in it` : "";
  return `${names[id]}: ${level}${units}${wrong}${ago}`;
}

function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

function showPlan() {
  at("plan").replaceChildren(...plan.fixtures.map((fixture) => {
    const rows = fixture.shelves, height = 46, wide = fixture.width * PIXELS;
    const size = { width: wide, height: rows * height, viewBox: `0 0 ${wide} ${rows * height}` };
    const svg = drawn("svg", { ...size, role: "group", "aria-label": fixture.id });
    for (const p of plan.positions.filter((p) => p.fixture === fixture.id)) {
      const y = (rows - 1 - p.shelf) * height;
      const group = drawn("g", { tabindex: 0, role: "button" });
      group.dataset.position = p.id;
      names[p.id] = `${p.product}, ${p.place}`;
      products[p.sku] = p.product;
      group.append(drawn("rect", { x: p.x * PIXELS, y: y + 2, width: p.width * PIXELS, height: height - 8, rx: 3 }));
      group.append(drawn("text", { x: (p.x + p.width / 2) * PIXELS, y: y + height / 2 + 3 }));
      const choose = () => { chosen = p.id; at("chosen").textContent = describe(p.id); };
      group.addEventListener("click", choose);
      group.addEventListener("focus", choose);
      svg.append(group);
    }
    for (let row = 1; row <= rows; row++) {
      svg.append(drawn("line", { x1: 0, x2: wide, y1: row * height - 3, y2: row * height - 3 }));
    }
    const figure = make("figure");
    figure.append(svg, make("figcaption", fixture.id));
    return figure;
  }));
}

function answerButtons(question) {
  const row = make("div", undefined, "ask");
  row.append(make("span", "Is that right?"));
  for (const [words, right] of [["Yes", true], ["No", false]]) {
    const button = make("button", words);
    button.type = "button";
    button.addEventListener("click", async () => {
      for (const one of row.querySelectorAll("button")) one.disabled = true;
      const body = JSON.stringify({ id: question.id, right });
      try {
        await ask("v1/review", { method: "POST", headers: { "Content-Type": "application/json" }, body });
      } catch (error) {
        row.append(make("span", "not kept; try again"));
      }
      await refresh();
    });
    row.append(button);
  }
  return row;
}

function showAlerts(standing, questions) {
  const open = Object.fromEntries(questions.map((q) => [q.id, q]));
  at("nothing").hidden = standing.length > 0;
  at("alerts").replaceChildren(...standing.map((alert) => {
    const row = make("li", undefined, alert.kind.startsWith("camera") ? "camera" : alert.kind);
    row.dataset.id = alert.id;
    const name = names[alert.subject] || alert.subject;
    const wrong = `wrong product: ${products[alert.detail] || alert.detail} in the place of ${name}`;
    row.append(make("span", alert.kind === "misplaced" ? wrong : `${alert.kind}: ${name}`));
    row.append(make("span", `${alert.value.toFixed(2)} a day`, "value"));
    row.append(make("small", `for ${duration(Math.max(0, states.now - alert.since))}, ${Math.round(100 * alert.confidence)} % sure`));
    if (open[alert.id]) row.append(answerButtons(open[alert.id]));
    return row;
  }));
}

function showCameras(cameras) {
  at("cameras").replaceChildren(...cameras.map((camera) => {
    const faults = [...camera.faults, ...(camera.silent && !camera.faults.length ? ["silent"] : [])];
    const row = make("li", camera.id, faults.length ? "bad" : "");
    const last = camera.last_time === null ? "no frame yet" : `last frame ${duration(camera.seconds_ago)} ago`;
    row.append(make("small", [...faults, last, camera.why].filter(Boolean).join(" · ")));
    return row;
  }));
}

async function refresh() {
  const [shelves, standing, questions, cameras] = await Promise.all(
    ["v1/shelves", "v1/alerts/standing", "v1/review", "v1/cameras"].map(get));
  showLevels(shelves.positions);
  showStates(shelves.positions);
  states.now = shelves.time;
  showAlerts(standing, questions);
  showCameras(cameras);
}

function refreshSoon() {
  if (due === null) due = setTimeout(() => { due = null; refresh().catch(lost); }, 150);
}

function lost() {
  at("live").textContent = "connection lost; trying again";
  at("live").classList.add("lost");
}

async function listen() {
  for (;;) {
    try {
      const answer = await ask("v1/events?type=alert&type=shelf&type=reading");
      const reader = answer.body.getReader();
      at("live").textContent = "live";
      at("live").classList.remove("lost");
      await refresh();
      for (;;) {
        const { done } = await reader.read();
        if (done) break;
        refreshSoon();
      }
    } catch (error) {
      lost();
    }
    await new Promise((go) => setTimeout(go, 1000));
  }
}

at("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  client = { name: at("name").value, secret: at("secret").value };
  try {
    await renew();
    plan = await get("v1/plan");
    showPlan();
    await refresh();
  } catch (error) {
    at("wrong").textContent = error.message.startsWith("v1/") ? "this client has not the scopes read and review" : error.message;
    return;
  }
  at("secret").value = "";
  at("login").hidden = true;
  document.querySelector("main").hidden = false;
  listen();
  setInterval(refreshSoon, 5000);
});
