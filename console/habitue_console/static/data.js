// What refreshes itself must not pull away what somebody is reading or has opened.
document.body.addEventListener("htmx:beforeRequest", (event) => {
  const place = event.target;
  if (!(place instanceof Element) || !place.hasAttribute("data-steady")) return;
  const busy = document.hidden || place.querySelector("details[open]") || place.contains(document.activeElement)
    || !(document.getSelection()?.isCollapsed ?? true);
  if (busy) event.preventDefault();
});

// A product's picture that is gone leaves its place, not a broken sign.
const blank = (picture) => {
  const place = document.createElement("span");
  place.className = picture.className || "shelf-blank";
  place.setAttribute("aria-hidden", "true");
  picture.replaceWith(place);
};
document.addEventListener("error", (event) => {
  if (event.target instanceof HTMLImageElement && event.target.closest("main")) blank(event.target);
}, true);
for (const picture of document.querySelectorAll("main img")) {
  if (picture.complete && !picture.naturalWidth) blank(picture);
}
