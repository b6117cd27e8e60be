"use strict";
// The page is complete without this. It adds tooltips at once, lights up a message
// wherever it is shown, opens its history when it is chosen, and filters.
(() => {
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  document.body.append(tip);
  for (const mark of document.querySelectorAll(".timeline .mark")) {
    const title = mark.querySelector("title");
    mark.dataset.tip = title.textContent;
    mark.setAttribute("aria-label", title.textContent);
    title.remove(); // else the browser's own tooltip comes, too
  }
  const lanes = (id) => document.querySelectorAll(`[data-lane="${id}"]`);
  document.addEventListener("pointerover", (e) => {
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
  });
  document.addEventListener("scroll", () => { tip.hidden = true; }, true);

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
