// From state to page, and from what the reader does to state.

let shown = NOTHING; // the item of the detail on the page
let scrolled = 0; // where the grid was left

async function render() {
  for (const [key, optional] of [["a", false], ["b", true]]) fillRunMenus(key, optional);
  $("swap").disabled = state.b === NOTHING;
  renderGrid();
  const open = state.item !== NOTHING;
  if (open && shown === NOTHING) scrolled = scrollY;
  $("browse").hidden = open;
  $("detail").hidden = !open;
  document.title = open ? `${itemId(state.item)} · Hierarchy explorer` : "Hierarchy explorer";
  if (open) renderDetail();
  const was = shown;
  shown = state.item;
  if (open && was === NOTHING) {
    scrollTo(0, 0);
    $("position").focus({ preventScroll: true });
  } else if (!open && was !== NOTHING) {
    scrollTo(0, scrolled);
    if (view.includes(was)) focusTile(view.indexOf(was));
  }
  const missing = shownRuns().filter((run) => !runData(run));
  if (!missing.length) return;
  const loaded = await Promise.allSettled(missing.map((run) => load(runFile(run))));
  if (loaded.every(({ status }) => status === "fulfilled")) render();
}

function step(direction) {
  const to = view.indexOf(state.item) + direction;
  if (to >= 0 && to < view.length) change({ item: view[to] });
}

function swap() {
  if (state.b !== NOTHING) change({ a: state.b, b: state.a });
}

function back() {
  location.hash = address({ item: NOTHING });
}

// Browsers have no storage for some pages opened from disk: then the choice lasts as long as the page.
function keepLetters() {
  try {
    localStorage.setItem("explorer-letters", $("letters").checked ? "on" : "off");
  } catch { /* see above */ }
}

function startKeys() {
  try {
    $("letters").checked = localStorage.getItem("explorer-letters") !== "off";
  } catch { /* see above */ }
  const inDetail = { j: () => step(1), k: () => step(-1), g: () => stepThreshold(-1), s: () => stepThreshold(1) };
  const anywhere = { x: swap, "?": () => $("help").showModal() };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
    const { key, target } = event;
    const open = state.item !== NOTHING;
    const typing = target.matches("input[type=search], select");
    let act = null;
    if (key === "Escape" && open) act = back;
    else if (!open && target.matches(".tile") && /^(Arrow|Home|End)/.test(key)) act = () => moveInGrid(key);
    else if (!open && target === $("search") && key === "ArrowDown") act = () => focusTile(current);
    else if (open && !target.matches("input, select") && key === "ArrowRight") act = () => step(1);
    else if (open && !target.matches("input, select") && key === "ArrowLeft") act = () => step(-1);
    else if (!typing && $("letters").checked && key.length === 1) {
      if (key === "/") act = openSearch;
      else act = (open && inDetail[key.toLowerCase()]) || anywhere[key.toLowerCase()];
    }
    if (!act) return;
    event.preventDefault();
    act();
  });
}

function openSearch() {
  if (state.item !== NOTHING) change({ item: NOTHING });
  $("search").focus();
  $("search").select();
}

function startControls() {
  for (const key of ["a", "b"]) {
    for (const part of ["model", "objective", "seed"]) {
      $(`${key}-${part}`).addEventListener("change", () => change({ [key]: chosenRun(key, part) }));
    }
  }
  $("swap").addEventListener("click", swap);
  $("sort").addEventListener("change", () => change({ sort: $("sort").value }));
  $("search").addEventListener("input", () => change({ q: $("search").value }));
  $("clear").addEventListener("click", () => {
    change({ q: "" });
    $("search").focus();
  });
  $("skip").addEventListener("click", (event) => {
    event.preventDefault(); // the address holds the state
    $("main").focus();
  });
  $("previous").addEventListener("click", () => step(-1));
  $("next").addEventListener("click", () => step(1));
  $("threshold").addEventListener("input", () => setThreshold(Number($("threshold").value)));
  $("generic").addEventListener("click", () => stepThreshold(-1));
  $("specific").addEventListener("click", () => stepThreshold(1));
  $("keys").addEventListener("click", () => $("help").showModal());
  $("close").addEventListener("click", () => $("help").close());
  $("letters").addEventListener("change", keepLetters);
  addEventListener("hashchange", () => {
    readAddress();
    render();
  });
}

async function start() {
  readAddress(); // the runs of the address; its image is found once captions are here
  const runs = Promise.allSettled(shownRuns().map((run) => load(runFile(run))));
  await load("captions.js");
  readAddress();
  await runs;
  startControls();
  startKeys();
  render();
}

history.scrollRestoration = "manual";
start();
