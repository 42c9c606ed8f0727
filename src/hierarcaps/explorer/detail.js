// One image: its gold tiers, and what each run retrieves from generic to specific.

function renderDetail() {
  const index = state.item;
  const place = view.indexOf(index);
  $("position").textContent = place === -1 ? "Image, outside this search" : `Image ${count(place + 1)} of ${count(view.length)}`;
  $("previous").disabled = place <= 0;
  $("next").disabled = place >= view.length - 1;
  $("back").href = address({ item: NOTHING });
  const name = itemName(index);
  $("image").hidden = !name;
  $("no-image").hidden = Boolean(name);
  $("image").alt = name ? clipped(texts()[itemTiers(index).at(-1)]) : "";
  if (Number($("image").dataset.item) !== index) $("image").classList.add("blank");
  if (name) showPicture($("image"), index);
  $("name").replaceChildren(caption(name && name !== itemId(index) ? `${itemId(index)} · ${name}` : itemId(index)));
  const runs = shownRuns();
  $("gold").replaceChildren(...itemTiers(index).map((tier, i) => goldTier(index, texts()[tier], i, runs)));
  $("panels").replaceChildren(...runs.map((run, i) => panel(run, LETTERS[i], index)));
  renderThreshold();
}

function goldTier(index, text, i, runs) {
  const marks = runs.map((run, k) => {
    const data = runData(run);
    if (!data) return null;
    const hit = hits(data, index)[i];
    return el("span", { className: `mark ${LETTERS[k].toLowerCase()}${hit ? " hit" : ""}` },
      el("span", { textContent: `${LETTERS[k]} ${hit ? "✓" : "–"}`, ariaHidden: "true" }),
      forReaders(`, ${hit ? "found" : "not found"} by run ${LETTERS[k]}`));
  });
  return el("li", {},
    el("span", { className: "node", textContent: i + 1, ariaHidden: "true" }),
    caption(text, { className: "words" }),
    el("span", { className: "marks" }, ...marks));
}

function panel(run, letter, index) {
  const [model, objective, seed] = page.runs[run];
  const data = runData(run);
  const head = el("h3", { id: `panel-${letter}` },
    el("span", { className: "badge", textContent: letter, ariaHidden: "true" }),
    forReaders(`Run ${letter}: `),
    el("span", {}, caption(model), `${ALIGNED.includes(objective) ? " + " : " "}${objectiveName(objective)} `,
      el("small", { textContent: seedsOf(run) > 1 ? `seed ${seed}` : "" })));
  const box = el("section", { className: `panel ${letter.toLowerCase()}` }, head);
  box.setAttribute("aria-labelledby", head.id);
  box.dataset.run = run;
  if (!data) {
    box.append(el("p", { className: "soft", textContent: "Loading…" }));
    return box;
  }
  const [precision, recallValue, retrieved, radii] = data.rows[index];
  box.append(
    el("p", { className: "soft" },
      el("span", { textContent: `precision ${decimals(precision, 2)}` }), " ",
      el("span", { textContent: `recall ${decimals(recallValue, 2)}` })),
    strip(data, index),
    el("ol", { className: "ladder" }, ...retrieved.map((text, i) => rung(index, text, radii[i]))));
  return box;
}

const ALIGNED = ["re", "ec"];
const seedsOf = (run) => page.runs.filter((other) => other[0] === page.runs[run][0] && other[1] === page.runs[run][1]).length;

function rung(index, text, radius) {
  const tiers = tiersOf(index, text);
  return el("li", { className: tiers.length ? "gold" : "" },
    el("span", { className: "node", textContent: tiers[0] ?? "", ariaHidden: "true" }),
    caption(texts()[text], { className: "words" }),
    el("span", { className: "facts" },
      tiers.length ? el("span", { className: "tier", textContent: `gold tier ${tiers.join(" and ")}` }) : null,
      el("span", { className: "radius" }, forReaders(" radius "), decimals(radius))));
}

// Where the texts lie between the run's smallest and largest radius; the list says the same in words.
function strip(data, index) {
  const [, , retrieved, radii] = data.rows[index];
  const dots = radii.map((radius, i) => {
    const dot = el("i", { className: tiersOf(index, retrieved[i]).length ? "gold" : "" });
    dot.style.left = `${positionOf(data, radius)}%`;
    return dot;
  });
  return el("div", { className: "strip", ariaHidden: "true" }, el("b"), ...dots);
}

function renderThreshold() {
  const slider = $("threshold");
  if (Number(slider.value) !== state.t) slider.value = state.t;
  const said = [];
  for (const box of $("panels").children) {
    const data = runData(Number(box.dataset.run));
    if (!data) continue;
    const last = reached(data, state.item, state.t);
    const rungs = [...box.querySelectorAll(".ladder > li")];
    rungs.forEach((node, i) => {
      node.classList.toggle("beyond", i > last);
      node.classList.toggle("now", i === last);
      if (i === last) node.setAttribute("aria-current", "true");
      else node.removeAttribute("aria-current");
    });
    box.querySelectorAll(".strip > i").forEach((dot, i) => dot.classList.toggle("beyond", i > last));
    box.querySelector(".strip > b").style.width = `${state.t}%`;
    const letter = LETTERS[said.length];
    const text = last === NOTHING ? "nothing yet" : clipped(texts()[data.rows[state.item][2][last]]);
    said.push({ letter, radius: decimals(radiusAt(data, state.t)), text });
  }
  $("radii").textContent = said.map(({ letter, radius }) => `${letter}: radius ≤ ${radius}`).join(" · ");
  slider.setAttribute("aria-valuetext", said.map(({ letter, radius, text }) => `${letter}: radius up to ${radius}, ${text}`).join("; "));
  const stops = thresholdStops();
  $("generic").disabled = !stops.some((stop) => stop < state.t);
  $("specific").disabled = !stops.some((stop) => stop > state.t);
}

// The positions at which a shown run changes its text.
function thresholdStops() {
  return shownRuns().flatMap((run) => {
    const data = runData(run);
    return data ? data.rows[state.item][3].map((radius) => stopOf(data, radius)) : [];
  });
}

function setThreshold(position) {
  state = { ...state, t: Math.round(position * 100) / 100 };
  renderThreshold();
  writeAddress(200);
}

function stepThreshold(direction) {
  const beyond = thresholdStops().filter((stop) => (stop - state.t) * direction > 0);
  if (beyond.length) setThreshold(direction > 0 ? Math.min(...beyond) : Math.max(...beyond));
}
