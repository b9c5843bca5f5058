"""Trials: pages opened in a real Chromium, driven, and judged by what the real collector knows afterwards.

Many run at once in one browser, because most of a trial is waiting for what must not happen.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlencode

from e2e.conftest import FLAGS
from e2e.tag.mall import Csp, Mall, Sdk, Sent, Trial
from e2e.tag.patience import OPENED, SECONDS
from e2e.tag.real_collector import ASSUMED, REQUIRED, RealCollector
from e2e.tag.truth import SENTINEL, Truth, counts_of, judge, reached
from playwright.async_api import BrowserContext, Error, Page, async_playwright
from support.house import BROWSER

AT_ONCE = 12
# A process for each of a hundred pages costs more than the pages; every shop has a host, and so a storage,
# of its own.
SHARING = ["--disable-site-isolation-trials", "--renderer-process-limit=4"]
WATCH = """
window.__complaints = []
addEventListener('error', (event) => {
  if (event.message) window.__complaints.push('error: ' + event.message)
})
addEventListener('unhandledrejection', (event) => window.__complaints.push('rejection: ' + event.reason))
addEventListener('securitypolicyviolation', (event) => {
  window.__complaints.push('policy: ' + event.violatedDirective + ' ' + event.blockedURI)
})
"""
# When the visitor last clicked, before the page's own handlers hear of it.
CLICKED = "addEventListener('click', () => (window.__clicked = Date.now()), true)"
KEPT = "localStorage.length + sessionStorage.length + document.cookie.length"


@dataclass
class Verdict:
    """How one page did under one pair of switches. `failures` is empty when everything holds."""

    truth: Truth
    csp: Csp
    sdk: Sdk
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.truth.name} csp={self.csp} sdk={self.sdk}"


@dataclass(frozen=True)
class Case:
    truth: Truth
    csp: Csp = "nonce"
    sdk: Sdk = "async"


def run_all(cases: Sequence[Case], mall: Mall, collector: RealCollector) -> list[Verdict]:
    """Every case's verdict, in the order of the cases. Has a thread and an event loop of its own."""
    verdicts: list[Verdict] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            verdicts.extend(asyncio.run(_run_all(cases, mall, collector)))
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=work)  # Playwright's sync API may hold the loop of this one
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return verdicts


async def _run_all(cases: Sequence[Case], mall: Mall, collector: RealCollector) -> list[Verdict]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=[*FLAGS, *SHARING],
            ignore_default_args=["--disable-back-forward-cache"],
        )
        turnstile = asyncio.Semaphore(AT_ONCE)
        context = await browser.new_context(user_agent=BROWSER, viewport={"width": 800, "height": 600})
        context.set_default_timeout(SECONDS * 1000)
        await context.add_init_script(WATCH)
        await context.add_init_script(CLICKED)

        async def one(case: Case) -> Verdict:
            async with turnstile:
                start = time.monotonic()
                verdict = Verdict(case.truth, case.csp, case.sdk)
                try:
                    async for failure in _Run(context, mall, collector, case).failures():
                        verdict.failures.append(failure)
                except (Error, AssertionError) as error:
                    verdict.failures.append(str(error).partition("\n")[0])
                verdict.seconds = time.monotonic() - start
                return verdict

        verdicts = await asyncio.gather(*map(one, cases))
        await browser.close()
        return verdicts


class _Run:
    """One trial from the first request to the verdict."""

    def __init__(self, context: BrowserContext, mall: Mall, collector: RealCollector, case: Case) -> None:
        self.context, self.collector, self.case, self.truth = context, collector, case, case.truth
        self.trial: Trial = mall.open_file(
            case.truth.file,
            csp=case.csp,
            sdk=case.sdk,
            key=ASSUMED if case.truth.key == "assumed" else REQUIRED,
            tag=case.truth.tag,
            gpc=case.truth.gpc,
        )
        self.run = self.trial.host.partition(".")[0]
        self.complaints: list[str] = []
        self.spans: list[tuple[str, int]] = []
        self.withdrawn_at = 0.0
        self.kept: list[str] = []

    async def failures(self) -> Any:
        """Drives the page and gives what is wrong, one sentence each."""
        page = await self.context.new_page()
        try:
            page.on("console", self._console)
            page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
            query = f"?{urlencode(self.truth.query)}" if self.truth.query else ""
            await page.goto(self.trial.address + self.truth.path + query)
            await self._ready(page)
            for step in self.truth.drive:
                await self._take(page, step)
            for failure in await self._finish(page):
                yield failure
        finally:
            await page.close()

    def _console(self, message: Any) -> None:
        if message.type == "error" and self.truth.quiet:
            self.complaints.append(f"console: {message.text}")

    async def _ready(self, page: Page) -> None:
        # Not by wait_for_function: it evaluates text inside the page, and strict policies forbid that.
        assert await self._until(lambda: self._asked(page, OPENED)), "the tag never came"

    async def _asked(self, page: Page, expression: str) -> Any:
        """What the page says; None while it is being left for another."""
        try:
            return await page.evaluate(expression)
        except Error as error:
            if "context was destroyed" not in str(error) and "navigat" not in str(error):
                raise
            return None

    async def _until(self, look: Callable[[], Awaitable[Any]]) -> Any:
        """The first true value, or the last false one."""
        deadline = time.monotonic() + SECONDS
        while not (found := await look()) and time.monotonic() < deadline:
            await asyncio.sleep(0.03)
        return found

    async def _take(self, page: Page, step: Any) -> None:
        if isinstance(step, str):
            await page.click(step)
            if self.spans and self.spans[-1][0] == "withdrawn" and not self.withdrawn_at:
                self.withdrawn_at = await page.evaluate("window.__clicked") / 1000
            return
        ((word, value),) = step.items()
        if word == "wait":
            await page.wait_for_timeout(value)
        elif word == "reload":
            await page.reload()
            await self._ready(page)
        elif word == "fill":
            await page.fill(*value)
        elif word == "js":
            await page.evaluate(value)
        elif word == "goto":
            await page.goto(self.trial.address + value)
            await self._ready(page)
        elif word == "expect":
            await self._reach(value)
        elif word == "until":
            assert await self._until(lambda: self._asked(page, value)), f"never: {value}"
        else:
            if self.spans and self.spans[-1][0] == "denied":
                await self._look_for_traces(page, "before the grant")
            self.spans.append((word, len(self.trial.sent)))

    async def _reach(self, counts: Any) -> None:
        async def there() -> bool:
            return reached(counts_of(self._events()), counts)

        await self._until(there)

    def _events(self) -> list[dict[str, Any]]:
        return self.collector.events(self.trial.host)

    def _summary(self) -> str:
        """What is known so far, for a message."""
        sent = [(one.path, one.status, len(one.events), one.rejected) for one in self.trial.sent]
        return f"sent {sent}, stored {[event['name'] for event in self._events()]}, {[*self._noise()]}"

    async def _finish(self, page: Page) -> list[str]:
        truth = self.truth
        views = {} if truth.page_views is None else {"page_view": truth.page_views}
        await self._reach({**truth.counts, **views})
        await page.wait_for_timeout(truth.settle)
        if truth.sentinel:
            await self._ready(page)
            await page.evaluate(f"habitue('track', '{SENTINEL}')")

            async def over() -> bool:
                return any(event["name"] == SENTINEL for event in self._events())

            assert await self._until(over), f"the last event never came: {self._summary()}"
        if self.spans and self.spans[-1][0] in ("denied", "withdrawn"):
            if self.spans[-1][0] == "withdrawn":
                await self._until(self._has_forgotten)
            await self._look_for_traces(page, "at the end")
        found = list(judge(truth, self.run, self._events()))
        for expression, wanted in truth.page.items():

            async def as_wanted(expression: str = expression, wanted: Any = wanted) -> bool:
                return bool(await page.evaluate(expression) == wanted)

            if not await self._until(as_wanted):
                got = await page.evaluate(expression)
                found.append(f"{expression} is {got!r} instead of {wanted!r}")
        self.complaints += await page.evaluate("window.__complaints")
        if found:
            refused = [reason for sent in self.trial.beacons for reason in sent.rejected]
            found += [f"the collector refused {refused}"] if refused else []
        return [*found, *self.kept, *self._told(), *self._spoken_without_leave(), *self._noise()]

    async def _has_forgotten(self) -> bool:
        """The server heard of the withdrawal, and its answer has taken the cookie away."""
        told = any(_is_last_word(sent) and sent.status == 200 for sent in self.trial.sent)
        return told and not await self.context.cookies([self.trial.address, self.trial.collector])

    async def _look_for_traces(self, page: Page, when: str) -> None:
        if await page.evaluate(KEPT):
            names = await page.evaluate("[...Object.keys(localStorage), ...Object.keys(sessionStorage)]")
            self.kept.append(f"{when} the browser keeps {names}")
        if cookies := await self.context.cookies([self.trial.address, self.trial.collector]):
            self.kept.append(f"{when} there are cookies: {[cookie['name'] for cookie in cookies]}")

    def _told(self) -> Iterator[str]:
        """What was said of somebody although it must not be, and what was said of consent."""
        for sent in self.trial.sent:
            said = sent.raw.decode("utf-8", "replace") + sent.query
            for word in self.truth.never:
                if word in said or quote_plus(word) in said:
                    yield f"{word!r} left the page"
        if self.truth.consent and self.trial.beacons:
            by_time = sorted(self.trial.beacons, key=lambda sent: sent.sent_at)
            consents = [sent.body.get("context", {}).get("consent") for sent in by_time if sent.events]
            if self.truth.consent not in consents[-1:]:
                yield f"consent {consents[-1:]} instead of {self.truth.consent}"

    def _spoken_without_leave(self) -> Iterator[str]:
        for place, (word, start) in enumerate(self.spans):
            end = self.spans[place + 1][1] if place + 1 < len(self.spans) else len(self.trial.sent)
            spoken = [sent for sent in self.trial.sent[start if place else 0 : end] if sent.names_somebody]
            if word == "denied":
                yield from (f"while denied {sent.path} carried {sent.names_somebody}" for sent in spoken)
            elif word == "withdrawn":
                yield from (
                    f"after the withdrawal {sent.path} carried {sent.names_somebody}"
                    for sent in spoken
                    # On a busy machine, what left before may arrive after it.
                    if not _is_last_word(sent) and not 0 < sent.sent_at < self.withdrawn_at
                )
                # A server that could not take it hears it again.
                heard = sum(_is_last_word(sent) and sent.status == 200 for sent in spoken)
                if heard != 1:
                    yield f"the withdrawal was told {heard} times"

    def _noise(self) -> Iterable[str]:
        return dict.fromkeys([*self.complaints, *(f"report: {one[:200]}" for one in self.trial.reports)])


def _is_last_word(sent: Sent) -> bool:
    """The one request after a withdrawal that still carries the cookie: the server must know whose it was."""
    return (
        sent.body.get("context") == {"consent": {"analytics": "denied", "personalization": "denied"}}
        and not sent.events
        and sent.names_somebody == "cookie"
    )
