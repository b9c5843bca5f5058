/** Which slots want offers, and who wants the answers. */
import { pending } from './consent'
import { safe } from './safe'

export interface Reason {
  code: string
  text: string
}

export interface Offer {
  item_id: string
  name?: string
  price?: number
  currency?: string
  url?: string
  image_url?: string
  score?: number
  reasons?: Reason[]
}

export interface SlotAnswer {
  decision_id?: string
  offers: Offer[]
  model?: string
  variant?: string
  reason?: string
}

export type Answers = Record<string, SlotAnswer>

/** What the page is about; asked along with the slots. */
export interface About {
  type?: string
  item_id?: string
  category?: string
}

let wanted: string[] = []
let answers: Answers = {}
const listeners: ((answers: Answers) => void)[] = []
/** Until a consent tool has spoken, or has been silent for too long. */
let held = true

export let about: About = {}

export function ask(ids: string[], page: About): void {
  wanted = wanted.concat(ids.filter((id) => !wanted.includes(id)))
  about = page
}

/** Nobody decides on consent: from now on it is asked for what anybody may see. */
export function waitNoLonger(): void {
  held = false
}

/** The slots to ask for now. */
export function open(): string[] {
  return held && pending() ? [] : wanted
}

export function answered(ids: string[], given: Answers): void {
  wanted = wanted.filter((id) => !ids.includes(id))
  answers = { ...answers, ...given }
  for (const listener of listeners) listener(given)
}

/** Calls back with every answer, those already given first. */
export function onAnswers(listener: (answers: Answers) => void): void {
  listener = safe(listener)
  listeners.push(listener)
  if (Object.keys(answers)[0]) listener(answers)
}

/** Another person from here on. */
export function forgetAnswers(): void {
  answers = {}
}
