// The images: search, order, and a grid that grows and loads its pictures as it is scrolled.

const BATCH = 120;
const recall = (run, index) => runData(run).rows[index][1];
const gain = (index) => recall(state.b, index) - recall(state.a, index);
// label; the runs it needs; what it sorts by, largest first
const SORTS = {
  order: ["as in the test set", [], null],
  a_most: ["A finds most gold tiers", ["a"], (index) => recall(state.a, index)],
  a_least: ["A finds fewest gold tiers", ["a"], (index) => -recall(state.a, index)],
  b_most: ["B finds most gold tiers", ["b"], (index) => recall(state.b, index)],
  b_least: ["B finds fewest gold tiers", ["b"], (index) => -recall(state.b, index)],
  gain: ["B gains most over A", ["a", "b"], gain],
  loss: ["B loses most against A", ["a", "b"], (index) => -gain(index)],
};

let view = []; // numbers of the items shown, in order
let drawn = 0; // how many of them have a tile
let drawnFor = ""; // what the grid was drawn for
let current = 0; // place in view of the tile that takes the focus

const fold = (text) => text.normalize("NFKC").toLowerCase();
let haystacks = null;

function matches(query) {
  haystacks ??= arrived.get("captions.js").items.map(([id, name, tiers]) =>
    fold([id, name, ...tiers.map((tier) => texts()[tier])].join("\n")));
  const words = fold(query).split(/\s+/).filter(Boolean);
  return [...haystacks.keys()].filter((index) => words.every((word) => haystacks[index].includes(word)));
}

function sorted(indexes) {
  const [, needs, key] = SORTS[state.sort];
  const ready = needs.every((name) => state[name] !== NOTHING && runData(state[name]));
  return key && ready ? indexes.sort((one, other) => key(other) - key(one) || one - other) : indexes;
}

function renderGrid() {
  const usable = Object.keys(SORTS).filter((name) => !SORTS[name][1].includes("b") || state.b !== NOTHING);
  options($("sort"), usable, usable.map((name) => SORTS[name][0]), usable.includes(state.sort) ? state.sort : "order");
  if ($("search").value !== state.q) $("search").value = state.q;
  const key = JSON.stringify([state.q, state.sort, state.a, state.b, shownRuns().map((run) => Boolean(runData(run)))]);
  if (key === drawnFor) return;
  drawnFor = key;
  const item = view[current];
  view = sorted(matches(state.q));
  current = Math.max(0, view.indexOf(item));
  const part = view.length === page.items ? "" : `${count(view.length)} of `;
  $("count").textContent = `${part}${count(page.items)} ${page.items === 1 ? "image" : "images"}`;
  $("none").hidden = view.length > 0;
  const before = drawn;
  nearView.disconnect();
  $("grid").replaceChildren();
  drawn = 0;
  draw(Math.max(BATCH, current + 1, before));
}

function draw(end) {
  const fresh = view.slice(drawn, end).map((index, i) => tile(index, drawn + i));
  $("grid").append(...fresh);
  drawn += fresh.length;
  for (const node of fresh) nearView.observe(node);
  $("more").hidden = drawn >= view.length;
}

function tile(index, place) {
  const gold = texts()[itemTiers(index).at(-1)];
  const scores = shownRuns().map((run, i) => {
    const data = runData(run);
    return data ? pips(LETTERS[i], hits(data, index)) : null;
  });
  const link = el("a", { className: "tile", href: address({ item: index }), tabIndex: place === current ? 0 : -1 },
    el("img", { alt: "", className: "blank", decoding: "async" }),
    caption(clipped(gold), { className: "words" }),
    el("span", { className: "scores" }, forReaders(". "), ...scores));
  link.dataset.place = place;
  return el("li", {}, link);
}

const nearView = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    nearView.unobserve(target);
    showPicture(target.querySelector("img"), view[target.firstChild.dataset.place]);
  }
}, { rootMargin: "300px" });

new IntersectionObserver((entries) => {
  if (entries.some((entry) => entry.isIntersecting)) draw(drawn + BATCH);
}, { rootMargin: "1200px" }).observe($("more"));

// A link leads to its image in the state of now, not of when the tile was drawn.
for (const sign of ["focusin", "pointerover"]) {
  $("grid").addEventListener(sign, ({ target }) => {
    const link = target.closest(".tile");
    if (link) link.href = address({ item: view[link.dataset.place] });
  });
}

// One tile is in the tab order; arrows move among them.
function focusTile(place) {
  if (!view.length) return;
  const tiles = $("grid").children;
  if (tiles[current]) tiles[current].firstChild.tabIndex = -1;
  current = Math.min(Math.max(place, 0), view.length - 1);
  if (current >= drawn) draw(current + BATCH);
  tiles[current].firstChild.tabIndex = 0;
  tiles[current].firstChild.focus();
}

function columnCount() {
  const tiles = [...$("grid").children];
  const second = tiles.findIndex((node) => node.offsetTop > tiles[0].offsetTop);
  return second === -1 ? tiles.length : second;
}

function moveInGrid(key) {
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columnCount(), ArrowUp: -columnCount(), Home: -Infinity, End: Infinity };
  const to = current + steps[key];
  const vertical = key === "ArrowDown" || key === "ArrowUp";
  if (!vertical || (to >= 0 && to < view.length)) focusTile(to);
}
