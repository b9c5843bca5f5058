// What the console's pages do in the browser; everything works without it but for the menu of a phone.
const body = document.body;

// --- navigation of a phone ---
const menu = document.querySelector(".menu-button");
function openMenu(open) {
  body.classList.toggle("nav-open", open);
  menu?.setAttribute("aria-expanded", String(open));
  if (open) document.querySelector("#navigation a")?.focus();
}
menu?.addEventListener("click", () => openMenu(!body.classList.contains("nav-open")));

// On a phone a wide table becomes a list: each cell says the name of its column.
function label(root) {
  for (const table of root.querySelectorAll(".scroll > table")) {
    const heads = [...table.querySelectorAll("thead th")].map((one) => one.textContent.trim());
    if (heads.length < 4) continue;
    table.classList.add("labelled");
    for (const line of table.tBodies[0]?.rows ?? []) {
      for (const [place, cell] of [...line.cells].entries()) if (place && heads[place]) cell.dataset.label = heads[place];
    }
  }
}
label(document);
document.addEventListener("htmx:load", (event) => label(event.detail.elt.closest?.(".scroll")?.parentElement ?? event.detail.elt));

// A phone shows some of the tabs: the current one among them.
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });

// --- the search in the bar: answers while somebody types; arrows choose, Enter goes, Escape closes ---
const search = document.getElementById("search");
const found = document.getElementById("found");
const lines = () => [...found.querySelectorAll("a")];
function showFound(open) {
  if (!found) return;
  found.hidden = !open;
  search.setAttribute("aria-expanded", String(open));
}
function choose(place) {
  const all = lines();
  for (const [number, one] of all.entries()) one.classList.toggle("chosen", number === place);
  all[place]?.scrollIntoView({ block: "nearest" });
  if (all[place]) search.setAttribute("aria-activedescendant", all[place].id);
  else search.removeAttribute("aria-activedescendant");
}
if (search) {
  search.addEventListener("htmx:configRequest", (event) => { if (!search.value.trim()) { event.preventDefault(); showFound(false); } });
  // Once it has settled: before that htmx lets what has a known id look as it did.
  found.addEventListener("htmx:afterSettle", () => { showFound(document.activeElement === search && search.value.trim() !== ""); choose(0); });
  search.addEventListener("focus", () => { if (search.value.trim() && found.childElementCount) showFound(true); });
  search.addEventListener("keydown", (event) => {
    const all = lines();
    const now = all.findIndex((one) => one.classList.contains("chosen"));
    if (event.key === "Escape") {
      event.stopPropagation();
      if (found.hidden) search.blur(); else showFound(false);
    } else if (!found.hidden && all.length && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      choose((now + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length);
    } else if (event.key === "Enter" && !found.hidden && all[now] && !search.classList.contains("htmx-request")) {
      event.preventDefault();
      all[now].click();
    }
  });
  search.form.addEventListener("focusout", (event) => { if (!search.form.contains(event.relatedTarget)) showFound(false); });
}

// --- keys: / and Ctrl-K search, Escape closes ---
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    if (body.classList.contains("nav-open")) { openMenu(false); menu.focus(); }
    for (const one of document.querySelectorAll("details.menu[open]")) {
      one.open = false;
      one.querySelector("summary").focus();
    }
    return;
  }
  const palette = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
  const slash = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey
    && !event.target.closest?.("input, textarea, select, [contenteditable]");
  if (search && (palette || slash)) { event.preventDefault(); search.focus(); search.select(); }
});

document.addEventListener("click", (event) => {
  for (const one of document.querySelectorAll("details.menu[open]")) if (!one.contains(event.target)) one.open = false;
  if (body.classList.contains("nav-open") && !event.target.closest("#navigation, .menu-button")) openMenu(false);

  event.target.closest("[data-dismiss]")?.closest(".note, .toast")?.remove();

  const copy = event.target.closest("[data-copy]");
  if (copy) navigator.clipboard?.writeText(copy.dataset.copy).then(() => toast(body.dataset.copied));

  // A link or button that asks first. htmx has hx-confirm of its own.
  const asks = event.target.closest("[data-confirm]");
  if (asks && !window.confirm(asks.dataset.confirm)) { event.preventDefault(); event.stopImmediatePropagation(); }
}, true);

// A form that changed is not lost by a click beside it, nor when it was sent and could not be saved.
let changed = false;
let sent = false;
document.addEventListener("input", (event) => { if (event.target.closest("form[data-guard]")) changed = true; });
document.addEventListener("submit", (event) => {
  if (event.submitter?.name === "step" && event.submitter.value !== "save") return;
  [sent, changed] = [changed, false];
});
for (const name of ["htmx:beforeSwap", "htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => { if (sent && event.detail.target?.id === "editor") changed = true; });
}
window.addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });

// Somebody's session ends while they write: what is typed waits in this tab until they have signed in again.
const KEPT = "habitue-draft";
const here = () => location.pathname + location.search;
const draft = () => document.getElementById("draft");
document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (event.detail.xhr.status !== 401 || !draft()) return;
  const typed = [...new FormData(draft())].filter(([name]) => name !== "csrf");
  sessionStorage.setItem(KEPT, JSON.stringify([here(), typed]));
  changed = false;
});
document.addEventListener("DOMContentLoaded", () => {
  const [page, typed] = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
  if (page !== here() || !draft()) return;
  sessionStorage.removeItem(KEPT);
  const values = new FormData();
  for (const [name, value] of [...typed, ["step", "look"]]) values.append(name, value);
  window.htmx.ajax("POST", draft().action, { target: "#editor", swap: "outerHTML show:none", values });
  changed = true;
});

// --- what happened, in a corner for some seconds ---
export function toast(text, kind = "") {
  const one = document.createElement("p");
  one.className = `toast ${kind}`;
  one.textContent = text;
  document.getElementById("toasts").append(one);
  setTimeout(() => one.remove(), kind === "bad" ? 10_000 : 4_000);
}

document.addEventListener("habitue:said", (event) => toast(event.detail.value ?? event.detail, event.detail.kind));
document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  const plain = (xhr.getResponseHeader("content-type") ?? "").startsWith("text/plain");
  const said = xhr.status >= 502 ? body.dataset.away : `${body.dataset.failed} (${xhr.status})`;
  toast(plain && xhr.responseText.length < 500 ? xhr.responseText : said, "bad");
});
for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, () => toast(body.dataset.away, "bad"));
}
// A form's mistakes come as 422 with the form itself: show them in its place.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status === 422) { event.detail.shouldSwap = true; event.detail.isError = false; }
});
