// Language and direction, showing a mark, copying and saving. Everything happens in this browser.
(() => {
  "use strict";

  const language = () =>
    new URLSearchParams(location.search).get("lang") === "en" ? "en" : "ar";

  // Gradio speaks the browser's language and offers no call to change it, but its own settings
  // panel does so by `changeLocale`, which the module below exports. tests/test_page.py watches it.
  const gradioCore = () => {
    const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
    const url = loaded.find((name) => /\/assets\/core-[^/]*\.js(\?|$)/.test(name));
    return url ? import(url) : Promise.reject(new Error("Gradio's core module was not found"));
  };

  const turn = async (chosen) => {
    document.documentElement.dir = chosen === "ar" ? "rtl" : "ltr";
    document.documentElement.lang = chosen;
    try {
      (await gradioCore()).changeLocale(chosen);
    } catch (error) {
      console.error("hadath: the labels keep the browser's language:", error);
    }
  };

  const speak = (inputs) => {
    const address = new URL(location.href);
    address.searchParams.set("lang", inputs[0]);
    history.replaceState(history.state, "", address);
    turn(inputs[0]);
    return inputs;
  };

  const scrollTo = (mark, { within = false } = {}) => {
    if (!mark) return;
    const panel = document.querySelector("#article-text .article");
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const behavior = calm ? "auto" : "smooth";
    if (panel && panel.scrollHeight > panel.clientHeight + 4) {
      const offset = mark.getBoundingClientRect().top - panel.getBoundingClientRect().top;
      panel.scrollTo({ top: panel.scrollTop + offset - panel.clientHeight / 3, behavior });
    }
    if (!within) mark.scrollIntoView({ block: "nearest", behavior });
  };

  const marks = (selector) => [...document.querySelectorAll(`#article-text mark${selector}`)];

  const flash = (found) => {
    document.querySelectorAll("#article-text mark.shown").forEach((mark) =>
      mark.classList.remove("shown"),
    );
    found.forEach((mark) => mark.classList.add("shown"));
    scrollTo(found[0]);
  };

  // The best answer into view inside the article's own panel, a refusal into view on the page.
  const reveal = () =>
    requestAnimationFrame(() => {
      scrollTo(marks(".best")[0], { within: true });
      document.querySelector(".notice.problem")?.scrollIntoView({ block: "nearest" });
    });

  const copy = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    // Plain http on another machine has no clipboard interface.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  };

  const save = (text, name, type) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };

  const exportResult = async (button) => {
    const { name, json, csv } = button.parentElement.dataset;
    if (button.dataset.export === "json") save(json, `${name}.json`, "application/json");
    if (button.dataset.export === "csv") save(csv, `${name}.csv`, "text/csv;charset=utf-8");
    if (button.dataset.export === "copy") {
      await copy(json);
      const label = (button.dataset.label ??= button.textContent); // a second click finds "copied"
      button.textContent = button.dataset.done;
      setTimeout(() => (button.textContent = label), 1500);
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-show], [data-show-at], [data-export]");
    if (!button) return;
    if (button.dataset.show) flash(marks(`[data-mark~="${button.dataset.show}"]`));
    else if (button.dataset.showAt) flash(marks(`[data-start="${button.dataset.showAt}"]`));
    else exportResult(button);
  });

  window.hadath = { language, speak, reveal };
  turn(language());
})();
