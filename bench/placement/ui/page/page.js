"use strict";
// Cameras by hand: every change is rated by the server, one question at a time, the newest cameras last.

const page = { store: null, cameras: [], cones: [], facts: [], chosen: 0, rating: null, choose, change };
let asking = false, again = false, map = "predicted", measured = null, proved = "";

async function ask(path, method = "GET", body = undefined) {
  const headers = body ? { "Content-Type": "application/json" } : {};
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const said = await answer.json();
  if (!answer.ok) throw new Error(typeof said.detail === "string" ? said.detail : `${path}: ${answer.status}`);
  return said;
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;
const money = (value) => Math.round(value).toLocaleString("en");

function choose(n) {
  page.chosen = n;
  draw();
}

function change(n, camera) {
  page.cameras[n] = camera;
  page.cones[n] = null;
  changed();
}

function changed() {
  draw();
  rate();
}

// One question at a time; what changed meanwhile is asked next.
async function rate() {
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  do {
    again = false;
    at("live").textContent = "rating";
    const asked = [...page.cameras];
    try {
      const rating = await ask("v1/rate", "POST", { cameras: asked });
      page.rating = rating;
      asked.forEach((camera, n) => {
        if (page.cameras[n] === camera) [page.cones[n], page.facts[n]] = [rating.cameras[n].cone, rating.cameras[n]];
      });
      at("live").textContent = `rated in ${rating.seconds.toFixed(2)} s`;
      at("live").classList.remove("lost");
    } catch (error) {
      at("live").textContent = error instanceof TypeError ? "the workbench does not answer" : error.message;
      at("live").classList.add("lost");
    }
  } while (again);
  asking = false;
  drawPlan(page.store, page.cameras, page.cones, page.chosen);
  [...at("cameras").children].forEach((row, n) => showFacts(row.querySelector(".foot"), page.cameras[n], n));
  if (page.rating) showRating();
}

function draw() {
  drawPlan(page.store, page.cameras, page.cones, page.chosen);
  showCameras();
  at("stale").hidden = !measured || JSON.stringify(page.cameras) === proved;
}

function figure(title, value, more, bad) {
  const row = make("li", undefined, bad ? "bad" : "");
  row.append(title, make("b", value), make("small", more));
  return row;
}

function showRating() {
  const { known, cost, net, paid, currency, broken } = page.rating, budget = page.store.budget;
  const span = (e, show) => `${show(e.low)} to ${show(e.high)}`;
  at("figures").replaceChildren(
    figure("Known", percent(known.value), span(known, percent)),
    figure(`Cost a year, ${currency}`, money(cost.value), span(cost, money)),
    figure("Left a year", money(net.value), span(net, money), net.value < 0),
    figure("Bought once", money(paid), budget === null ? "with devices" : `with devices; cameras: budget ${money(budget)}`),
    figure("Rules", broken.length ? `${broken.length} broken` : "kept", `${page.cameras.length} cameras`, broken.length > 0),
  );
  const kept = [make("li", "All rules are kept.", "kept")];
  at("broken").replaceChildren(...(broken.length ? broken.map((b) => make("li", [b.cameras.join(" and "), b.rule].filter(Boolean).join(": "))) : kept));
  showHeat();
}

function field(title, value, set) {
  const box = make("label", title), input = make("input");
  Object.assign(input, { type: "number", step: "0.05", value: value.toFixed(2) });
  input.addEventListener("change", () => { if (input.value !== "" && Number.isFinite(input.valueAsNumber)) set(input.valueAsNumber); });
  box.append(input);
  return box;
}

// What a camera hangs on. Fields are left alone, so that what is being typed stays.
function showFacts(foot, camera, n) {
  const facts = page.facts[n], snap = make("button", "Hang it there");
  if (!facts) return;
  snap.addEventListener("click", () => change(n, { ...camera, position: facts.nearest }));
  const off = facts.off > page.store.near, mount = facts.mount.replace("_", " ");
  foot.replaceChildren(off ? `${facts.off.toFixed(2)} m off the nearest mount, ${mount}` : `on the ${mount}`);
  if (off) foot.append(snap);
}

function cameraRow(camera, n) {
  const row = make("li", undefined, n === page.chosen ? "chosen" : ""), set = (c) => change(n, c);
  const head = make("div", undefined, "head"), where = make("div", undefined, "where"), foot = make("div", undefined, "foot");
  const select = make("select"), remove = make("button", "Remove");
  select.setAttribute("aria-label", `model of camera ${n + 1}`);
  for (const model of page.store.models) {
    const option = make("option", `${model.name}, ${model.price}`);
    Object.assign(option, { value: model.key, selected: model.key === camera.model });
    select.append(option);
  }
  select.addEventListener("change", () => set({ ...camera, model: select.value }));
  remove.addEventListener("click", () => {
    for (const list of [page.cameras, page.cones, page.facts]) list.splice(n, 1);
    page.chosen = Math.max(0, Math.min(page.chosen, page.cameras.length - 1));
    changed();
  });
  head.append(make("b", n + 1), select, remove);
  for (const [key, title] of [["position", ""], ["target", "aim "]]) {
    camera[key].forEach((value, k) => where.append(field(`${title}${"xyz"[k]}, m`, value, (given) => {
      const point = [...camera[key]];
      point[k] = given;
      set({ ...camera, [key]: point });
    })));
  }
  showFacts(foot, camera, n);
  row.addEventListener("focusin", () => {
    if (page.chosen === n) return;
    page.chosen = n;
    drawPlan(page.store, page.cameras, page.cones, n);
    for (const other of at("cameras").children) other.classList.toggle("chosen", other === row);
  });
  row.append(head, where, foot);
  return row;
}

function showCameras() {
  const list = at("cameras"), inputs = [...list.querySelectorAll("input, select, button")];
  const focused = inputs.indexOf(document.activeElement);
  list.replaceChildren(...page.cameras.map(cameraRow));
  if (focused >= 0) list.querySelectorAll("input, select, button")[focused]?.focus();
}

// A camera before the bay that is known least.
function add() {
  const sure = page.rating?.certainty ?? {}, mean = (bay) => bay.positions.reduce((sum, p) => sum + (sure[p.id] ?? 0), 0) / (bay.positions.length || 1);
  const bay = [...page.store.fixtures].filter((b) => b.positions.length).sort((a, b) => mean(a) - mean(b))[0];
  const model = page.cameras[page.chosen]?.model ?? page.store.models[0].key;
  page.cameras.push({ model, position: bay.spot, target: bay.aim, roll: 0 });
  page.chosen = page.cameras.length - 1;
  changed();
}

function showHeat() {
  const { fixtures, shades } = page.store, sure = map === "measured" && measured ? measured : page.rating.certainty;
  at("heat").replaceChildren(...fixtures.map((bay) => {
    const drawing = drawn("svg", { viewBox: `0 0 ${bay.width} ${bay.height}`, role: "img", "aria-label": bay.id });
    drawing.append(drawn("rect", { width: bay.width, height: bay.height, class: "bay" }));
    for (const position of bay.positions) {
      const [x0, z0, x1, z1] = position.box, known = sure[position.id];
      const place = drawn("rect", {
        x: x0, y: bay.height - z1, width: x1 - x0, height: z1 - z0, fill: shades[Math.round(known * (shades.length - 1))],
        class: "place", "stroke-width": 0.006, "data-position": position.id,
      });
      const words = `${position.id}, ${position.name}: ${percent(known)}`;
      place.append(drawn("title", {}, words));
      place.addEventListener("pointerdown", () => { at("chosen").textContent = words; });
      drawing.append(place);
    }
    const box = make("figure");
    box.style.width = `${Math.round(168 * bay.width)}px`;
    box.append(drawing, make("figcaption", bay.id));
    return box;
  }));
}

function showLegend() {
  at("legend").replaceChildren(...[0, 0.25, 0.5, 0.75, 0.9, 1].map((step) => {
    const item = make("span"), box = drawn("svg", { viewBox: "0 0 1 1" });
    box.append(drawn("rect", { width: 1, height: 1, fill: page.store.shades[Math.round(step * 100)] }));
    item.append(box, `${100 * step} %`);
    return item;
  }));
}

function showProof(proof) {
  const running = proof.state === "running", words = {
    none: "", running: `${proof.done ?? 0} of ${proof.of} pictures`, stopped: "Stopped; the same cameras go on where they were.",
    failed: `It failed: ${proof.error}`, done: "Measured:",
  };
  at("prove").disabled = running;
  at("stop").hidden = at("progress").hidden = !running;
  at("progress").value = running ? proof.done / proof.of : 0;
  at("proved").textContent = words[proof.state];
  at("measured").hidden = at("maps").hidden = proof.state !== "done";
  if (proof.state !== "done") return;
  const [row] = proof.result.arms, rows = [
    ["predicted", row.predicted], ["predicted of these worlds", row.predicted_there], ["measured", row.measured],
    ["empty positions told", row.oos_recall],
  ];
  [measured, proved] = [proof.result.exact, JSON.stringify(proof.cameras)];
  at("proved").textContent = `${proof.cameras.length} cameras in ${proof.result.worlds} worlds, seeds from ${proof.result.seeds[0]}. ` +
    `Measured less predicted there: ${(100 * row.off.value).toFixed(1)} points, ${row.agrees ? "within" : "more than"} what chance explains.`;
  at("measured").tBodies[0].replaceChildren(...rows.map(([title, e]) => {
    const line = make("tr");
    line.append(make("td", title), make("td", e.value === null ? "–" : percent(e.value)),
      make("td", e.low === null ? "–" : `${percent(e.low)} to ${percent(e.high)}`));
    return line;
  }));
  draw();
}

async function followProof() {
  for (;;) {
    try {
      const proof = await ask("v1/proof");
      showProof(proof);
      if (proof.state !== "running") return;
    } catch (error) {
      at("proved").textContent = error.message;
    }
    await new Promise((go) => setTimeout(go, 1000));
  }
}

async function told(id, action) {
  try {
    await action();
  } catch (error) {
    at(id).textContent = error.message;
  }
}

function begin() {
  at("add").addEventListener("click", add);
  at("again").addEventListener("click", () => {
    Object.assign(page, { cameras: structuredClone(page.store.cameras), cones: [], facts: [], chosen: 0 });
    changed();
  });
  at("prove").addEventListener("click", () => told("proved", async () => {
    showProof(await ask("v1/proof", "POST", { cameras: page.cameras, worlds: at("worlds").valueAsNumber }));
    followProof();
  }));
  at("stop").addEventListener("click", () => told("proved", async () => showProof(await ask("v1/proof", "DELETE"))));
  at("save").addEventListener("click", () => told("saved", async () => {
    const said = await ask("v1/rig", "POST", { cameras: page.cameras });
    at("saved").replaceChildren(make("b", said.file), make("br"), make("code", said.use));
  }));
  for (const button of at("maps").children) {
    button.addEventListener("click", () => {
      map = button.dataset.map;
      for (const other of at("maps").children) other.setAttribute("aria-pressed", other === button);
      showHeat();
    });
  }
  movePlan(page);
}

(async () => {
  try {
    page.store = await ask("v1/store");
  } catch (error) {
    at("live").textContent = error.message;
    return;
  }
  page.cameras = structuredClone(page.store.cameras);
  at("name").textContent = page.store.name;
  document.title = `${page.store.name}: cameras by hand`;
  at("worlds").value = page.store.prove;
  showLegend();
  begin();
  changed();
  followProof();
})();
