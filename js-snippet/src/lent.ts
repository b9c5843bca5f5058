/** What the core lends us. */
import type { Core } from './core'

export const { core } = (window as unknown as { habitue: { core: Core } }).habitue
export const { setting } = core
const [given, ...rest] = core._lent
export const [schedule, after, load, on, note, page, safe] = rest

/** Doors that are open to the whole page; we add some. */
export const doors: Any = given

/** What may be anything: it is the page's. */
export type Any = any
export const host = window as unknown as Record<string, Any>

export const all = (selector: string, from: ParentNode = document): HTMLElement[] =>
  [...from.querySelectorAll<HTMLElement>(selector)]
