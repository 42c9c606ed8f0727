"use strict";
// Data files beside the page, each loaded once, when first needed. They are scripts that call
// explorerData: a page opened from disk may load scripts, but may not fetch files.

const $ = (id) => document.getElementById(id);
const page = JSON.parse($("page").textContent);
const arrived = new Map(); // file name -> content
const asked = new Map(); // file name -> promise of the content

function explorerData(name, content) {
  arrived.set(name, content);
}

function load(name) {
  if (!asked.has(name)) {
    asked.set(name, new Promise((resolve, reject) => {
      const script = document.createElement("script");
      const fail = () => {
        asked.delete(name); // the next need tries again
        problem(`${name} could not be loaded. It belongs beside this page: was the explorer copied whole?`);
        reject(new Error(name));
      };
      script.src = `${name}?${page.versions[name]}`;
      script.onload = () => (arrived.has(name) ? resolve(arrived.get(name)) : fail());
      script.onerror = fail;
      document.head.append(script);
    }));
  }
  return asked.get(name);
}

function problem(message) {
  $("problem").textContent = message;
  $("problem").hidden = false;
}

const numbered = (kind, number) => `${kind}-${String(number).padStart(3, "0")}.js`;
const runFile = (run) => numbered("run", run);

// What a run retrieved: {low, high, rows: [[precision, recall, texts, radii], ...]}; null until it is here.
const runData = (run) => arrived.get(runFile(run)) ?? null;

// The text of a number, and an item's parts. Items and texts are at hand once captions.js is.
const texts = () => arrived.get("captions.js").texts;
const itemId = (index) => arrived.get("captions.js").items[index][0];
const itemName = (index) => arrived.get("captions.js").items[index][1];
const itemTiers = (index) => arrived.get("captions.js").items[index][2];

// Show an item's picture in an <img> as soon as it is here, unless the <img> has moved on.
async function showPicture(img, index) {
  img.dataset.item = index;
  const pictures = await load(numbered("pictures", Math.floor(index / page.per_file))).catch(() => []);
  if (Number(img.dataset.item) !== index) return;
  const source = pictures[index % page.per_file];
  if (source) img.src = source;
  else img.removeAttribute("src");
  img.classList.toggle("blank", !source);
}
