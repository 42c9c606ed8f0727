// What the reviewer sees and does. Captions only ever become text (textContent, value), never markup.

const $ = (id) => document.getElementById(id);
const LABELS = { "": "undecided", accept: "accepted", edit: "accepted with edits", reject: "rejected" };
const TIER_NAMES = ["Tier 1, most general", "Tier 2", "Tier 3", "Tier 4, most specific"];

const rows = [];
const saved = []; // per item: a CSV (or the exported sheet) holds the row
items.forEach((item, i) => {
  const merged = merge(item, readEntry(item.id));
  rows[i] = merged.row;
  saved[i] = merged.saved;
});
const history = []; // {index, row, saved} before each change, for undo
let current = 0;
let filter = "all";
let typing = null; // the text field whose edits since it took the focus are one step of undo

const tiers = TIER_NAMES.map(buildTier);

function buildTier(name, i) {
  const line = document.createElement("li");
  const add = (parent, tag, properties) => parent.appendChild(Object.assign(document.createElement(tag), properties));
  add(line, "span", { className: "rung", textContent: i + 1, ariaHidden: "true" });
  add(line, "label", { textContent: name, htmlFor: `tier-${i + 1}` });
  const text = add(line, "textarea", { id: `tier-${i + 1}`, rows: 1, dir: "auto", spellcheck: true });
  text.setAttribute("aria-describedby", `note-${i + 1}`);
  const note = add(line, "p", { id: `note-${i + 1}`, className: "note", hidden: true });
  const proposed = add(line, "div", { className: "proposed", hidden: true });
  const proposal = add(add(proposed, "p", { textContent: "Proposed: " }), "bdi", {});
  const restore = add(proposed, "button", { type: "button", textContent: "Restore" });
  restore.setAttribute("aria-label", `Restore the proposed tier ${i + 1}`);
  restore.addEventListener("click", () => {
    typing = null;
    edit({ tiers: rows[current].tiers.with(i, items[current].tiers[i]) });
    render();
    text.focus();
  });
  text.addEventListener("input", () => edit({ tiers: rows[current].tiers.with(i, text.value) }, text));
  $("ladder").append(line);
  return { line, text, note, proposed, proposal };
}

// ---- changing rows ---------------------------------------------------------------------------

function change(index, row, isSaved = false) {
  rows[index] = row;
  saved[index] = isSaved;
  if (!writeEntry(items[index], row, isSaved)) {
    $("warning").textContent = "This browser does not keep your work: save the CSV before you close the page.";
    $("warning").hidden = false;
  }
}

function remember(index) {
  history.push({ index, row: rows[index], saved: saved[index] });
}

function edit(part, field = null) {
  if (!field || typing !== field) remember(current);
  typing = field;
  change(current, settle(items[current], { ...rows[current], ...part }));
  renderState();
}

function decide(decision) {
  if ($("item").hidden) return;
  const row = rows[current];
  const empty = row.tiers.findIndex(isEmpty);
  if (decision === "accept" && empty >= 0) {
    say(`Tier ${empty + 1} is empty: write a caption, or reject the item.`);
    tiers[empty].text.focus();
    return;
  }
  const index = current;
  remember(index);
  change(index, settle(items[index], { ...row, decision, proposal: items[index].proposal }));
  if (decision) advance(index);
  render();
  focusItem();
  const finished = decision && !rows.some((row) => !row.decision);
  say(`Item ${index + 1} ${LABELS[rows[index].decision]}.` + (finished ? " Every item is decided: save the CSV." : ""));
}

function undo() {
  const step = history.pop();
  if (!step) return say("Nothing to undo.");
  typing = null;
  change(step.index, step.row, step.saved);
  current = step.index;
  if (!isShown(current)) setFilter("all");
  render();
  focusItem();
  say(`Undone: item ${step.index + 1} is ${LABELS[step.row.decision]} again.`);
}

// ---- moving ----------------------------------------------------------------------------------

function isShown(index) {
  const row = rows[index];
  if (filter === "all") return index < items.length;
  if (filter === "changed") return isChanged(items[index], row);
  return row.decision === (filter === "undecided" ? "" : filter);
}

/** The nearest shown item after (step 1) or before (step -1) `index` that passes the test, or -1. */
function find(index, step, test = isShown) {
  for (let i = index + step; i >= 0 && i < items.length; i += step) if (test(i)) return i;
  return -1;
}

const isOpen = (index) => rows[index].decision === "";

function findOpen(index) {
  const later = find(index, 1, isOpen);
  return later >= 0 ? later : find(-1, 1, isOpen);
}

/** After a decision: among all items, on to the next undecided one; within a filter, to its next. */
function advance(index) {
  let target = filter === "all" ? findOpen(index) : find(index, 1);
  if (target < 0 && filter === "all") target = find(index, 1);
  if (target < 0) target = isShown(index) ? index : find(items.length, -1);
  if (target >= 0) current = target;
}

function go(target, problem) {
  if (target < 0) return say(problem);
  current = target;
  render();
  focusItem();
  say(`Item ${current + 1}, ${LABELS[rows[current].decision]}.`, false); // visible anyway
}

function setFilter(value) {
  filter = $("filter").value = value;
  if (isShown(current)) return;
  const target = find(current, 1);
  current = target >= 0 ? target : Math.max(find(current, -1), 0);
}

// ---- showing ---------------------------------------------------------------------------------

function render() {
  typing = null;
  const shown = items.length > 0 && isShown(current);
  $("item").hidden = !shown;
  $("empty").hidden = shown;
  renderCounts();
  if (!shown) return renderEmpty();
  const item = items[current];
  $("position").textContent = `Item ${current + 1} of ${items.length}`;
  $("jump").value = current + 1;
  $("image").hidden = !item.src;
  $("no-image").hidden = Boolean(item.src);
  if (item.src) $("image").src = item.src;
  $("image").alt = `Image of item ${item.id}`;
  $("file").textContent = item.image && item.image !== item.id ? `${item.id} · ${item.image}` : item.id;
  tiers.forEach((tier, i) => {
    tier.text.value = rows[current].tiers[i];
    tier.proposal.textContent = item.tiers[i];
  });
  $("comment").value = rows[current].comment;
  renderState();
  window.scrollTo(0, 0);
}

/** Everything but the texts themselves, so that a caret stays where it is. */
function renderState() {
  const item = items[current];
  const row = rows[current];
  $("item").dataset.decision = row.decision;
  $("badge").className = `badge ${row.decision}`;
  $("badge").textContent = LABELS[row.decision];
  $("clear").hidden = !row.decision;
  $("stale").hidden = !isChanged(item, row);
  $("accept-text").textContent = isEdited(item, row) ? "Accept edits" : "Accept";
  tiers.forEach(({ line, text, note, proposed }, i) => {
    const edited = row.tiers[i] !== item.tiers[i];
    line.className = edited ? "edited" : "";
    proposed.hidden = !edited;
    note.textContent = describe(row.tiers[i]);
    note.hidden = !note.textContent;
    text.ariaInvalid = String(isEmpty(row.tiers[i]));
    fit(text);
  });
  fit($("comment"));
  renderCounts();
}

/** What cannot be seen in the caption itself. */
function describe(text) {
  if (isEmpty(text)) return "This tier is empty.";
  const notes = [];
  const hidden = text.match(/[\0-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/g);
  if (hidden) {
    const names = [...new Set(hidden)].map((c) => "U+" + c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0"));
    notes.push(`Hidden characters: ${names.join(", ")}.`);
  }
  if (text.includes("=>")) notes.push("“=>” separates tiers in the official CSV format: better without it.");
  if (text.length > 500) notes.push(`${text.length.toLocaleString("en")} characters.`);
  return notes.join(" ");
}

function fit(text) {
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight + 2}px`;
}

function renderCounts() {
  const count = (decision) => rows.filter((row) => row.decision === decision).length;
  const parts = { accept: count("accept"), edit: count("edit"), reject: count("reject"), open: count("") };
  for (const [name, n] of Object.entries(parts)) $("bar").querySelector("." + name).style.flexGrow = n;
  const decided = items.length - parts.open;
  const unsaved = saved.filter((is) => !is).length;
  $("counts").textContent =
    `${decided} of ${items.length} decided · ${parts.accept} accepted, ${parts.edit} edited, ${parts.reject} rejected · ` +
    (unsaved ? `${unsaved} to save` : "nothing to save");
  $("undo").disabled = !history.length;
}

function renderEmpty() {
  const done = filter === "undecided" && items.length > 0;
  $("empty-title").textContent = done ? "Every item is decided" : "No such items";
  $("empty-text").textContent = done
    ? "Save the CSV (S) and put it in place of the exported sheet: the workflow reads it back as the curated test set."
    : "No item matches the filter.";
}

function focusItem() {
  ($("item").hidden ? $("empty") : $("item")).focus({ preventScroll: true });
}

let fading = 0;
/** Tell screen readers, and show for a moment. */
function say(text, shown = true) {
  $("status").textContent = text;
  $("status").className = shown ? "shown" : "";
  clearTimeout(fading);
  fading = setTimeout(() => ($("status").className = ""), 2500);
}
