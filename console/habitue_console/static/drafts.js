// The editor of expressions: completion while typing, and mistakes underlined in the text itself. Without it
// the page works the same: the server shows the text again below the field, with its mistakes marked.
document.documentElement.classList.add("scripted");

const WAIT_MS = 120;

function enhance(root) {
  for (const area of root.querySelectorAll("textarea[data-expression]:not([data-enhanced])")) new Editor(area);
}

class Editor {
  constructor(area) {
    this.area = area;
    area.dataset.enhanced = "";
    this.box = document.createElement("div");
    this.box.className = "written";
    this.underlay = document.createElement("pre");
    this.underlay.className = "underlay";
    this.underlay.setAttribute("aria-hidden", "true");
    this.list = document.createElement("ul");
    this.list.className = "options";
    this.list.id = `${area.id}-options`;
    this.list.setAttribute("role", "listbox");
    this.list.hidden = true;
    area.replaceWith(this.box);
    this.box.append(this.underlay, area, this.list);
    area.setAttribute("role", "combobox");
    area.setAttribute("aria-autocomplete", "list");
    area.setAttribute("aria-controls", this.list.id);
    area.setAttribute("aria-expanded", "false");
    this.options = [];
    this.chosen = -1;
    this.asked = 0;
    area.addEventListener("input", () => { this.paint([]); this.askSoon(); });
    area.addEventListener("keydown", (event) => this.key(event));
    area.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    area.addEventListener("scroll", () => { this.underlay.scrollTop = area.scrollTop; });
    this.paintSaid();
  }

  // The mistakes that the server told, as they stand in the marked text below the field.
  paintSaid() {
    const marks = document.querySelectorAll("#when-said mark");
    this.paint([...marks].map((mark) => [Number(mark.dataset.position), Number(mark.dataset.length)]));
    const said = document.querySelector("#when-said .marked");
    if (said) said.hidden = true;
  }

  paint(places) {
    const text = this.area.value;
    const parts = [];
    let at = 0;
    for (const [start, length] of places.sort((a, b) => a[0] - b[0])) {
      if (start < at) continue;
      parts.push(text.slice(at, start));
      const mark = document.createElement("mark");
      mark.textContent = text.slice(start, start + length) || " ";
      parts.push(mark);
      at = start + length;
    }
    this.underlay.replaceChildren(...parts, `${text.slice(at)}\n`);
  }

  askSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), WAIT_MS);
  }

  async ask() {
    const number = ++this.asked;
    const at = this.area.selectionStart;
    if (at !== this.area.selectionEnd || document.activeElement !== this.area) return this.close();
    const query = new URLSearchParams({ text: this.area.value, at: String(at) });
    let answer;
    try {
      const response = await fetch(`${this.area.dataset.complete}?${query}`, { headers: { accept: "application/json" } });
      if (!response.ok) return this.close();
      answer = await response.json();
    } catch {
      return this.close();
    }
    if (number === this.asked && at === this.area.selectionStart) this.show(answer.options);
  }

  show(options) {
    this.options = options;
    this.chosen = -1;
    this.list.replaceChildren(...options.map((option, place) => {
      const line = document.createElement("li");
      line.id = `${this.list.id}-${place}`;
      line.setAttribute("role", "option");
      const text = document.createElement("code");
      text.textContent = option.text;
      const hint = document.createElement("span");
      hint.textContent = option.hint;
      line.append(text, hint);
      line.addEventListener("mousedown", (event) => { event.preventDefault(); this.take(place); });
      return line;
    }));
    this.list.hidden = options.length === 0;
    this.area.setAttribute("aria-expanded", String(options.length > 0));
    this.area.removeAttribute("aria-activedescendant");
  }

  close() {
    if (!this.list.hidden) this.show([]);
  }

  key(event) {
    if (event.key === " " && event.ctrlKey) { event.preventDefault(); this.ask(); return; }
    if (this.list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const count = this.options.length;
      this.choose((this.chosen + (event.key === "ArrowDown" ? 1 : this.chosen < 0 ? 0 : -1) + count) % count);
    } else if ((event.key === "Enter" || event.key === "Tab") && this.chosen >= 0) {
      event.preventDefault();
      this.take(this.chosen);
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    }
  }

  choose(place) {
    this.chosen = place;
    [...this.list.children].forEach((line, number) => line.setAttribute("aria-selected", String(number === place)));
    this.area.setAttribute("aria-activedescendant", `${this.list.id}-${place}`);
    this.list.children[place].scrollIntoView({ block: "nearest" });
  }

  take(place) {
    const { text, start, end } = this.options[place];
    this.area.setRangeText(text, start, end, "end");
    this.close();
    this.area.focus();
    this.area.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

// What is typed while the server writes the form anew is not lost: it is put into the new form again.
let sent = new Map();
let typed = new Map();

function values() {
  const found = new Map();
  for (const one of document.querySelectorAll("#draft :is(input, textarea, select)[id]")) {
    found.set(one.id, one.type === "checkbox" ? one.checked : one.value);
  }
  return found;
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target?.id === "editor") sent = values();
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target?.id !== "editor") return;
  typed = new Map([...values()].filter(([id, value]) => sent.has(id) && sent.get(id) !== value));
});
document.addEventListener("htmx:afterSettle", () => {
  for (const [id, value] of typed) {
    const one = document.getElementById(id);
    if (!one) continue;
    if (one.type === "checkbox") one.checked = value;
    else one.value = value;
  }
  if (typed.size) document.getElementById("draft")?.dispatchEvent(new Event("input", { bubbles: true }));
  typed = new Map();
});

// Where the keyboard was stays where it was when the server has written the form anew.
let held = null;
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target?.id !== "editor") return; // the count beside it asks while somebody types
  const button = event.detail.requestConfig?.triggeringEvent?.submitter;
  held = button?.name === "step" ? button.value : null;
});
document.addEventListener("htmx:afterSettle", (event) => {
  enhance(document);
  const swapped = event.detail.target;
  if (swapped?.id === "editor" || event.target?.id === "editor") follow();
});
document.addEventListener("htmx:oobAfterSwap", () => {
  for (const area of document.querySelectorAll("textarea[data-enhanced]")) area.dispatchEvent(new CustomEvent("said"));
});
document.addEventListener("said", (event) => {
  const area = event.target;
  const marks = [...document.querySelectorAll("#when-said mark")];
  const underlay = area.parentElement.querySelector(".underlay");
  const text = area.value;
  const said = document.querySelector("#when-said .marked");
  if (!underlay || (said && said.textContent.trimEnd() !== text.trimEnd())) return; // typed on meanwhile
  const parts = [];
  let at = 0;
  for (const one of marks) {
    const start = Number(one.dataset.position);
    const end = start + Number(one.dataset.length);
    const mark = document.createElement("mark");
    mark.textContent = text.slice(start, end) || " ";
    parts.push(text.slice(at, start), mark);
    at = end;
  }
  underlay.replaceChildren(...parts, `${text.slice(at)}\n`);
  if (said) said.hidden = true;
}, true);

// In a search for an item the arrows go through what was found; Enter in the box goes there, too, and sends nothing.
document.addEventListener("keydown", (event) => {
  const field = event.target.closest?.(".item-field");
  if (!field) return;
  const typing = event.target.matches("input");
  const picks = [...field.querySelectorAll(".pick")];
  const at = picks.indexOf(event.target);
  if (event.key === "ArrowDown" || (event.key === "Enter" && typing)) {
    if (picks.length) picks[Math.min(at + 1, picks.length - 1)].focus();
    else if (event.key === "Enter") field.querySelector(`button[value^="find:"]`)?.click();
  } else if (event.key === "ArrowUp" && at >= 0) {
    (picks[at - 1] ?? field.querySelector("input")).focus();
  } else return;
  event.preventDefault();
});

function follow() {
  const summary = document.getElementById("summary");
  if (held === "save" && summary) { summary.focus(); summary.scrollIntoView({ block: "center" }); return; }
  if (held?.startsWith("add:")) {
    const rows = document.querySelectorAll(`[name^="${CSS.escape(held.slice(4))}."]`);
    const last = [...rows].filter((one) => one.matches("input:not([type=hidden]), select")).at(-1);
    const line = last?.closest(".line");
    (line?.querySelector("select, input:not([type=hidden])") ?? last)?.focus();
    return;
  }
  if (held === "preview") { document.getElementById("preview")?.scrollIntoView({ block: "start", behavior: "smooth" }); return; }
  if (held) document.querySelector(`button[name="step"][value="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
}

enhance(document);
