/** The one gate: may we store, may we send, for what. */
import { setting } from './config'
import { note } from './core'
import { names, read, remove, write } from './storage'

export type State = 'pending' | 'granted' | 'denied'
export type Consent = { analytics: State; personalization: State }
export type Choice = { [purpose in keyof Consent]?: State | boolean }

export const forbidden =
  (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl ||
  (setting('dnt') !== null && +navigator.doNotTrack!)

/** A grant is remembered for the next page; a denial is not, since then nothing may be stored. */
const remembered = read('consent') as State | null
const initial: State = forbidden ? 'denied' : setting('consent') === 'assumed' ? 'granted' : 'pending'

export const consent: Consent =
  remembered && initial === 'pending'
    ? { analytics: 'granted', personalization: remembered }
    : { analytics: initial, personalization: initial }

/** May events leave the page, may this browser be recognised, may anything be stored in it? */
export const granted = (): boolean => consent.analytics === 'granted'

export const pending = (): boolean => consent.analytics === 'pending'

/** Was it ever granted, so that the server has to hear of a withdrawal? */
let known = granted() || !!remembered
/** Has anybody chosen on this page? */
let chosen = false

/**
 * Takes a choice over. A browser that signals Global Privacy Control stays denied, whatever the page says.
 * `standing`: what counts until somebody chooses (a consent tool's default); where an earlier page was told of a
 * grant, a standing denial only means that the tool has not spoken yet.
 * True when the server has to be told.
 */
export const choose = (choice: Choice, standing?: boolean): boolean => {
  if (forbidden || (standing && chosen)) return false
  chosen = !standing
  const before = JSON.stringify(consent)
  for (const purpose in consent) {
    const wish = choice[purpose as keyof Consent]
    if (wish !== undefined) {
      consent[purpose as keyof Consent] =
        wish === true || wish === 'granted' ? 'granted' : wish === 'pending' || (standing && read('consent')) ? 'pending' : 'denied'
    }
  }
  if (before === JSON.stringify(consent)) return false
  note('consent', { ...consent })
  if (!granted()) return !standing && withdraw()
  write('consent', consent.personalization)
  return (known = true)
}

/** Forgets what is kept here once consent is gone. True when there had been one. */
export const withdraw = (): boolean => {
  const tell = known && consent.analytics === 'denied'
  if (tell) {
    names().forEach(remove)
    known = false
  }
  return tell
}
