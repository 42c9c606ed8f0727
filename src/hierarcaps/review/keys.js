// Buttons and keys.

function save() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([toCsv(rows)], { type: "text/csv;charset=utf-8" }));
  link.download = data.sheet;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  items.forEach((item, i) => {
    if (!saved[i]) change(i, rows[i], true);
  });
  for (const step of history) step.saved = false; // what undo brings back is in no current CSV
  renderCounts();
  const open = rows.filter((row) => !row.decision).length;
  say(`Saved ${data.sheet}${open ? `, ${open} still undecided` : ""}.`);
}

function forget() {
  if (!confirm("Forget all work kept in this browser? The page goes back to the exported sheet.")) return;
  forgetEntries();
  location.reload();
}

function jump() {
  const target = Number($("jump").value) - 1;
  if (!(target in items)) {
    $("jump").value = current + 1;
    return say(`There is no item ${target + 1}.`);
  }
  setFilter("all");
  go(target);
}

const next = () => go(find(current, 1), "This is the last item here.");
const previous = () => go(find(current, -1), "This is the first item here.");

function nextOpen() {
  const target = findOpen(current);
  if (target >= 0 && filter !== "undecided") setFilter("all");
  go(target, "Every item is decided.");
}

function focusText(text) {
  if ($("item").hidden) return;
  text.focus();
  text.setSelectionRange(text.value.length, text.value.length);
}

function filterBy(value) {
  setFilter(value);
  render();
  say(`Showing ${$("filter").selectedOptions[0].textContent}.`);
}

const KEYS = {
  a: () => decide("accept"),
  r: () => decide("reject"),
  x: () => decide(""),
  j: next,
  arrowright: next,
  k: previous,
  arrowleft: previous,
  n: nextOpen,
  u: undo,
  c: () => focusText($("comment")),
  g: () => {
    $("jump").focus();
    $("jump").select();
  },
  f: () => filterBy(filter === "undecided" ? "all" : "undecided"),
  s: save,
  "?": () => {
    $("help").showModal();
    $("close").focus();
  },
};
tiers.forEach(({ text }, i) => (KEYS[i + 1] = () => focusText(text)));

/** Keys inside a text: the letters belong to the text. */
function onTextKey(event) {
  const tier = tiers.findIndex(({ text }) => text === event.target);
  if (event.key === "Escape") focusItem();
  else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) decide("accept");
  else if (event.key === "Enter" && tier >= 0 && tier < tiers.length - 1) focusText(tiers[tier + 1].text);
  else if (event.key === "Enter" && event.target.tagName === "TEXTAREA") focusItem();
  else if (event.key === "Enter" && event.target === $("jump")) jump();
  else return;
  event.preventDefault();
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || $("help").open) return;
  const control = (event.ctrlKey || event.metaKey) && !event.altKey;
  const inText = event.target.matches("textarea, input, select");
  let action = null;
  if (control && event.key.toLowerCase() === "s") action = save;
  else if (control && event.key.toLowerCase() === "z" && !inText) action = undo;
  else if (control && event.key === "Enter" && !inText) action = KEYS.a;
  else if (inText) return onTextKey(event);
  else if (!control && !event.altKey && $("letters").checked) action = KEYS[event.key.toLowerCase()];
  if (!action) return;
  event.preventDefault();
  // A held key repeats: fine for moving, not for deciding.
  if (!event.repeat || action === next || action === previous) action();
});

const CLICKS = {
  accept: KEYS.a, reject: KEYS.r, clear: KEYS.x, next, previous, undo, save, forget,
  keys: KEYS["?"], close: () => $("help").close(), "show-all": () => filterBy("all"),
};
for (const [id, action] of Object.entries(CLICKS)) $(id).addEventListener("click", action);
$("filter").addEventListener("change", () => filterBy($("filter").value));
$("jump").addEventListener("change", jump);
$("comment").addEventListener("input", () => edit({ comment: $("comment").value }, $("comment")));
document.addEventListener("focusout", () => (typing = null));
window.addEventListener("resize", () => $("item").hidden || renderState());
// The same review in another tab: show its work, so that neither tab writes over the other's.
window.addEventListener("storage", (event) => {
  const index = items.findIndex((item) => PREFIX + item.id === event.key);
  if (index < 0) return;
  const merged = merge(items[index], readEntry(items[index].id));
  rows[index] = merged.row;
  saved[index] = merged.saved;
  if (index === current) render();
  else renderCounts();
});
window.addEventListener("beforeunload", (event) => {
  if (!$("warning").hidden && saved.includes(false)) event.preventDefault();
});
$("letters").checked = lettersOn();
$("letters").addEventListener("change", () => lettersOn($("letters").checked));

$("sheet-name").textContent = data.sheet;
$("jump").max = items.length;
current = Math.max(find(-1, 1, isOpen), 0);
render();
focusItem();
