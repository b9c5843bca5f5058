/** What the visitor told Google's Consent Mode v2. */
import { after, doors, note } from './lent'
import type { Any } from './lent'

/** A consent tool is there and has not spoken. */
export const wait = (): void => doors.consent({ analytics: 'pending', personalization: 'pending' }, true)

let mode: Any

/** https://developers.google.com/tag-platform/security/guides/consent. Nobody tells us which region we are in. */
export const consentMode = (action: string, given: Any): void => {
  if (given.region) return note('ignored', ['region', given])
  mode = { ...mode, ...given }
  const choice = {
    analytics: mode.analytics_storage,
    personalization: mode.personalization_storage || mode.ad_personalization || mode.ad_storage
  }
  const standing = action === 'default'
  if (standing && given.wait_for_update) {
    wait()
    after(given.wait_for_update, () => doors.consent(choice, true))
  } else doors.consent(choice, standing)
}
