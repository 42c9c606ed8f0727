// What is shown. It lives in the address after "#", so that a view can be linked to and "back" works.

const NOTHING = -1;
const defaults = { q: "", sort: "order", a: page.pair[0], b: page.pair[1] ?? NOTHING, item: NOTHING, t: 100 };
let state = { ...defaults };

const runName = (run) => page.runs[run].join("/");
const findRun = (name) => page.runs.findIndex((run) => run.join("/") === name);
const shownRuns = () => [state.a, state.b].filter((run) => run !== NOTHING);

function address(changes = {}) {
  const next = { ...state, ...changes };
  const parts = new URLSearchParams();
  if (next.item !== NOTHING) parts.set("image", itemId(next.item));
  if (next.q) parts.set("q", next.q);
  if (next.sort !== defaults.sort) parts.set("sort", next.sort);
  if (next.a !== defaults.a) parts.set("a", runName(next.a));
  if (next.b !== defaults.b) parts.set("b", next.b === NOTHING ? "none" : runName(next.b));
  if (next.t !== defaults.t) parts.set("t", next.t);
  return `#${parts}`;
}

function readAddress() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const run = (key) => {
    if (key === "b" && parts.get(key) === "none") return NOTHING;
    const found = findRun(parts.get(key));
    return found === NOTHING ? defaults[key] : found;
  };
  const t = Number(parts.get("t") ?? defaults.t);
  state = {
    q: parts.get("q") ?? "",
    sort: Object.hasOwn(SORTS, parts.get("sort")) ? parts.get("sort") : defaults.sort,
    a: run("a"),
    b: run("b"),
    item: arrived.has("captions.js") ? numberOfItem().get(parts.get("image")) ?? NOTHING : NOTHING,
    t: t >= 0 && t <= 100 ? t : defaults.t,
  };
}

// Change the state without a new entry in the history.
function change(changes) {
  state = { ...state, ...changes };
  writeAddress();
  render();
}

// Browsers refuse more than some hundred changes of the address in a few seconds: a dragged slider
// is written once it rests.
let writing = 0;
function writeAddress(delay = 0) {
  clearTimeout(writing);
  const write = () => history.replaceState(null, "", address());
  if (delay) writing = setTimeout(write, delay);
  else write();
}

let itemNumbers = null;
function numberOfItem() {
  itemNumbers ??= new Map(arrived.get("captions.js").items.map((item, index) => [item[0], index]));
  return itemNumbers;
}
