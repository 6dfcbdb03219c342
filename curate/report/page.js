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

  const $ = (id) => document.getElementById(id);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const number = (n) => n.toLocaleString("en");
  const rows = (n) => `${number(n)} row${n === 1 ? "" : "s"}`;
  const words = (name) => { const text = name.replaceAll("_", " ").trim(); return text.charAt(0).toUpperCase() + text.slice(1); };
  const redraws = [];

  const isDark = () => known(root.dataset.theme)
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;

  function switchTheme() {
    root.dataset.theme = isDark() ? "light" : "dark";
    store.set(root.dataset.theme);
    redraws.forEach((draw) => draw());
  }

  // An element with attributes and children; texts are only ever set as text.
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
    element.append(...children);
    return element;
  }

  document.addEventListener("DOMContentLoaded", () => {
    $("theme").hidden = false;
    $("theme").addEventListener("click", switchTheme);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraws.forEach((draw) => draw()));
    all(".copy").forEach(offerCopy);
    followSections(all("main section[id]"), all("nav a"));
    all("audio").forEach((one, _, players) => one.addEventListener("play", () =>
      players.forEach((other) => { if (other !== one) other.pause(); })));
    const filter = $("filter") ? makeFilter() : null;
    keys(filter);
    if (filter) addEventListener("hashchange", () => follow(filter));
    if (filter) follow(filter);
    readData().then((data) => {
      all(".scripted").forEach((element) => { element.hidden = false; });
      if (filter) filter.list(data);
      if (data.map) makeMap(data, filter);
    }).catch((error) => {
      // An old browser: the galleries are there all the same.
      if (filter) $("as-list").disabled = true;
      console.info(`no list of rows: ${error.message}`);
    });
  });

  function follow(filter) {
    const name = location.hash.slice(1);
    if (known(name)) { root.dataset.theme = name; redraws.forEach((draw) => draw()); }
    if (name === "rows") filter.show("list");
    if (name.startsWith("issue-")) { filter.show("gallery"); const section = $(name); if (section) { section.hidden = false; section.scrollIntoView(); } }
  }

  function keys(filter) {
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Escape" && event.target.id === "q") { filter.clear(); event.target.blur(); return; }
      if (event.target.closest("input, select, textarea, audio")) return;
      if (event.key === "/" && filter) { event.preventDefault(); $("q").focus(); }
      if (event.key === "t") switchTheme();
      if (event.key === "l" && filter) filter.show($("gallery").hidden ? "gallery" : "list");
      if (event.key === "j" || event.key === "k") {
        step(all(".row, .list summary").filter((row) => row.offsetParent), event.key === "j" ? 1 : -1);
      }
    });
  }

  function step(places, by) {
    const here = places.indexOf(document.activeElement.closest(".row, .list summary"));
    const next = here < 0 ? nearest(places, by) : places[here + by];
    if (next) next.focus();
  }

  function nearest(places, by) {
    return by > 0
      ? places.find((one) => one.getBoundingClientRect().top > 0)
      : places.findLast((one) => one.getBoundingClientRect().top < 0);
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

  async function readData() {
    const letters = atob($("data").textContent.trim()), bytes = new Uint8Array(letters.length);
    for (let i = 0; i < letters.length; i += 1) bytes[i] = letters.charCodeAt(i);
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(plain).json();
  }

  // One filter for the galleries and the list.
  function makeFilter() {
    const form = $("filter");
    const issues = all(".issue").map((section) => ({
      section, key: `${section.dataset.check}/${section.dataset.issue}`, check: section.dataset.check, groups: groupsOf(section),
    }));
    const cards = issues.flatMap((issue) => issue.groups.flatMap((group) => group.rows));
    offerIssues(issues);
    offer("by-label", [...new Set(cards.flatMap((card) => [card.given, card.suggested]).filter(Boolean))].sort());
    offer("by-split", [...new Set(cards.map((card) => card.split))].sort());
    let list = null, view = "gallery", waiting = 0;
    const state = () => ({
      words: $("q").value.toLowerCase().split(/\s+/).filter(Boolean),
      issue: $("by-issue").value, label: $("by-label").value, split: $("by-split").value, order: $("order").value,
    });
    const listeners = [];

    function apply() {
      const now = state();
      const shown = view === "list" && list ? list.apply(now) : applyToCards(now);
      const total = view === "list" && list ? list.total : cards.length;
      const what = view === "list" ? "" : " on this page";
      $("tally").textContent = shown === total ? rows(total) + what : `${number(shown)} of ${rows(total)}`;
      $("none").hidden = shown > 0;
      listeners.forEach((listener) => listener(now));
    }

    function applyToCards(now) {
      let shown = 0;
      const fits = (card) => (!now.label || card.given === now.label || card.suggested === now.label)
        && (!now.split || card.split === now.split) && now.words.every((word) => card.text.includes(word));
      issues.forEach((issue) => {
        const asked = !now.issue || issue.key === now.issue || issue.check === now.issue;
        let any = false;
        issue.groups.forEach((group) => {
          // Rows of a group belong together: one that fits brings the others along.
          const fit = asked && group.rows.some(fits);
          group.element.hidden = !fit;
          if (fit) { any = true; shown += group.rows.length; }
        });
        // A section without rows (one about classes) follows the choice of the issue alone.
        issue.section.hidden = issue.groups.length ? !any : !asked || Boolean(now.label || now.split || now.words.length);
      });
      return shown;
    }

    function sortCards() {
      const by = { worst: (g) => g.score, best: (g) => -g.score, row: (g) => g.row }[$("order").value];
      issues.forEach((issue) => issue.groups.slice().sort((a, b) => by(a) - by(b)).forEach((group) => group.element.parentElement.append(group.element)));
    }

    function show(name) {
      view = name === "list" && !$("as-list").disabled ? "list" : "gallery";
      $("gallery").hidden = view === "list";
      $("rows").hidden = view !== "list";
      $("as-gallery").setAttribute("aria-pressed", view === "gallery");
      $("as-list").setAttribute("aria-pressed", view === "list");
      apply();
    }

    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", (event) => {
      if (event.target.id === "order") sortCards();
      clearTimeout(waiting);
      waiting = setTimeout(apply, event.target.id === "q" ? 120 : 0);
    });
    $("as-gallery").addEventListener("click", () => show("gallery"));
    $("as-list").addEventListener("click", () => show("list"));
    const filter = {
      show, apply, state,
      clear: () => { form.reset(); sortCards(); apply(); },
      list: (data) => { list = makeList(data, thumbnails()); $("all-count").textContent = number(list.total); apply(); },
      set: (values) => { Object.entries(values).forEach(([id, value]) => { addOption(id, value); $(id).value = value; }); apply(); },
      heard: (listener) => listeners.push(listener),
    };
    $("clear").addEventListener("click", filter.clear);
    apply();
    return filter;
  }

  // A label of the map may be missing from the menu, which holds those on the page.
  function addOption(id, value) {
    const menu = $(id);
    if (menu.options && value && ![...menu.options].some((option) => option.value === value)) menu.add(new Option(value, value));
  }

  function offer(id, names) {
    names.forEach((name) => $(id).add(new Option(name.length > 60 ? name.slice(0, 59) + "…" : name, name)));
    $(id).parentElement.hidden = names.length < 2;
  }

  function offerIssues(issues) {
    const checks = new Map();
    issues.forEach((issue) => checks.set(issue.check, [...(checks.get(issue.check) || []), issue]));
    checks.forEach((of, check) => {
      if (of.length === 1) { $("by-issue").add(new Option(words(check), check)); return; }
      const group = make("optgroup", { label: words(check) });
      group.append(new Option(`all of ${words(check).toLowerCase()}`, check));
      of.forEach((issue) => group.append(new Option(words(issue.section.dataset.issue), issue.key)));
      $("by-issue").add(group);
    });
  }

  function groupsOf(section) {
    const read = (element) => ({
      element, given: element.dataset.given, suggested: element.dataset.suggested, split: element.dataset.split,
      score: Number(element.dataset.score), row: Number(element.dataset.row), text: element.textContent.toLowerCase(),
    });
    const pack = (element, members) => ({
      element, rows: members,
      score: Math.min(...members.map((one) => one.score)),
      row: Math.min(...members.map((one) => one.row)),
    });
    const boxes = all(".group", section);
    return boxes.length
      ? boxes.map((box) => pack(box, all(".row", box).map(read)))
      : all(".row", section).map((element) => pack(element, [read(element)]));
  }

  // row -> picture that a gallery holds anyway
  function thumbnails() {
    const found = new Map();
    all(".row").forEach((card) => {
      const picture = card.querySelector("img");
      if (picture) found.set(Number(card.dataset.row), picture.src);
    });
    return found;
  }

  const PER_PAGE = 50;

  // Every flagged row, a page at a time: the document never holds more than `PER_PAGE` of them.
  function makeList(data, pictures) {
    const { rows: r, findings: f } = data;
    const of = r.row.map(() => []);
    f.at.forEach((at, i) => of[at].push(i));
    of.forEach((found) => { if (found.length > 1) found.sort((a, b) => f.score[a] - f.score[b]); });
    const flagged = of.flatMap((found, at) => (found.length ? [at] : []));
    const hay = new Map();
    const keyOf = data.issues.map(([check, issue]) => `${check}/${issue}`);
    let now = null, shown = [], page = 0;

    function text(at) {
      if (!hay.has(at)) {
        const said = of[at].map((i) => `${keyOf[f.issue[i]]} ${f.reason[i]} ${f.to[i] < 0 ? "" : data.labels[f.to[i]]}`);
        hay.set(at, [r.id[at], r.text[at], r.where[at], r.label[at] < 0 ? "" : data.labels[r.label[at]], ...said].join(" ").toLowerCase());
      }
      return hay.get(at);
    }

    const asked = (i) => !now.issue || keyOf[f.issue[i]] === now.issue || data.issues[f.issue[i]][0] === now.issue;

    function fits(at) {
      const label = now.label ? data.labels.indexOf(now.label) : -1;
      if (now.split && data.splits[r.split[at]] !== now.split) return false;
      if (now.label && r.label[at] !== label && !of[at].some((i) => f.to[i] === label)) return false;
      return of[at].some(asked) && now.words.every((word) => text(at).includes(word));
    }

    const worst = (at) => f.score[now.issue ? of[at].find(asked) : of[at][0]];

    function apply(state) {
      now = state;
      shown = flagged.filter(fits);
      if (now.order !== "row") {
        // One number per row, score and place: numbers sort without a comparison of ours.
        const keys = Float64Array.from(shown, (at) => (now.order === "worst" ? worst(at) : 1000 - worst(at)) * 1e7 + at).sort();
        shown = Array.from(keys, (key) => key % 1e7);
      }
      turn(0);
      return shown.length;
    }

    function turn(to) {
      page = Math.max(0, Math.min(to, Math.ceil(shown.length / PER_PAGE) - 1));
      const start = page * PER_PAGE, part = shown.slice(start, start + PER_PAGE);
      $("list").replaceChildren(...part.map(line));
      $("list").start = start + 1;
      $("page").textContent = shown.length ? `${number(start + 1)}–${number(start + part.length)} of ${number(shown.length)}` : "";
      $("previous").disabled = page === 0;
      $("next").disabled = start + PER_PAGE >= shown.length;
      $("list").parentElement.querySelector(".pager").hidden = shown.length <= PER_PAGE;
    }

    function line(at) {
      const found = of[at].filter(asked).concat(of[at].filter((i) => !asked(i)));
      const first = found[0];
      const head = make("summary", { class: "line" });
      if (pictures.size) {
        const picture = pictures.get(r.row[at]);
        head.append(picture ? make("img", { src: picture, alt: "", loading: "lazy" }) : make("span", { class: "no-img" }));
      }
      const labels = make("span", { class: "line-labels" });
      if (r.label[at] >= 0) labels.append(make("span", { class: "label" }, make("bdi", {}, data.labels[r.label[at]])));
      if (f.to[first] >= 0 && f.to[first] !== r.label[at]) {
        labels.append(" → ", make("span", { class: "label suggested" }, make("bdi", {}, data.labels[f.to[first]])));
      }
      const tags = make("span", { class: "tags" }, ...found.slice(0, 4).map((i) => make("span", { class: "tag" }, tagOf(i))));
      if (found.length > 4) tags.append(make("span", { class: "tag" }, `+${found.length - 4}`));
      head.append(
        make("span", { class: "line-text", dir: "auto" }, r.text[at] || r.id[at]), labels, tags,
        make("span", { class: "score" }, (f.score[first] / 1000).toFixed(2)),
      );
      const split = data.splits.length > 1 ? ` · ${data.splits[r.split[at]]}` : "";
      const said = make("ul", {}, ...found.map((i) => make("li", {}, make("b", {}, tagOf(i)), ` ${(f.score[i] / 1000).toFixed(3)} `, make("bdi", {}, f.reason[i]))));
      const where = make("p", { class: "where" }, "row ", make("span", { class: "id" }, make("bdi", {}, r.id[at])), r.where[at] ? " " : "", make("bdi", {}, r.where[at]), split);
      return make("li", {}, make("details", {}, head, said, where));
    }

    function tagOf(i) {
      const [check, issue] = data.issues[f.issue[i]];
      const several = data.issues.filter(([other]) => other === check).length > 1;
      return several ? words(issue) : words(check);
    }

    $("previous").addEventListener("click", () => { turn(page - 1); $("list").scrollIntoView({ block: "nearest" }); });
    $("next").addEventListener("click", () => { turn(page + 1); $("filter").scrollIntoView(); });
    const left = data.left ? ` ${number(data.left)} more findings are left out to keep the page small.` : "";
    $("list-note").textContent = `Every flagged row with all that was found about it; open one to read the reasons.${left}`;
    return { apply, total: flagged.length };
  }

  const MOST_COLOURS = 10;
  const paint = (name) => getComputedStyle(root).getPropertyValue(name).trim() || "#888";

  function makeMap(data, filter) {
    const canvas = $("map"), pen = canvas.getContext("2d");
    const { rows: r, findings: f, map } = data;
    const worst = new Map();
    f.at.forEach((at, i) => { if (!worst.has(at) || f.score[i] < f.score[worst.get(at)]) worst.set(at, i); });
    const checkOf = (at) => (worst.has(at) ? data.issues[f.issue[worst.get(at)]][0] : null);
    const kinds = {
      issue: (at) => checkOf(at),
      label: (at) => (r.label[at] < 0 ? null : data.labels[r.label[at]]),
      split: (at) => data.splits[r.split[at]],
    };
    if (data.splits.length < 2) $("colour").querySelector('[value="split"]').remove();
    if (!map.at.some((at) => r.label[at] >= 0)) $("colour").querySelector('[value="label"]').remove();
    let colours = new Map(), hovered = -1;

    function count() {
      const counts = new Map();
      map.at.forEach((at) => { const name = kinds[$("colour").value](at); if (name !== null) counts.set(name, (counts.get(name) || 0) + 1); });
      const names = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a));
      const shown = names.slice(0, MOST_COLOURS);
      colours = new Map(shown.map((name, i) => [name, i]));
      $("legend").replaceChildren(...shown.map((name) => legendButton(name, counts.get(name))));
      const rest = names.slice(MOST_COLOURS).reduce((sum, name) => sum + counts.get(name), 0);
      if (rest) $("legend").append(make("span", { class: "chip" }, `${names.length - shown.length} others ${number(rest)}`));
      draw();
    }

    function legendButton(name, rowsOfIt) {
      const by = $("colour").value, id = { issue: "by-issue", label: "by-label", split: "by-split" }[by];
      const swatch = make("span", { class: `swatch c${colours.get(name)}`, "aria-hidden": "true" });
      const said = by === "issue" ? words(name) : name;
      const button = make("button", { type: "button", class: "chip" }, swatch, make("bdi", {}, said.length > 40 ? said.slice(0, 39) + "…" : said), ` ${number(rowsOfIt)}`);
      button.setAttribute("aria-pressed", Boolean(filter && $(id).value === name));
      if (filter) button.addEventListener("click", () => { filter.set({ [id]: $(id).value === name ? "" : name }); count(); });
      return button;
    }

    const place = (i) => {
      const edge = 12, { width, height } = canvas;
      return [edge + (map.x[i] / 1000) * (width - 2 * edge), height - edge - (map.y[i] / 1000) * (height - 2 * edge)];
    };

    function fits(at, now) {
      if (!now) return true;
      if (now.issue && !of(at).some((i) => data.issues[f.issue[i]][0] === now.issue || data.issues[f.issue[i]].join("/") === now.issue)) return false;
      if (now.split && data.splits[r.split[at]] !== now.split) return false;
      return !now.label || (r.label[at] >= 0 && data.labels[r.label[at]] === now.label);
    }

    const byRow = new Map();
    f.at.forEach((at, i) => { if (!byRow.has(at)) byRow.set(at, []); byRow.get(at).push(i); });
    const of = (at) => byRow.get(at) || [];

    function draw() {
      const box = canvas.getBoundingClientRect(), scale = devicePixelRatio || 1;
      canvas.width = Math.max(1, Math.round(box.width * scale));
      canvas.height = Math.max(1, Math.round(box.height * scale));
      const plain = paint("--dot"), ink = paint("--ink"), paints = [...colours.values()].map((i) => paint(`--c${i}`));
      const now = filter ? filter.state() : null, kind = kinds[$("colour").value];
      const order = map.at.map((_, i) => i).sort((a, b) => colours.has(kind(map.at[a])) - colours.has(kind(map.at[b])));
      order.forEach((i) => {
        const at = map.at[i], colour = paints[colours.get(kind(at))];
        const [x, y] = place(i);
        pen.globalAlpha = fits(at, now) ? (colour ? 0.85 : 0.5) : 0.08;
        pen.fillStyle = colour || plain;
        pen.beginPath();
        pen.arc(x, y, (colour ? 3.4 : 2.4) * scale, 0, 7);
        pen.fill();
      });
      if (hovered >= 0) {
        const [x, y] = place(hovered);
        pen.globalAlpha = 1;
        pen.strokeStyle = ink;
        pen.lineWidth = 2 * scale;
        pen.beginPath();
        pen.arc(x, y, 6 * scale, 0, 7);
        pen.stroke();
      }
    }

    function near(event) {
      const box = canvas.getBoundingClientRect(), scale = canvas.width / box.width;
      const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
      let best = -1, least = (14 * scale) ** 2;
      map.at.forEach((_, i) => {
        const [a, b] = place(i), far = (a - x) ** 2 + (b - y) ** 2;
        if (far < least) { least = far; best = i; }
      });
      return best;
    }

    function point(event) {
      const i = near(event);
      if (i === hovered) return;
      hovered = i;
      const hover = $("hover");
      hover.hidden = i < 0;
      canvas.classList.toggle("on-row", i >= 0);
      if (i >= 0) {
        const at = map.at[i], said = of(at).map((k) => words(data.issues[f.issue[k]][0]));
        const label = r.label[at] < 0 ? [] : [make("b", {}, make("bdi", {}, data.labels[r.label[at]])), " "];
        hover.replaceChildren(...label, make("bdi", {}, r.text[at] || r.id[at]), make("small", {}, said.length ? [...new Set(said)].join(", ") : "nothing found"));
      }
      draw();
    }

    canvas.addEventListener("pointermove", point);
    canvas.addEventListener("pointerleave", () => { hovered = -1; $("hover").hidden = true; draw(); });
    canvas.addEventListener("click", (event) => {
      const i = near(event);
      if (i < 0 || !filter || !of(map.at[i]).length) return;
      filter.set({ q: r.id[map.at[i]] });
      filter.show("list");
      $("filter").scrollIntoView();
    });
    $("colour").addEventListener("change", count);
    if (filter) filter.heard(() => draw());
    redraws.push(draw);
    if ("ResizeObserver" in window) new ResizeObserver(draw).observe(canvas);
    count();
  }
})();
