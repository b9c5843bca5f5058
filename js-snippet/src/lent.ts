/** What the core lends us. */
import type { Core } from './core'

export const { core } = (window as unknown as { habitue: { core: Core } }).habitue
export const { log, setting } = core
export const [doors, schedule, after, load, on, note, page, safe] = core._lent

/** Doors that are open to the whole page, and more of them than the core has. */
export const open = doors as unknown as Record<string, (...given: never[]) => void>

/** What may be anything: it is the page's. */
// eslint-disable-next-line
export type Any = any
export const host = window as unknown as Record<string, Any>

export const all = (selector: string, from: ParentNode = document): HTMLElement[] =>
  Array.from(from.querySelectorAll<HTMLElement>(selector))
