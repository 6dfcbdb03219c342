(() => {
  "use strict";
  const root = document.documentElement;
  const store = {
    // Storage may be switched off for files; the choice then lasts as long as the page.
    get: () => { try { return localStorage.getItem("curate-theme"); } catch { return null; } },
    set: (theme) => { try { localStorage.setItem("curate-theme", theme); } catch { return; } },
  };
  const known = (theme) => theme === "dark" || theme === "light";
  const wanted = () => [location.hash.slice(1), store.get()].find(known);
  if (wanted()) root.dataset.theme = wanted();

  const isDark = () => known(root.dataset.theme)
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;

  function switchTheme() {
    root.dataset.theme = isDark() ? "light" : "dark";
    store.set(root.dataset.theme);
  }

  addEventListener("hashchange", () => { if (known(location.hash.slice(1))) root.dataset.theme = location.hash.slice(1); });

  document.addEventListener("DOMContentLoaded", () => {
    const $ = (id) => document.getElementById(id);
    const all = (selector, from = document) => [...from.querySelectorAll(selector)];
    $("theme").hidden = false;
    $("theme").addEventListener("click", switchTheme);
    all(".copy").forEach(offerCopy);
    followSections(all("main section[id]"), all("nav a"));
    all("audio").forEach((one, _, players) => one.addEventListener("play", () =>
      players.forEach((other) => { if (other !== one) other.pause(); })));

    const form = $("filter");
    const filter = form ? makeFilter(form, $, all) : null;
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const typing = event.target.closest("input, select, textarea, audio");
      if (event.key === "Escape" && event.target.id === "q") { filter.clear(); event.target.blur(); return; }
      if (typing) return;
      if (event.key === "/" && form) { event.preventDefault(); $("q").focus(); }
      if (event.key === "t") switchTheme();
      if (event.key === "j" || event.key === "k") step(all(".row").filter((row) => row.offsetParent), event.key === "j" ? 1 : -1);
    });
  });

  function step(rows, by) {
    const here = rows.indexOf(document.activeElement.closest(".row"));
    const next = here < 0 ? nearest(rows, by) : rows[here + by];
    if (next) next.focus();
  }

  function nearest(rows, by) {
    return by > 0
      ? rows.find((row) => row.getBoundingClientRect().top > 0)
      : rows.findLast((row) => row.getBoundingClientRect().top < 0);
  }

  function offerCopy(button) {
    if (!navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", () => {
      navigator.clipboard.writeText(button.previousElementSibling.textContent).then(
        () => { button.textContent = "Copied"; },
        () => { button.textContent = "Select and copy"; },
      );
      setTimeout(() => { button.textContent = "Copy"; }, 1600);
    });
  }

  function followSections(sections, links) {
    if (!("IntersectionObserver" in window)) return;
    const seen = new Set();
    const watch = new IntersectionObserver((entries) => {
      entries.forEach((entry) => seen[entry.isIntersecting ? "add" : "delete"](entry.target.id));
      // The innermost section in view: issues stand inside the section of all issues.
      const here = sections.filter((section) => seen.has(section.id)).find((section) => links.some((a) => a.hash === "#" + section.id));
      links.forEach((a) => {
        if (here && a.hash === "#" + here.id) a.setAttribute("aria-current", "true");
        else a.removeAttribute("aria-current");
      });
    }, { rootMargin: "-15% 0px -60% 0px" });
    sections.forEach((section) => watch.observe(section));
  }

  function makeFilter(form, $, all) {
    const issues = all(".issue").map((section) => ({ section, check: section.dataset.check, groups: groupsOf(section, all) }));
    // A section without rows (one about classes) follows the choice of the check alone.
    const rows = issues.flatMap((issue) => issue.groups.flatMap((group) => group.rows));
    const labels = [...new Set(rows.flatMap((row) => [row.given, row.suggested]).filter(Boolean))].sort();
    labels.forEach((label) => $("by-label").add(new Option(label.length > 60 ? label.slice(0, 59) + "…" : label, label)));
    if (!labels.length) $("by-label").parentElement.hidden = true;

    function apply() {
      const words = $("q").value.toLowerCase().split(/\s+/).filter(Boolean);
      const check = $("by-check").value, label = $("by-label").value;
      let shown = 0;
      const fits = (row) => (!label || row.given === label || row.suggested === label)
        && words.every((word) => row.text.includes(word));
      issues.forEach((issue) => {
        let any = false;
        issue.groups.forEach((group) => {
          // Rows of a group belong together: one that fits brings the others along.
          const fit = (!check || issue.check === check) && group.rows.some(fits);
          group.hide(!fit);
          if (fit) { any = true; shown += group.rows.length; }
        });
        issue.section.hidden = issue.groups.length ? !any : Boolean(label || words.length || (check && issue.check !== check));
      });
      $("tally").textContent = shown === rows.length ? `${rows.length} row${rows.length === 1 ? "" : "s"} on this page` : `${shown} of ${rows.length} rows`;
      $("none").hidden = shown > 0;
    }

    function sort() {
      const by = { worst: (g) => g.score, best: (g) => -g.score, row: (g) => g.row }[$("order").value];
      issues.forEach((issue) => issue.groups.slice().sort((a, b) => by(a) - by(b)).forEach((group) => group.element.parentElement.append(group.element)));
    }

    function clear() { form.reset(); sort(); apply(); }

    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", (event) => { if (event.target.id === "order") sort(); apply(); });
    $("clear").addEventListener("click", clear);
    apply();
    return { clear };
  }

  function groupsOf(section, all) {
    const read = (element) => ({
      element,
      given: element.dataset.given,
      suggested: element.dataset.suggested,
      score: Number(element.dataset.score),
      row: Number(element.dataset.row),
      text: element.textContent.toLowerCase(),
    });
    const boxes = all(".group", section);
    const pack = (element, rows) => ({
      element,
      rows,
      score: Math.min(...rows.map((row) => row.score)),
      row: Math.min(...rows.map((row) => row.row)),
      hide: (hidden) => { element.hidden = hidden; },
    });
    return boxes.length
      ? boxes.map((box) => pack(box, all(".row", box).map(read)))
      : all(".row", section).map((element) => pack(element, [read(element)]));
  }
})();
