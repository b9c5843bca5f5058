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

/** How long slots wait for a consent tool to speak before they ask for what anybody may see, ms. */
const CONSENT_WAIT = 500

let wanted: string[] = []
let heldUntil = 0
let answers: Answers = {}
const listeners: ((answers: Answers) => void)[] = []

export let about: About = {}

export function ask(ids: string[], page: About): void {
  wanted = wanted.concat(ids.filter((id) => !wanted.includes(id)))
  about = page
  heldUntil = heldUntil || Date.now() + CONSENT_WAIT
}

/** How long the questions have to wait still, ms. */
export function heldFor(): number {
  return pending() && wanted.length ? Math.max(heldUntil - Date.now(), 0) : 0
}

/** The slots to ask for now. */
export function open(): string[] {
  return heldFor() ? [] : wanted
}

export function answered(ids: string[], given: Answers): void {
  wanted = wanted.filter((id) => !ids.includes(id))
  Object.assign(answers, given)
  for (const listener of listeners) listener(given)
}

/** Calls back with every answer, those already given first. */
export function onAnswers(listener: (answers: Answers) => void): void {
  listener = safe(listener)
  listeners.push(listener)
  if (Object.keys(answers).length) listener(answers)
}

/** Another person from here on. */
export function forgetAnswers(): void {
  answers = {}
}
