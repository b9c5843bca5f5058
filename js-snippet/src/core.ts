/** What the core shares with the files it loads: they find it as `habitue.core`. */
import { endpoint, setting } from './config'
import type { Lent } from './main'
import type { About, Answers } from './questions'
import { safe } from './safe'

/** What the debug view shows: when it was noted, ms, and what. */
export type Note = [at: number, what: What, detail: unknown]
type What = 'captured' | 'ignored' | 'sent' | 'refused' | 'consent' | 'slot'

export type Template = (offer: object, slot: HTMLElement) => Node | string

export interface Core {
  /** The newest hundred notes. */
  log: Note[]
  /** Set by the debug view: called with each new note. */
  onNote?: (note: Note) => void
  /** Set by the debug view: prints what it knows; called by `habitue('doctor')`. */
  doctor?: () => void
  setting: (name: string) => string | null
  endpoint: string

  // From here on for our other files only; the build shortens these names.

  _lent: Lent
  /** What reads the page and fills it: called when it may have changed and, with `true`, when it is about to leave. */
  _hooks: ((leaving?: boolean) => void)[]
  /** What the slots show was meant for somebody else. */
  _clear?: () => void
  _answered?: (answers: Answers) => void
  /** The slots to ask for, and what the page is about. */
  _wanted: Set<string>
  _about: About
  /** Until a consent tool has spoken, or has been silent for too long. */
  _held: boolean
}

export const core = { log: [] as Note[], setting, endpoint, _hooks: [], _wanted: new Set(), _held: true } as unknown as Core

export const note = (what: What, detail: unknown): void => {
  const made: Note = [Date.now(), what, detail]
  if (core.log.push(made) > 100) core.log.shift()
  if (core.onNote) safe(core.onNote)(made)
}
