"use strict";
// What the service knows, live.

const LEVELS = [["in_stock", "in stock"], ["low", "low"], ["out", "out"], ["unknown", "not known now"]];
const MARKS = { low: "▾", out: "✕", misplaced: "!" };
const PIXELS = 260; // a metre of shelf
const FIRST = 8; // alerts that a narrow page shows at first (page.css), the dearest
let plan = null, names = {}, products = {}, states = {}, chosen = null, due = null;
let asking = null, shown = null, drawnBefore = null;

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
  const never = state.units === null ? "never seen" : "not known";
  const level = state.last_level === "unknown" ? never : state.last_level.replace("_", " ");
  const ago = state.level === "unknown" && state.last_level !== "unknown" ? `, last seen ${duration(state.age)} ago` : "";
  const units = state.units === null ? "" : `, about ${Math.round(state.units)} units`;
  const wrong = state.intruder ? `, with ${products[state.intruder] || state.intruder} in it` : "";
  return `${names[id]}: ${level}${units}${wrong}${ago}`;
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

async function tell(row, body) {
  for (const one of row.querySelectorAll("button, select")) one.disabled = true;
  try {
    await ask("v1/review", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
  } catch (error) {
    row.append(make("span", "not kept; try again"));
  }
  asking = drawnBefore = null;
  await refresh();
}

function button(words, does) {
  const node = make("button", words);
  node.type = "button";
  node.addEventListener("click", does);
  return node;
}

function productChoice(row, question) {
  // While somebody looks for a product, the list is not drawn anew under him.
  asking = question.id;
  const choice = make("select");
  choice.setAttribute("aria-label", "Which product stands there?");
  choice.append(new Option("Which product stands there?", ""));
  for (const [sku, name] of Object.entries(products).sort((a, b) => a[1].localeCompare(b[1]))) {
    choice.append(new Option(name, sku));
  }
  choice.addEventListener("change", () => tell(row, { id: question.id, right: true, product: choice.value }));
  row.replaceChildren(choice, button("Back", () => { asking = drawnBefore = null; refresh(); }));
  choice.focus();
}

function answerButtons(question) {
  const row = make("div", undefined, "ask");
  row.append(make("span", "Is that right?"));
  row.append(button("Yes", () => tell(row, { id: question.id, right: true })));
  row.append(button("No", () => tell(row, { id: question.id, right: false })));
  row.append(button("Wrong product", () => productChoice(row, question)));
  return row;
}

function since(alert) {
  return `for ${duration(Math.max(0, states.now - alert.since))}, ${Math.round(100 * alert.confidence)} % sure`;
}

function showAlerts(standing, questions) {
  if (asking && standing.some((alert) => alert.id === asking)) return;
  const open = Object.fromEntries(questions.map((q) => [q.id, q]));
  // What is there already stays: a button that is drawn anew under a finger is not pressed.
  const drawnNow = JSON.stringify([standing, Object.keys(open)]);
  if (drawnNow === drawnBefore) {
    for (const alert of standing) document.getElementById(`since-${alert.id}`).textContent = since(alert);
    return;
  }
  drawnBefore = drawnNow;
  at("nothing").hidden = standing.length > 0;
  at("more").hidden = standing.length <= FIRST || at("alerts").classList.contains("all");
  at("more").textContent = `Show all ${standing.length}`;
  at("alerts").replaceChildren(...standing.map((alert) => {
    const row = make("li", undefined, alert.kind.startsWith("camera") ? "camera" : alert.kind);
    row.dataset.id = alert.id;
    const name = names[alert.subject] || alert.subject;
    const stands = alert.detail ? products[alert.detail] || alert.detail : "";
    const wrong = `wrong product: ${stands} in the place of ${name}`;
    const words = `${alert.kind}: ${name}${stands ? `, ${stands} in its place` : ""}`;
    row.append(make("span", alert.kind === "misplaced" ? wrong : words));
    row.append(make("span", `${alert.value.toFixed(2)} a day`, "value"));
    const small = make("small", since(alert));
    small.id = `since-${alert.id}`;
    row.append(small);
    if (open[alert.id]) row.append(answerButtons(open[alert.id]));
    return row;
  }));
}

function showCameras(cameras) {
  for (const camera of cameras) {
    const faults = [...camera.faults, ...(camera.silent && !camera.faults.length ? ["silent"] : [])];
    const last = camera.last_time === null ? "no frame yet" : `last frame ${duration(camera.seconds_ago)} ago`;
    const row = document.getElementById(`camera-${camera.id}`) || cameraRow(camera.id);
    row.classList.toggle("bad", faults.length > 0);
    row.querySelector("small").textContent = [...faults, last, camera.why].filter(Boolean).join(" · ");
  }
  if (shown) showPicture(shown);
}

function cameraRow(id) {
  const row = make("li", id);
  row.id = `camera-${id}`;
  const press = button("Picture", () => {
    const open = shown !== id;
    for (const one of document.querySelectorAll("#cameras figure")) one.remove();
    for (const one of document.querySelectorAll("#cameras li")) one.classList.remove("open");
    shown = open ? id : null;
    if (open) { row.classList.add("open"); row.append(make("figure")); showPicture(id); }
  });
  row.append(make("small"), press);
  at("cameras").append(row);
  return row;
}

async function showPicture(id) {
  // The newest stored picture, people blurred, and the boxes that were found in that very frame.
  const figure = document.querySelector(`[id="camera-${id}"] figure`);
  try {
    const answer = await ask(`v1/cameras/${encodeURIComponent(id)}/picture`);
    const time = answer.headers.get("Frame-Time");
    if (!figure || figure.dataset.time === time) return;
    const [blob, readings] = await Promise.all(
      [answer.blob(), get(`v1/readings?camera=${encodeURIComponent(id)}&near=${time}`)]);
    const image = make("img");
    image.alt = `What ${id} sees`;
    image.src = URL.createObjectURL(blob);
    image.addEventListener("load", () => URL.revokeObjectURL(image.src));
    figure.dataset.time = time;
    figure.replaceChildren(image, ...readings.slice(-1).map(boxes));
  } catch (error) {
    if (figure && !figure.dataset.time) figure.replaceChildren(make("small", "no picture is stored (pictures: keep)"));
  }
}

function boxes(reading) {
  const svg = drawn("svg", { viewBox: `0 0 ${reading.width} ${reading.height}`, preserveAspectRatio: "none" });
  for (const found of reading.detections) {
    const [x0, y0, x1, y1] = found.box;
    const box = drawn("rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0 });
    box.setAttribute("class", found.class === "product" && !found.sku ? "unnamed" : found.class);
    const title = drawn("title", {});
    title.textContent = found.sku ? products[found.sku] || found.sku : found.class.replace("_", " ");
    box.append(title);
    svg.append(box);
  }
  return svg;
}

function showAudit(audit) {
  const known = audit.bays.reduce((sum, bay) => sum + bay.seen, 0), planned = audit.bays.reduce((sum, bay) => sum + bay.positions, 0);
  const share = audit.availability === null ? "nothing is known yet" : `${(100 * audit.availability).toFixed(1)} % in stock`;
  at("osa").textContent = `${share}; ${known} of ${planned} positions seen whole`;
  at("bays").tBodies[0].replaceChildren(...audit.bays.map((bay) => {
    const row = make("tr");
    row.append(...[bay.bay, bay.positions, bay.seen, bay.kept, bay.out].map((value) => make("td", value)));
    return row;
  }));
  const todo = audit.findings.filter((one) => one.todo && one.kind !== "unseen");
  at("findings").replaceChildren(...todo.map((one) => {
    const row = make("li");
    row.append(make("span", one.kind, one.kind), ` ${one.product}: ${one.todo}`);
    row.append(make("small", `${one.where} · ${Math.round(100 * one.sure)} % sure`));
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

async function audit() {
  // Much to send: only while somebody looks at it.
  if (at("audit").open) showAudit(await get("v1/audit"));
}

function refreshSoon() {
  if (due === null) due = setTimeout(() => { due = null; refresh().catch(lost); }, 500);
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

async function begun() {
  plan = await get("v1/plan");
  showPlan();
  await refresh();
}

signIn(begun, "this client has not the scopes read and review", () => {
  at("more").addEventListener("click", () => { at("alerts").classList.add("all"); at("more").hidden = true; });
  at("audit").addEventListener("toggle", () => audit().catch(lost));
  setInterval(() => audit().catch(lost), 30000);
  listen();
  setInterval(refreshSoon, 5000);
});
