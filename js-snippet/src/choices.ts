/** What the visitor told a consent tool. */
import { after, doors, host, note, on, safe } from './lent'
import type { Any } from './lent'

/** A consent tool is there and has not spoken. */
const wait = (): void => doors.consent({ analytics: 'pending', personalization: 'pending' }, true)

const mode: Any = {}

/** https://developers.google.com/tag-platform/security/guides/consent. Nobody tells us which region we are in. */
export const consentMode = (action: string, given: Any): void => {
  if (given.region) return note('ignored', ['region', given])
  Object.assign(mode, given)
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

/** https://shopify.dev/docs/api/customer-privacy */
const readShopify = (event?: Event): void => {
  const privacy = host.Shopify.customerPrivacy
  const said = privacy?.currentVisitorConsent?.() || {}
  const state = (name: string): Any =>
    privacy[name + 'ProcessingAllowed']() || (event || said[name] === 'no' ? 'denied' : 'pending')
  if (privacy) doors.consent({ analytics: state('analytics'), personalization: state('preferences') }, !event && !said.analytics)
}

export const readChoices = (): void => {
  const { Shopify, __tcfapi } = host
  if (__tcfapi) {
    wait()
    // https://github.com/InteractiveAdvertisingBureau/GDPR-Transparency-and-Consent-Framework
    __tcfapi(
      'addEventListener',
      2,
      safe(({ eventStatus, gdprApplies, purpose }: Any) => {
        const may = (number: number): boolean => gdprApplies === false || !!purpose.consents[number]
        if (eventStatus !== 'cmpuishown') {
          doors.consent({ analytics: may(1) && may(8), personalization: may(1) && may(5) && may(6) })
        }
      })
    )
  }
  if (Shopify) {
    on(document, 'visitorConsentCollected', readShopify)
    if (Shopify.loadFeatures) {
      wait()
      Shopify.loadFeatures([{ name: 'consent-tracking-api', version: '0.1' }], safe(() => readShopify()))
    } else readShopify()
  }
}
