"use strict";
// The page is complete without this. It adds tooltips at once, for the pointer and for the
// keyboard, lights up a message wherever it is shown, opens its history when it is chosen,
// and filters.
(() => {
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  document.body.append(tip);
  for (const mark of document.querySelectorAll(".timeline .mark")) {
    const title = mark.querySelector("title");
    mark.dataset.tip = title.textContent;
    mark.setAttribute("aria-label", title.textContent);
    mark.setAttribute("role", "img");
    mark.setAttribute("tabindex", "-1");
    title.remove(); // else the browser's own tooltip comes, too
  }
  const lanes = (id) => document.querySelectorAll(`[data-lane="${id}"]`);
  const show = (e) => {
    const mark = e.target.closest?.("[data-tip]");
    tip.hidden = !mark;
    if (mark) {
      tip.textContent = mark.dataset.tip;
      const at = mark.getBoundingClientRect();
      const room = tip.getBoundingClientRect();
      tip.style.left = Math.max(6, Math.min(at.left + 14, innerWidth - room.width - 6)) + "px";
      tip.style.top = (at.bottom + room.height + 8 > innerHeight ? at.top - room.height - 6 : at.bottom + 6) + "px";
    }
    const lane = e.target.closest?.("[data-lane]")?.dataset.lane;
    for (const lit of document.querySelectorAll(".lit")) {
      if (lit.dataset.lane !== lane) lit.classList.remove("lit");
    }
    if (lane) for (const l of lanes(lane)) l.classList.add("lit");
  };
  document.addEventListener("pointerover", show);
  document.addEventListener("focusin", show);
  document.addEventListener("scroll", () => {
    tip.hidden = true;
    if (document.activeElement?.matches("[data-tip]")) show({ target: document.activeElement });
  }, true);

  // The arrow keys go through the marks of a row, from its label on, and to other rows.
  const rows = (timeline) => {
    const marks = [...timeline.querySelectorAll(".plot [data-tip]")];
    const middle = (m) => { const box = m.getBoundingClientRect(); return box.left + box.width / 2; };
    const byPlace = (a, b) => middle(a) - middle(b);
    const labels = [...timeline.querySelectorAll(".label")];
    return labels.map((label) => {
      const own = label.getBoundingClientRect();
      const of = marks.filter((m) => {
        const lane = m.closest("[data-lane]");
        if (lane || label.dataset.lane) return lane?.dataset.lane === label.dataset.lane;
        const box = m.getBoundingClientRect();
        const y = box.top + box.height / 2;
        return y >= own.top && y < own.bottom;
      });
      return [label, ...of.sort(byPlace)];
    });
  };
  document.addEventListener("keydown", (e) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[e.key];
    const from = e.target.closest?.("[data-tip], .label");
    if (e.key === "Escape") tip.hidden = true;
    if (!step || !from || e.altKey || e.ctrlKey || e.metaKey || e.shiftKey) return;
    const all = rows(from.closest(".timeline"));
    const row = all.findIndex((r) => r.includes(from));
    if (row < 0) return;
    const place = all[row].indexOf(from);
    const next = step[0] ? all[row + step[0]] : all[row];
    const to = next?.[step[0] ? Math.min(place, next.length - 1) : place + step[1]];
    if (!to) return;
    e.preventDefault();
    to.focus({ preventScroll: true });
    to.scrollIntoView({ block: "nearest", inline: to.matches(".label") ? "nearest" : "center" });
  });

  const open = () => {
    const history = document.getElementById(location.hash.slice(1));
    const details = history?.closest("details");
    if (!details) return;
    details.open = true;
    details.scrollIntoView({ block: "center" });
    details.querySelector("summary").focus({ preventScroll: true });
  };
  addEventListener("hashchange", open);
  document.addEventListener("click", (e) => { // also when it was the last one chosen
    const link = e.target.closest?.("a[href^='#']");
    if (link && link.getAttribute("href") === location.hash) open();
  });
  open();

  for (const form of document.querySelectorAll(".filter")) {
    form.hidden = false;
    const [text, blamed] = form.querySelectorAll("input");
    const messages = [...form.parentElement.querySelectorAll(".message")];
    blamed.closest("label").hidden = !messages.some((m) => m.classList.contains("blamed"));
    const apply = () => {
      const words = text.value.toLowerCase().split(/\s+/);
      let shown = 0;
      for (const m of messages) {
        const content = (m.querySelector("summary").textContent + " " + m.querySelector(".id").textContent).toLowerCase();
        const fits = words.every((w) => content.includes(w)) && (!blamed.checked || m.classList.contains("blamed"));
        m.hidden = !fits;
        if (fits) shown++;
        for (const l of lanes(m.querySelector(".history").id)) l.classList.toggle("dim", !fits);
      }
      form.querySelector("output").textContent = shown < messages.length ? `${shown} of ${messages.length}` : "";
    };
    form.addEventListener("input", apply);
    form.addEventListener("submit", (e) => e.preventDefault());
  }
})();
