/** The one gate: may we store, may we send, for what. */
import { setting } from './config'
import { names, read, remove, write } from './storage'

export type State = 'pending' | 'granted' | 'denied'
export type Consent = { analytics: State; personalization: State }
export type Choice = { [purpose in keyof Consent]?: State | boolean }

const forbidden = (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl

/** A grant is remembered for the next page; a denial is not, since then nothing may be stored. */
const remembered = read('consent') as State | null
const initial: State = forbidden ? 'denied' : setting('consent') === 'assumed' ? 'granted' : 'pending'

export const consent: Consent = { analytics: initial, personalization: initial }
if (remembered && pending()) {
  consent.analytics = 'granted'
  consent.personalization = remembered
}

/** May events leave the page, may this browser be recognised, may anything be stored in it? */
export function granted(): boolean {
  return consent.analytics === 'granted'
}

export function pending(): boolean {
  return consent.analytics === 'pending'
}

/** Was it ever granted, so that the server has to hear of a withdrawal? */
let known = granted() || !!remembered

/**
 * Takes a choice over. A browser that signals Global Privacy Control stays denied, whatever the page says.
 * True when the server has to be told.
 */
export function choose(choice: Choice): boolean {
  const before = JSON.stringify(consent)
  for (const purpose in consent) {
    const wish = choice[purpose as keyof Consent]
    if (wish !== undefined && !forbidden) {
      consent[purpose as keyof Consent] = wish === true || wish === 'granted' ? 'granted' : wish === 'pending' ? wish : 'denied'
    }
  }
  if (before === JSON.stringify(consent)) return false
  if (!granted()) return withdraw()
  write('consent', consent.personalization)
  return (known = true)
}

/** Forgets what is kept here once consent is gone. True when there had been one. */
export function withdraw(): boolean {
  const tell = known && consent.analytics === 'denied'
  if (tell) {
    names('').forEach(remove)
    known = false
  }
  return tell
}
