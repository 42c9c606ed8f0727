// Small parts of the page. Captions, names and models only ever become text nodes, never markup.

const OBJECTIVES = { zeroshot: "zero-shot", re: "RE", ec: "EC", baseline: "baseline" };
const objectiveName = (objective) => (Object.hasOwn(OBJECTIVES, objective) ? OBJECTIVES[objective] : objective);
const LETTERS = ["A", "B"];
const LONGEST_LABEL = 200; // characters, where a caption only labels something

function el(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children.filter((child) => child !== null));
  return node;
}

// Untrusted text keeps its own direction and cannot reorder what stands around it.
const caption = (text, properties = {}) => el("bdi", { dir: "auto", textContent: text, ...properties });
const clipped = (text) => (text.length > LONGEST_LABEL ? `${[...text].slice(0, LONGEST_LABEL).join("")}…` : text);
const forReaders = (text) => el("span", { className: "sr", textContent: text });
const count = (number) => number.toLocaleString("en");
const decimals = (value, digits = 3) => value.toFixed(digits).replace("-", "−");

// The image's gold tiers (1 to 4) that a text is; none for most texts.
const tiersOf = (index, text) => itemTiers(index).flatMap((gold, i) => (gold === text ? [i + 1] : []));

// Per gold tier, whether a run retrieves it at some threshold.
const hits = (data, index) => itemTiers(index).map((gold) => data.rows[index][2].includes(gold));

function pips(letter, found) {
  const hitCount = found.filter(Boolean).length;
  return el("span", { className: `pips ${letter.toLowerCase()}` },
    el("b", { textContent: letter, ariaHidden: "true" }),
    ...found.map((hit) => el("i", { className: hit ? "hit" : "", ariaHidden: "true" })),
    forReaders(`Run ${letter} finds ${hitCount} of ${found.length} gold tiers. `));
}

// Positions 0 to 100 of the slider run over all radii that a run retrieves for any image.
const radiusAt = (data, position) => data.low + ((data.high - data.low) * position) / 100;
const positionOf = (data, radius) => (data.high > data.low ? (100 * (radius - data.low)) / (data.high - data.low) : 0);
// The slider's positions have two decimals; rounding up keeps a text within its own position.
const stopOf = (data, radius) => Math.min(100, Math.ceil(positionOf(data, radius) * 100 - 1e-6) / 100);

// The place in its row of the text retrieved at a position, -1 where nothing is within it.
const reached = (data, index, position) =>
  data.rows[index][3].findLastIndex((radius) => stopOf(data, radius) <= position);

function options(select, values, labels, chosen) {
  const fresh = values.map((value, i) => el("option", { value, textContent: labels[i] }));
  select.replaceChildren(...fresh);
  select.selectedIndex = values.indexOf(chosen);
}

// The three menus of a run. Where a model leaves no choice of objective or seed, there is no menu.
function fillRunMenus(key, optional) {
  const run = state[key];
  const models = [...new Set(page.runs.map(([model]) => model))];
  const [model, objective, seed] = page.runs[run] ?? [];
  const values = models.map((_, i) => i).concat(optional ? [NOTHING] : []);
  options($(`${key}-model`), values, models.concat("none"), run === NOTHING ? NOTHING : models.indexOf(model));
  const ofModel = page.runs.filter((other) => other[0] === model);
  const objectives = [...new Set(ofModel.map((other) => other[1]))];
  options($(`${key}-objective`), objectives, objectives.map(objectiveName), objective);
  $(`${key}-objective`).hidden = objectives.length < 2;
  const seeds = ofModel.filter((other) => other[1] === objective).map((other) => other[2]);
  options($(`${key}-seed`), seeds, seeds.map((value) => `seed ${value}`), seed);
  $(`${key}-seed`).hidden = seeds.length < 2;
}

// The run that a changed menu asks for: as near as possible to the one shown.
function chosenRun(key, part) {
  const models = [...new Set(page.runs.map(([model]) => model))];
  const number = Number($(`${key}-model`).value);
  if (number === NOTHING) return NOTHING;
  const wanted = [models[number], $(`${key}-objective`).value, Number($(`${key}-seed`).value)];
  const fixed = ["model", "objective", "seed"].indexOf(part) + 1;
  let best = NOTHING;
  let nearest = -1;
  page.runs.forEach((run, i) => {
    const alike = run.map((value, k) => value === wanted[k]);
    const score = alike.slice(0, fixed).every(Boolean) ? 1 + alike.filter(Boolean).length : 0;
    if (score > nearest && score > 0) [best, nearest] = [i, score];
  });
  return best;
}
