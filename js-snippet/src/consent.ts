/** The one gate: may we store, may we send, for what. */
import { setting } from './config'
import { names, read, remove, write } from './storage'

export type State = 'pending' | 'granted' | 'denied'
export type Purpose = 'analytics' | 'personalization'
export type Consent = Record<Purpose, State>

const forbidden = (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl

/** A grant is remembered for the next page; a denial is not, since then nothing may be stored. */
const remembered = read('consent') as State | null
const initial: State = forbidden ? 'denied' : setting('consent') === 'assumed' ? 'granted' : 'pending'

export const consent: Consent = { analytics: initial, personalization: initial }
if (initial === 'pending' && remembered) {
  consent.analytics = 'granted'
  consent.personalization = remembered
}

/** May events leave the page, and may this browser be recognised and anything be stored in it? */
export const granted = (): boolean => consent.analytics === 'granted'
export const pending = (): boolean => consent.analytics === 'pending'

/** Was it ever granted, so that the server has to hear of a withdrawal? */
let known = granted() || !!remembered

/**
 * Takes a choice over: `granted`, `denied`, `pending`, or a boolean. A browser that signals Global Privacy Control
 * stays denied, whatever the page says. True when the server has to be told.
 */
export function choose(choice: Partial<Record<Purpose, State | boolean>>): boolean {
  const before = consent.analytics + consent.personalization
  for (const purpose of ['analytics', 'personalization'] as const) {
    const wish = choice[purpose]
    if (wish === undefined || forbidden) continue
    consent[purpose] = wish === true || wish === 'granted' ? 'granted' : wish === 'pending' ? wish : 'denied'
  }
  if (before === consent.analytics + consent.personalization) return false
  if (granted()) {
    write('consent', consent.personalization)
    return (known = true)
  }
  return withdraw()
}

/** Forgets what is kept here once consent is gone. True when there had been one. */
export function withdraw(): boolean {
  const tell = known && consent.analytics === 'denied'
  if (tell) {
    names().forEach(remove)
    known = false
  }
  return tell
}
