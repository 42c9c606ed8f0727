"""Scripts that look over a page in the browser."""

_CONTRAST = """
const channel = (c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const parse = (text) => text.match(/[\\d.]+/g).map(Number);
const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const ground = (node) => {
  for (; node; node = node.parentElement) {
    const color = parse(getComputedStyle(node).backgroundColor);
    if (color.length === 3 || color[3] === 1) return color;
  }
};
const low = [];
const isText = (child) => child.nodeType === 3 && child.data.trim();
const skipped = "SKIPPED";
for (const node of document.querySelectorAll(`body *:not(${skipped})`)) {
  if (!(node.value || [...node.childNodes].some(isText))) continue;
  if (!node.checkVisibility({ opacityProperty: OPACITY })) continue;
  const [a, b] = [luminance(parse(getComputedStyle(node).color)), luminance(ground(node))];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (contrast < 4.5) low.push(`${node.tagName}#${node.id}.${node.className} ${contrast}`);
}
return low;
"""


def contrast(skipped: str, see_through: bool = True) -> str:
    """Script that lists every visible text whose contrast with what is behind it is below WCAG AA.

    ``skipped`` selects what is not asked; without ``see_through``, nor is text of opacity 0.
    """
    opacity = "false" if see_through else "true"
    return _CONTRAST.replace("SKIPPED", skipped).replace("OPACITY", opacity)


CONTRAST = contrast("script, option, [type=range], :disabled, :disabled *")

# What a page's structure lacks for readers who can't see it: one line per complaint.
STRUCTURE = """
const lacks = [];
const text = (node) => node.textContent.trim().slice(0, 60);
for (const img of document.querySelectorAll("img")) {
  if (!img.alt.trim()) lacks.push("img without alternative text");
  if (!(img.complete && img.naturalWidth)) lacks.push(`img not shown: ${img.alt.slice(0, 60)}`);
}
for (const table of document.querySelectorAll("table")) {
  if (!table.querySelector("thead th[scope=col]")) lacks.push(`no headers: ${text(table)}`);
  if (table.matches(".hc-table") && !table.caption) lacks.push(`no caption: ${text(table)}`);
  for (const row of table.querySelectorAll("tbody tr")) {
    if (!row.querySelector("th[scope]")) lacks.push(`row without header: ${text(row)}`);
  }
}
for (const figure of document.querySelectorAll("figure.hc-figure")) {
  const caption = figure.querySelector("figcaption")?.textContent ?? "";
  if (!figure.querySelector("img[src^='data:image/svg']")) continue; // a picture, not a measurement
  const runs = /seed|orders? of the training items|one run/i;
  const stated = [["n", /n = /], ["seeds or orders", runs], ["interval", /interval/]];
  for (const [what, said] of stated) {
    if (!said.test(caption)) lacks.push(`figure without ${what}: ${caption.slice(0, 60)}`);
  }
}
let level = 0;
for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
  const own = Number(heading.tagName[1]);
  if (heading.closest(".hc-card")) continue;
  if (own > level + 1) lacks.push(`heading level skipped: ${text(heading)}`);
  level = own;
}
if (document.querySelectorAll("h1").length !== 1) lacks.push("not one h1");
if (!document.documentElement.lang) lacks.push("no language");
if (!document.title) lacks.push("no title");
if (!document.querySelector("main")) lacks.push("no main");
return lacks;
"""
