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

// A phone shows some of the tabs: the current one among them.
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });

// --- keys: / searches, Escape closes ---
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    if (body.classList.contains("nav-open")) { openMenu(false); menu.focus(); }
    for (const one of document.querySelectorAll("details.menu[open]")) {
      one.open = false;
      one.querySelector("summary").focus();
    }
    return;
  }
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
  const search = document.querySelector("main input[type=search]") ?? document.getElementById("search");
  if (search) { event.preventDefault(); search.focus(); search.select(); }
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

// A form that changed is not lost by a click beside it.
let changed = false;
document.addEventListener("input", (event) => { if (event.target.closest("form[data-guard]")) changed = true; });
document.addEventListener("submit", () => { changed = false; });
window.addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });

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
  toast(plain && xhr.responseText.length < 500 ? xhr.responseText : body.dataset.failed, "bad");
});
for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, () => toast(body.dataset.failed, "bad"));
}
// A form's mistakes come as 422 with the form itself: show them in its place.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status === 422) { event.detail.shouldSwap = true; event.detail.isError = false; }
});
