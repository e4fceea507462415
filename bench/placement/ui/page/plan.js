"use strict";
// The plan: metres are its units, y of the room goes up. Nothing is fetched from anywhere else.

const at = (id) => document.getElementById(id);
const BODY = "M-.14,-.09 h.17 v.18 h-.17 z M.03,-.05 l.11,-.06 v.22 l-.11,-.06 z";
const MARGIN = 0.45, STEP = 0.05;
let grabbed = null;

function make(tag, text, ...classes) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  node.classList.add(...classes.filter(Boolean));
  return node;
}

function drawn(tag, values, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(values)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

const dots = (points) => points.map(([x, y]) => `${x},${-y}`).join(" ");
const label = (x, y, text, size = 0.14) => drawn("text", { x, y, "font-size": size }, text);

// What a camera has in its picture before the server tells: a triangle as wide as its lens, as long as its aim is far.
function wedge(camera, fov) {
  const [x, y] = camera.position, dx = camera.target[0] - x, dy = camera.target[1] - y;
  const long = Math.hypot(dx, dy) || 1e-6, turn = Math.atan2(dy, dx), half = Math.min(fov / 2, 1.4);
  const ends = [-half, half].map((a) => [x + long / Math.cos(half) * Math.cos(turn + a), y + long / Math.cos(half) * Math.sin(turn + a)]);
  return [[x, y], ...ends];
}

// Draw the store and its cameras; `cones` are the server's, or null where a camera has moved since.
function drawPlan(store, cameras, cones, chosen) {
  const { x, y } = store.room, plan = at("plan");
  plan.setAttribute("viewBox", `${x[0] - MARGIN} ${-y[1] - MARGIN} ${x[1] - x[0] + 2 * MARGIN} ${y[1] - y[0] + 2 * MARGIN}`);
  const thin = 0.012, parts = [drawn("rect", { x: x[0], y: -y[1], width: x[1] - x[0], height: y[1] - y[0], class: "room", "stroke-width": 2 * thin })];
  for (const zone of store.zones) {
    parts.push(drawn("rect", { x: zone.x[0], y: -zone.y[1], width: zone.x[1] - zone.x[0], height: zone.y[1] - zone.y[0], class: "zone" }));
  }
  for (const bay of store.fixtures) {
    parts.push(drawn("polygon", { points: dots(bay.corners), class: "bay", "stroke-width": thin }));
    const middle = [0, 1].map((k) => bay.corners.reduce((sum, c) => sum + c[k], 0) / 4);
    parts.push(label(middle[0], -middle[1] + 0.05, bay.id));
  }
  cameras.forEach((camera, n) => {
    const fov = store.models.find((m) => m.key === camera.model).fov;
    const points = cones[n] || wedge(camera, fov);
    parts.push(drawn("polygon", { points: dots(points), class: `cone${n === chosen ? " chosen" : ""}`, "stroke-width": thin }));
  });
  cameras.forEach((camera, n) => parts.push(cameraNode(camera, n, n === chosen)));
  const focused = document.activeElement?.dataset?.camera;
  plan.replaceChildren(...parts);
  if (focused !== undefined) plan.querySelector(`[data-camera="${focused}"]`)?.focus();
}

function cameraNode(camera, n, chosen) {
  const [x, y, z] = camera.position, [tx, ty] = camera.target, turn = Math.atan2(-(ty - y), tx - x) * 180 / Math.PI;
  const words = `camera ${n + 1}, ${z.toFixed(2)} m up`;
  const node = drawn("g", { class: `camera${chosen ? " chosen" : ""}`, tabindex: 0, "data-camera": n, "aria-label": words });
  node.append(
    drawn("line", { x1: x, y1: -y, x2: tx, y2: -ty, class: "ray", "stroke-width": 0.015 }),
    drawn("circle", { cx: tx, cy: -ty, r: 0.11, class: "aim", "stroke-width": 0.025, "data-part": "aim" }),
    drawn("circle", { cx: x, cy: -y, r: 0.24, class: "grip", "data-part": "body" }),
    drawn("path", { d: BODY, transform: `translate(${x} ${-y}) rotate(${turn})`, class: "body", "data-part": "body" }),
    label(x - 0.27 * Math.cos(turn * Math.PI / 180), -y - 0.27 * Math.sin(turn * Math.PI / 180) + 0.05, n + 1, 0.15),
    drawn("title", {}, words),
  );
  return node;
}

function spot(event) {
  const plan = at("plan"), point = new DOMPoint(event.clientX, event.clientY).matrixTransform(plan.getScreenCTM().inverse());
  return [point.x, -point.y];
}

const within = ([low, high], value) => Math.min(high, Math.max(low, value));
const round = (value) => Math.round(value * 1000) / 1000;

// Move a camera with its aim, or its aim alone, by metres; both stay in the room.
function moved(store, camera, part, dx, dy) {
  const inside = (p) => [round(within(store.room.x, p[0] + dx)), round(within(store.room.y, p[1] + dy)), p[2]];
  return { ...camera, position: part === "aim" ? camera.position : inside(camera.position), target: inside(camera.target) };
}

// `page` has store, cameras and choose(n), change(n, camera).
function movePlan(page) {
  const plan = at("plan");
  plan.addEventListener("pointerdown", (event) => {
    const part = event.target.dataset?.part, node = event.target.closest("[data-camera]");
    if (!part || !node) return;
    const n = Number(node.dataset.camera);
    grabbed = { n, part, from: spot(event), camera: page.cameras[n] };
    plan.setPointerCapture(event.pointerId);
    event.preventDefault();
    page.choose(n);
    plan.querySelector(`[data-camera="${n}"]`).focus();
  });
  plan.addEventListener("pointermove", (event) => {
    if (!grabbed) return;
    const to = spot(event);
    page.change(grabbed.n, moved(page.store, grabbed.camera, grabbed.part, to[0] - grabbed.from[0], to[1] - grabbed.from[1]));
  });
  for (const end of ["pointerup", "pointercancel"]) plan.addEventListener(end, () => { grabbed = null; });
  plan.addEventListener("focusin", (event) => {
    const node = event.target.closest("[data-camera]");
    if (node && !grabbed && Number(node.dataset.camera) !== page.chosen) page.choose(Number(node.dataset.camera));
  });
  plan.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] }[event.key];
    const node = event.target.closest("[data-camera]");
    if (!step || !node) return;
    event.preventDefault();
    const n = Number(node.dataset.camera);
    page.change(n, moved(page.store, page.cameras[n], event.shiftKey ? "aim" : "body", ...step));
  });
}
