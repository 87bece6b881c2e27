// Keeps the page as it is at the exporter: asks for the same address again, and replaces what is marked data-live by what
// came, node by node, so that focus, selection and scrolling stay. Without it the page is complete, it merely stands still.
"use strict";

const EVERY_MS = 5000, SLOWEST_MS = 60000, TIMEOUT_MS = 15000;
const root = document.documentElement;
const live = document.getElementById("live"), state = document.getElementById("state"), button = document.getElementById("pause");

let ahead = root.dataset.now * 1000 - Date.now(); // the exporter's clock minus ours
let fresh = Date.now(), failed = 0, why = "", paused = false, timer = 0, asking = null;

// ---- words, as the exporter says them ----
function span(s) {
  s = Math.max(0, Math.floor(s));
  return s < 120 ? s + " s" : s < 7200 ? Math.floor(s / 60) + " m" : s < 172800 ? Math.floor(s / 3600) + " h" : Math.floor(s / 86400) + " d";
}

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function tick() {
  const now = Math.floor((Date.now() + ahead) / 1000);
  for (const t of document.querySelectorAll("time[data-t]")) {
    const s = now - Date.parse(t.dateTime) / 1000;
    put(t, t.dataset.t === "ago" ? span(s) + " ago" : s < 0 ? "in " + span(-s) : "due now");
  }
  root.classList.toggle("lost", failed > 0);
  root.classList.toggle("paused", paused && failed === 0);
  const at = new Date(fresh + ahead).toISOString().slice(11, 19);
  if (failed > 0) put(state, "stale since " + at + " UTC: " + why);
  else if (paused) put(state, "paused at " + at + " UTC");
  else put(state, "live");
}

// ---- replacing ----
function attributes(old, now) {
  for (const a of [...old.attributes]) if (!now.hasAttribute(a.name)) old.removeAttribute(a.name);
  for (const a of now.attributes) if (old.getAttribute(a.name) !== a.value) old.setAttribute(a.name, a.value);
}

function become(old, now) {
  if (old.nodeType !== now.nodeType || old.nodeName !== now.nodeName) return old.replaceWith(now);
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== now.data) old.data = now.data;
    return;
  }
  if (old.isEqualNode(now)) return;
  attributes(old, now);
  children(old, now);
}

// What has an id keeps its node, wherever it goes.
function children(old, now) {
  const known = new Map();
  for (const n of old.children) if (n.id) known.set(n.id, n);
  let at = old.firstChild;
  for (const n of [...now.childNodes]) {
    const same = n.id && known.get(n.id);
    if (same) {
      if (same === at) at = at.nextSibling;
      else old.insertBefore(same, at);
      become(same, n);
    } else if (at && !(at.id && known.has(at.id)) && !n.id) {
      const next = at.nextSibling;
      become(at, n);
      at = next;
    } else {
      old.insertBefore(n, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function replace(page) {
  const focus = document.activeElement;
  for (const old of document.querySelectorAll("[data-live]")) {
    const now = page.getElementById(old.id);
    if (now) become(old, document.importNode(now, true));
  }
  if (focus && focus !== document.activeElement && focus.isConnected) focus.focus({ preventScroll: true });
}

// ---- asking ----
async function ask() {
  asking = new AbortController();
  const late = setTimeout(() => asking.abort(), TIMEOUT_MS);
  try {
    const reply = await fetch(location.href, { headers: { Accept: "text/html" }, signal: asking.signal, redirect: "error" });
    if (!reply.ok) throw new Error(reply.status === 404 ? "not known any more (404)" : "the exporter answered " + reply.status);
    const page = new DOMParser().parseFromString(await reply.text(), "text/html");
    const news = page.documentElement.dataset;
    if (!news.build) throw new Error("the answer is another page");
    if (news.build !== root.dataset.build) return location.reload();
    if (paused) return;
    replace(page);
    ahead = news.now * 1000 - Date.now();
    fresh = Date.now();
    failed = 0;
  } catch (e) {
    if (paused) return;
    failed++;
    why = e.name === "AbortError" || e instanceof TypeError ? "no answer" : e.message;
  } finally {
    clearTimeout(late);
    asking = null;
    tick();
    plan();
  }
}

function plan() {
  clearTimeout(timer);
  if (!paused && !document.hidden && !asking) timer = setTimeout(ask, Math.min(EVERY_MS * 2 ** Math.min(failed, 5), SLOWEST_MS));
}

button.addEventListener("click", () => {
  paused = !paused;
  button.textContent = paused ? "Resume" : "Pause";
  if (paused) clearTimeout(timer);
  else if (!asking) ask();
  tick();
});

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (document.hidden || paused) return;
  tick();
  if (Date.now() - fresh > EVERY_MS && !asking) ask();
  else plan();
});

for (const b of document.querySelectorAll("button[data-copy]")) {
  b.hidden = !navigator.clipboard;
  b.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(document.getElementById(b.dataset.copy).textContent);
      b.textContent = "Copied";
    } catch {
      b.textContent = "Select it by hand";
    }
    setTimeout(() => { b.textContent = "Copy"; }, 2000);
  });
}

live.hidden = false;
setInterval(tick, 1000);
tick();
plan();
