// Reads the figures every few seconds and shows them; rates are made of two answers.
const POINTS = 120;
const at = (id) => document.getElementById(id);
const place = at("live");
const pause = Number(place.dataset.seconds) * 1000;
const words = JSON.parse(place.dataset.words);
const language = document.documentElement.lang;
const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
const share = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 });
const fine = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
const sentences = new Map(
  [...at("reasons").content.querySelectorAll("data")].map((one) => [one.value, one.textContent]),
);
const history = [];
let before = null;
let failures = 0;

const show = (id, text) => { at(id).textContent = text; };
const count = (value) => (value < 100_000 ? whole : short).format(value);
const rate = (value) => (value < 100 ? fine : whole).format(value);

function state(name, text) {
  at("state").dataset.state = name;
  show("state", text);
}

// Counters begin anew when a worker does: then there is no rate for one answer.
function perSecond(now, name) {
  if (!before || now.at <= before.at || now[name] < before[name]) return null;
  return ((now[name] - before[name]) * 1000) / (now.at - before.at);
}

function row(cells) {
  const line = document.createElement("tr");
  for (const cell of cells) {
    const one = document.createElement("td");
    if (cell instanceof Node) one.append(cell);
    else one.textContent = cell;
    if (line.childElementCount) one.className = "num";
    line.append(one);
  }
  return line;
}

function bar(value, most) {
  const line = document.createElement("progress");
  line.className = "share";
  line.max = most;
  line.value = value;
  line.setAttribute("aria-hidden", "true");
  return line;
}

function draw() {
  const top = Math.max(1, ...history) * 1.1;
  const step = 600 / (POINTS - 1);
  const first = 600 - step * (history.length - 1);
  const points = history.map((value, index) => `${(first + index * step).toFixed(1)},${(118 - (value / top) * 114).toFixed(1)}`);
  if (points.length < 2) return;
  const line = `M${points.join("L")}`;
  document.querySelector("#pulse .line").setAttribute("d", line);
  document.querySelector("#pulse .area").setAttribute("d", `${line}L600,120L${first.toFixed(1)},120Z`);
}

function render(now) {
  const events = perSecond(now, "events");
  // What was before this page was opened is known by the minute.
  if (!before) for (const [, counted] of now.minutes) history.push(...Array(POINTS / 4).fill(counted / 60));
  if (events !== null) {
    history.push(events);
    if (history.length > POINTS) history.shift();
    show("events-rate", rate(events));
  }
  draw();
  const offers = perSecond(now, "decisions");
  if (offers !== null) show("offers-rate", rate(offers));
  show("events", count(now.events));
  show("decisions", count(now.decisions));
  at("visitors-tile").hidden = now.visitors_now === null;
  if (now.visitors_now !== null) show("visitors", count(now.visitors_now));
  show("queue", count(now.queued_events));
  show("unavailable", count(now.unavailable));
  at("unavailable").className = now.unavailable ? "warn" : "";

  const rejected = Object.entries(now.rejected);
  const refused = rejected.reduce((sum, [, value]) => sum + value, 0);
  show("refused-share", share.format(refused / Math.max(1, refused + now.events)));
  const most = Math.max(1, ...rejected.map(([, value]) => value));
  at("rejected").tBodies[0].replaceChildren(
    ...rejected.map(([reason, value]) => row([sentences.get(reason) ?? reason, count(value), bar(value, most)])),
  );
  at("rejected-none").hidden = rejected.length > 0;

  show("model", now.model ?? words.none);
  show("items", count(now.items));
  show("duplicates", count(now.duplicates));
  show("bots", count(now.bots));
  show("counted", count(now.kept.counted ?? 0));
  show("claimed", count(now.kept.claimed ?? 0));
  at("workers").tBodies[0].replaceChildren(
    ...now.workers.map((one) => row([one.name, count(one.events), count(one.queued_events), `${whole.format(one.megabytes)} MB`])),
  );

  const redis = now.redis;
  show("redis-version", redis ? `${redis.product} ${redis.version}` : words.silent);
  at("redis-version").className = redis ? "" : "bad";
  show("redis-memory", redis ? `${fine.format(redis.megabytes)} MB` : "–");
  show("redis-commands", redis ? whole.format(redis.commands_per_second) : "–");
  show("redis-durable", redis ? (redis.durable ? words.on : words.off) : "–");
  at("redis-durable").className = redis && !redis.durable ? "bad" : "";
  state(redis ? "live" : "late", redis ? words.live : words.redis);
  before = now;
}

async function read() {
  try {
    const answer = await fetch(place.dataset.figures, { cache: "no-store", signal: AbortSignal.timeout(10_000) });
    if (!answer.ok) throw new Error(String(answer.status));
    render(await answer.json());
    failures = 0;
  } catch {
    failures += 1;
    state(failures < 3 ? "late" : "gone", failures < 3 ? words.late : words.gone);
  }
  setTimeout(read, document.hidden ? pause * 5 : pause * Math.min(1 + failures, 10));
}

read();
