// Keeps the page up to date: asks for its facts again and puts them in the place of the
// old ones. They come as HTML from the server, which escapes what queues are called.
"use strict";

const facts = document.getElementById("facts");
const lost = document.getElementById("lost");
const filter = document.getElementById("filter");
let age = 0;

function state() { return document.getElementById("state").dataset; }

function words(seconds) {
  const units = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]];
  const i = Math.max(0, units.findIndex(([, size]) => seconds >= size || size === 1));
  const rest = i + 1 < units.length ? Math.floor(seconds % units[i][1] / units[i + 1][1]) : 0;
  return Math.floor(seconds / units[i][1]) + units[i][0] + (rest ? " " + rest + units[i + 1][0] : "");
}

function sift() {
  const text = filter.value.trim().toLowerCase();
  let shown = 0;
  for (const row of document.querySelectorAll("tbody tr")) {
    row.hidden = !row.querySelector("th").textContent.toLowerCase().includes(text);
    shown += row.hidden ? 0 : 1;
  }
  const none = document.getElementById("none");
  if (none) none.hidden = shown > 0;
}

function settle() {
  age = Number(state().age);
  const attention = Number(state().attention);
  document.title = (attention ? "(" + attention + ") " : "") + "DLQ status";
  sift();
}

async function refresh() {
  try {
    const answer = await fetch("facts?version=" + state().version, { signal: AbortSignal.timeout(20000) });
    if (answer.status === 200) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      facts.replaceChildren(...page.body.childNodes);
      settle();
    } else if (answer.status !== 204) {
      throw new Error("status " + answer.status);
    }
    lost.hidden = true;
  } catch {
    lost.hidden = false;
  }
  setTimeout(refresh, document.hidden ? 15000 : 2000);
}

filter.addEventListener("input", sift);
document.addEventListener("keydown", (e) => {
  if (e.key === "/" && document.activeElement !== filter && !e.ctrlKey && !e.metaKey && !e.altKey) {
    e.preventDefault();
    filter.focus();
  } else if (e.key === "Escape" && document.activeElement === filter) {
    filter.value = "";
    sift();
  }
});
setInterval(() => {
  age += 1;
  const shown = document.getElementById("age");
  if (shown) shown.textContent = words(age);
}, 1000);

filter.parentElement.hidden = false;
settle();
setTimeout(refresh, 2000);
