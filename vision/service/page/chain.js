"use strict";
// All stores of a chain: those that lose the most, or do not answer, come first.

const EVERY = 5000;
let stores = [];

function worth(store) {
  return store.why ? Infinity : store.summary.value;
}

function showTotals() {
  const known = stores.filter((store) => store.summary);
  const sum = (of) => known.reduce((total, store) => total + of(store.summary), 0);
  const facts = [
    ["unknown", stores.length, "stores"],
    [stores.some((store) => store.why) ? "out" : "in_stock", stores.filter((store) => store.why).length, "do not answer"],
    ["out", sum((s) => s.positions.out || 0), "positions out"],
    ["low", sum((s) => s.alerts), "alerts"],
    ["low", sum((s) => s.value).toFixed(0), "at stake a day"],
    ["unknown", sum((s) => s.bad_cameras.length), "cameras bad"],
  ];
  at("levels").replaceChildren(...facts.map(([kind, number, words]) => {
    const row = make("li", undefined, kind);
    row.append(make("b", number), words);
    return row;
  }));
}

function card(store) {
  const said = store.summary, row = make("li", undefined, store.why ? "bad" : "", said && !said.ready ? "bad" : "");
  const link = make("a", store.name);
  link.href = store.url;
  link.rel = "noreferrer";
  row.append(link);
  if (store.why) {
    const ago = store.seconds_ago === null ? "never heard of" : `last heard of ${duration(store.seconds_ago)} ago`;
    row.append(make("strong", `${store.why}; ${ago}`));
  }
  if (!said) return row;
  const share = said.availability === null ? "–" : `${(100 * said.availability).toFixed(1)} %`;
  link.after(make("b", `${said.value.toFixed(2)} a day`));
  row.append(make("span", `${share} in stock · ${said.positions.out || 0} out · ${said.alerts} alerts`, "facts"));
  for (const text of said.dearest) row.append(make("small", text));
  if (said.bad_cameras.length) row.append(make("small", `cameras: ${said.bad_cameras.join(", ")}`, "cameras"));
  return row;
}

function show() {
  const wanted = at("find").value.trim().toLowerCase();
  const found = stores.filter((store) => store.name.toLowerCase().includes(wanted));
  found.sort((a, b) => worth(b) - worth(a) || a.name.localeCompare(b.name));
  at("stores").replaceChildren(...found.map(card));
  showTotals();
}

async function follow() {
  for (;;) {
    try {
      stores = await get("v1/stores");
      at("live").textContent = "live";
      at("live").classList.remove("lost");
      show();
    } catch (error) {
      lost();
    }
    await new Promise((go) => setTimeout(go, EVERY));
  }
}

signIn(() => get("v1/stores"), "this client has not the scope read", () => {
  at("find").addEventListener("input", show);
  follow();
});
