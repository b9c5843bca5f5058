/** What the core lends us. */
import type { Core } from './core'
import type { Lent } from './main'

type Rest = Lent extends readonly [unknown, ...infer R] ? R : never

export const { core } = (window as unknown as { habitue: { core: Core } }).habitue
/** `doors` are open to the whole page; we add some. */
export const [doors, schedule, after, on, note, safe, setting, all, wrap] = core._lent as unknown as [Any, ...Rest]

/** What may be anything: it is the page's. */
export type Any = any
export const host = window as unknown as Record<string, Any>
