"use strict";
// The gallery: what it shows comes from the server as JSON and becomes text and pictures, never markup.
(() => {
  const byId = (id) => document.getElementById(id);
  const PAGE = 30, SHOWN = 24, MOST = 200, PATIENCE_MS = 200;
  const forms = { pick: byId("pick"), bring: byId("bring"), filter: byId("filter") };

  // The query: {row} of the gallery, or {feature, modality, pictures} of one's own.
  const state = { facts: null, start: 0, total: 0, query: null, top: SHOWN, matches: [], pair: -1, asked: 0, listed: 0 };

  const make = (tag, values = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(values)) {
      if (name === "text") element.textContent = value;
      else if (value !== null && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children.filter(Boolean));
    return element;
  };
  const plural = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
  const percent = (share) => `${(100 * share).toFixed(1)} %`;

  const fail = (error) => {
    const box = byId("failure");
    box.textContent = error ? [error.message, error.hint].filter(Boolean).join(". ") : "";
    box.hidden = !error;
  };

  // An answer as an object; what the server refuses is thrown as it words it.
  const ask = async (path, query, body) => {
    const words = new URLSearchParams();
    for (const [name, value] of Object.entries(query || {})) if (value !== "" && value !== null) words.append(name, value);
    let answer;
    try {
      answer = await fetch(`${path}?${words}`, body === undefined ? {} : { method: "POST", body });
    } catch {
      throw { message: "the gallery does not answer any more: it was stopped, or the connection is lost" };
    }
    const value = await answer.json().catch(() => ({}));
    if (!answer.ok) throw value.error || { message: `the gallery answers ${answer.status}` };
    return value;
  };
  const values = (form) => Object.fromEntries([...new FormData(form)].filter(([, value]) => typeof value === "string"));
  const later = (act) => {
    let timer = 0;
    return () => {
      clearTimeout(timer);
      timer = setTimeout(act, PATIENCE_MS);
    };
  };

  // Tracklets in words and pictures.
  const clusterWord = (cluster) => (cluster === null ? "" : cluster < 0 ? "no cluster" : `cluster ${cluster}`);
  const place = (entry) => {
    const words = [`camera ${entry.camera}`, entry.split, clusterWord(entry.cluster)].filter((word) => word !== null && word !== "");
    const line = make("span", { class: `place ${entry.modality}` }, make("b", { text: entry.modality }));
    line.append(` · ${words.join(" · ")}`);
    if (entry.time) line.append(make("span", { class: "when", text: entry.time }));
    return line;
  };
  const picture = (entry, index, alt) =>
    make("img", { src: `/frames/${entry.row}/${index}.jpg`, alt, loading: "lazy", decoding: "async" });
  const thumb = (entry) => (entry.frames.length ? picture(entry, entry.frames[0], "") : null);
  const strip = (entry) =>
    make("ol", { class: "strip", "aria-label": "Frames" },
      ...entry.frames.map((index) => make("li", {}, picture(entry, index, `frame ${index + 1} of ${entry.num_frames}`))));
  const ownStrip = (pictures) =>
    make("ol", { class: "strip", "aria-label": "Pictures" },
      ...pictures.map((url, number) => make("li", {}, make("img", { src: url, alt: `picture ${number + 1}` }))));
  const truth = (same) =>
    same === null ? null : make("span", { class: `truth ${same ? "hit" : "miss"}`, text: same ? "✓ same person" : "✗ another person" });

  // The list to pick from, a page at a time.
  const list = async () => {
    const turn = ++state.listed;
    try {
      const found = await ask("/api/tracklets", { ...values(forms.pick), start: state.start, number: PAGE });
      if (turn !== state.listed) return;
      fail(null);
      state.total = found.total;
      byId("tracklets").replaceChildren(...found.tracklets.map((entry) => {
        const words = make("span", { class: "words" }, make("span", { class: "name", text: entry.tracklet_id }), place(entry));
        const button = make("button", { type: "button", "data-row": entry.row }, thumb(entry), words);
        button.addEventListener("click", () => choose({ row: entry.row }));
        return make("li", {}, button);
      }));
      const end = found.start + found.tracklets.length;
      byId("listed").textContent = found.total ? `${(found.start + 1).toLocaleString("en")} to ${end.toLocaleString("en")} of ${found.total.toLocaleString("en")}` : "no tracklet is so";
      byId("earlier").disabled = !found.start;
      byId("later").disabled = end >= found.total;
      press();
    } catch (error) {
      fail(error);
    }
  };
  const turn = (by) => {
    state.start = Math.max(0, state.start + by);
    list();
  };
  const press = () => {
    for (const button of byId("tracklets").querySelectorAll("button"))
      button.setAttribute("aria-pressed", String(state.query !== null && Number(button.dataset.row) === state.query.row));
  };

  // The query and its matches.
  const choose = (query) => {
    for (const url of state.query?.pictures || []) URL.revokeObjectURL(url);
    state.query = query;
    state.top = SHOWN;
    forms.filter.hidden = false;
    history.replaceState(null, "", query.row === undefined ? "/" : `/#${query.row}`);
    press();
    search(true);
  };
  const asked = (more) => {
    const query = state.query;
    return query.row === undefined ? [{ ...more, of: query.modality }, query.feature] : [{ ...more, row: query.row }, undefined];
  };
  const search = async (isNew = false) => {
    if (state.query === null) return;
    const number = ++state.asked;
    try {
      const found = await ask("/api/matches", ...asked({ ...values(forms.filter), top: state.top }));
      if (number !== state.asked) return;
      fail(null);
      state.matches = found.matches;
      showQuery(found);
      showRates(found.rates);
      byId("status").textContent = found.searched
        ? `${plural(found.matches.length, "match").replace("matchs", "matches")} of ${plural(found.searched, "tracklet")}`
        : "no tracklet is as the filter asks";
      byId("matches").replaceChildren(...found.matches.map(card));
      byId("more").hidden = found.matches.length < state.top || state.top >= Math.min(MOST, found.searched);
      if (isNew) {
        byId("results-title").focus({ preventScroll: true });
        if (byId("results").getBoundingClientRect().top > innerHeight / 2) byId("results").scrollIntoView();
      }
    } catch (error) {
      if (number !== state.asked) return;
      byId("matches").replaceChildren();
      byId("status").textContent = "";
      byId("more").hidden = true;
      fail(error);
    }
  };
  const showQuery = (found) => {
    const own = found.query === null;
    const words = make("div", {}, make("div", { class: "name", text: own ? "Your pictures" : found.query.tracklet_id }),
      own ? make("span", { class: `place ${state.query.modality}` }, make("b", { text: state.query.modality })) : place(found.query));
    byId("query").replaceChildren(...[own ? ownStrip(state.query.pictures) : found.query.frames.length ? strip(found.query) : null, words].filter(Boolean));
    byId("query").hidden = false;
  };
  const showRates = (rates) => {
    const given = values(forms.filter).least !== "";
    byId("rates").textContent = rates
      ? `${given ? "At" : "Suggested: from"} ${rates.similarity.toFixed(3)}, ${percent(rates.false_matches)} of the pairs of two persons are taken for one, ` +
        `${percent(rates.missed)} of the pairs of one person are missed (across the modalities, in this gallery).`
      : "How often a similarity is wrong is not known here: the gallery has no identities.";
  };
  const card = (match, place_) => {
    const level = make("i");
    level.style.width = `${Math.max(0, 100 * match.similarity)}%`;
    const button = make("button", { type: "button", "aria-label": `Match ${place_ + 1}: ${match.tracklet_id}, similarity ${match.similarity.toFixed(3)}` },
      make("span", { class: "head" }, make("b", { text: `${place_ + 1}` }), make("span", { text: match.similarity.toFixed(3) })),
      make("span", { class: "level", "aria-hidden": "true" }, level),
      thumb(match), make("span", { class: "name", text: match.tracklet_id }), place(match), truth(match.same_person));
    button.addEventListener("click", () => openPair(place_));
    const kind = match.same_person === null ? "" : match.same_person ? "hit" : "miss";
    return make("li", { class: kind }, button);
  };

  // A pair, side by side.
  const openPair = async (index) => {
    const match = state.matches[index];
    if (!match) return;
    try {
      const found = await ask("/api/pair", ...asked({ with: match.row }));
      state.pair = index;
      const query = found.query;
      byId("pair-title").textContent = `Match ${index + 1}`;
      const same = query && query.cluster !== null && query.cluster >= 0 && query.cluster === found.match.cluster;
      byId("verdict").replaceChildren(`similarity ${found.match.similarity.toFixed(3)}${same ? ", in the same cluster" : ""}`, ...[truth(found.match.same_person)].filter(Boolean));
      byId("sides").replaceChildren(query ? side(query) : ownSide(), side(found.match));
      byId("before").disabled = index === 0;
      byId("next").disabled = index === state.matches.length - 1;
      if (!byId("pair").open) byId("pair").showModal();
    } catch (error) {
      byId("pair").close();
      fail(error);
    }
  };
  const side = (entry) =>
    make("div", { class: `side ${entry.modality}` }, make("div", { class: "name", text: entry.tracklet_id }), place(entry), entry.frames.length ? strip(entry) : null);
  const ownSide = () =>
    make("div", { class: `side ${state.query.modality}` }, make("div", { class: "name", text: "Your pictures" }),
      make("span", { class: `place ${state.query.modality}` }, make("b", { text: state.query.modality })), ownStrip(state.query.pictures));

  // Pictures of one's own, in the order of their names.
  const bring = async (event) => {
    event.preventDefault();
    const form = forms.bring, most = state.facts.most;
    const files = [...form.elements.files.files].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
    const button = form.querySelector("button");
    try {
      if (files.length > most.pictures) throw { message: `${plural(files.length, "picture")}: at most ${most.pictures} at once` };
      if (files.reduce((sum, file) => sum + file.size, 0) > most.bytes) throw { message: `more than the ${most.bytes >> 20} MiB that are taken at once` };
      button.disabled = true;
      const { modality, camera } = values(form);
      const found = await ask("/api/clip", { modality, camera, sizes: files.map((file) => file.size).join(",") }, new Blob(files));
      const feature = Uint8Array.from(atob(found.feature), (letter) => letter.charCodeAt(0));
      choose({ feature, modality, pictures: files.map((file) => URL.createObjectURL(file)) });
    } catch (error) {
      fail(error);
      byId("failure").scrollIntoView({ block: "nearest" });
    } finally {
      button.disabled = false;
    }
  };

  // The arrow keys go through a list of buttons, as through a grid where it has columns.
  const walk = (list_) => list_.addEventListener("keydown", (event) => {
    const buttons = [...list_.querySelectorAll("button")], now = buttons.indexOf(document.activeElement);
    const columns = buttons.filter((button) => button.offsetTop === buttons[0].offsetTop).length || 1;
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, Home: -now, End: buttons.length - 1 - now };
    if (now < 0 || !(event.key in steps)) return;
    event.preventDefault();
    buttons[Math.max(0, Math.min(buttons.length - 1, now + steps[event.key]))].focus();
  });

  const options = (selector, names) => {
    for (const select of document.querySelectorAll(selector)) select.append(...names.map((name) => make("option", { value: name, text: name })));
  };
  const showFacts = (facts) => {
    const line = (what, value) => make("div", {}, make("dt", { text: what }), make("dd", { text: value }));
    const lines = Object.entries(facts.tracklets).map(([modality, number]) => line(modality[0].toUpperCase() + modality.slice(1), plural(number, "tracklet")));
    lines.push(line("Cameras", String(facts.cameras.length)));
    if (facts.clusters) lines.push(line("Clusters", `${facts.clusters.clusters.toLocaleString("en")}, ${plural(facts.clusters.noise, "tracklet")} in none`));
    if (facts.period) lines.push(line("Times", facts.period.join(" to ")));
    byId("facts").replaceChildren(...lines);
    options("[data-cameras]", facts.cameras.map((camera) => camera.name));
    options("[data-splits] select", facts.splits);
    for (const label of document.querySelectorAll("[data-splits]")) label.hidden = facts.splits.length < 2;
    for (const label of document.querySelectorAll("[data-clusters]")) label.hidden = !facts.clusters;
    for (const label of document.querySelectorAll("[data-times]")) {
      label.hidden = !facts.period;
      const ends = facts.period || [""];
      label.querySelector("input").placeholder = ends[label.querySelector("[name=after]") ? 0 : ends.length - 1].replace(/ s$/, "");
    }
    for (const [id, text] of [["no-frames", facts.no_frames], ["no-upload", facts.no_upload]]) {
      byId(id).textContent = text;
      byId(id).hidden = !text;
    }
    forms.bring.hidden = !facts.upload;
    byId("most").textContent = `In the order of their names; at most ${facts.most.pictures}, ${facts.most.bytes >> 20} MiB together. They are not kept.`;
  };

  const again = later(() => {
    state.top = SHOWN;
    search();
  });
  const listAgain = later(() => {
    state.start = 0;
    list();
  });
  // A time is whole only when it is left, or by the enter key.
  for (const [form, act] of [[forms.pick, listAgain], [forms.filter, again]]) {
    form.addEventListener("input", (event) => event.target.closest("[data-times]") || act());
    form.addEventListener("change", (event) => event.target.closest("[data-times]") && act());
  }
  forms.filter.addEventListener("reset", again);
  for (const form of [forms.pick, forms.filter]) form.addEventListener("submit", (event) => event.preventDefault());
  forms.bring.addEventListener("submit", bring);
  byId("earlier").addEventListener("click", () => turn(-PAGE));
  byId("later").addEventListener("click", () => turn(PAGE));
  byId("more").addEventListener("click", () => {
    state.top = Math.min(MOST, 2 * state.top);
    search();
  });
  byId("close").addEventListener("click", () => byId("pair").close());
  byId("before").addEventListener("click", () => openPair(state.pair - 1));
  byId("next").addEventListener("click", () => openPair(state.pair + 1));
  byId("pair").addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) openPair(state.pair + step);
  });
  byId("pair").addEventListener("close", () => byId("matches").querySelectorAll("button")[state.pair]?.focus());
  walk(byId("tracklets"));
  walk(byId("matches"));

  const begin = async () => {
    const row = location.hash.slice(1);
    history.replaceState(null, "", `/${location.hash}`); // without a token, which is in the cookie now
    try {
      state.facts = await ask("/api/facts");
      showFacts(state.facts);
      await list();
      if (/^\d+$/.test(row)) choose({ row: Number(row) });
    } catch (error) {
      fail(error);
    }
  };
  begin();
})();
