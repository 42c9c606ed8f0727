"use strict";
// The state of a review without any DOM: rows, their decisions, the CSV and the browser's storage.

const data = JSON.parse(document.getElementById("data").textContent);
const items = data.items;

const same = (a, b) => a.every((text, i) => text === b[i]);
// Python's notion of white space, so that the workflow accepts what this page accepts.
const isEmpty = (text) => /^[\s\x1c-\x1f\x85]*$/.test(text);
const isEdited = (item, row) => !same(row.tiers, item.tiers);
const isChanged = (item, row) => row.proposal !== item.proposal;

/** A decided row stays valid while its text changes: accept <-> edit; undecided if a tier is empty. */
function settle(item, row) {
  if (row.decision !== "accept" && row.decision !== "edit") return row;
  const decision = row.tiers.some(isEmpty) ? "" : isEdited(item, row) ? "edit" : "accept";
  return { ...row, decision };
}

// ---- CSV: the same bytes as the sheet that the workflow writes -------------------------------

const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/;

function toCsv(rows) {
  const cell = (text) => '"' + (FORMULA.test(text) ? "'" : "") + text.replaceAll('"', '""') + '"';
  const lines = [data.columns];
  items.forEach((item, i) => {
    const row = rows[i];
    lines.push([item.id, row.decision, ...row.tiers, item.image, row.comment, row.proposal]);
  });
  return "\ufeff" + lines.map((cells) => cells.map(cell).join(",") + "\r\n").join("");
}

// ---- storage: one entry per item that was touched in this browser ----------------------------
// {row, base, saved}: the work, the exported row that it began from, and whether a CSV holds it.

const PREFIX = `hierarcaps-review/${data.set}/`;

function readEntry(id) {
  try {
    const entry = JSON.parse(localStorage.getItem(PREFIX + id));
    return entry && entry.row && entry.base ? entry : null;
  } catch {
    return null;
  }
}

/** Returns false where the browser keeps nothing (private window, storage full). */
function writeEntry(item, row, saved) {
  const base = readEntry(item.id)?.base ?? item.row;
  try {
    localStorage.setItem(PREFIX + item.id, JSON.stringify({ row, base, saved }));
    return true;
  } catch {
    return false;
  }
}

function forgetEntries() {
  for (const item of items) localStorage.removeItem(PREFIX + item.id);
}

/**
 * The row to show: the browser's work, unless a later sheet has replaced it. Work that no CSV holds
 * always wins; work that was saved yields to a sheet that decides otherwise.
 */
function merge(item, entry) {
  if (!entry) return { row: item.row, saved: true };
  const { row, base, saved } = entry;
  const untouched = JSON.stringify(item.row) === JSON.stringify(base);
  if (saved && !untouched && item.row.decision) return { row: item.row, saved: true };
  const tiers = !row.decision && same(row.tiers, base.tiers) ? item.row.tiers : row.tiers;
  return { row: settle(item, { ...row, tiers }), saved };
}

/** Whether single-letter keys are on, kept for all reviews; sets it where a value is given. */
function lettersOn(value) {
  const key = "hierarcaps-review/letters";
  try {
    if (value !== undefined) localStorage.setItem(key, value ? "on" : "off");
    return localStorage.getItem(key) !== "off";
  } catch {
    return value ?? true;
  }
}
