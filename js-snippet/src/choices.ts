/** What the visitor told a tool that we have to ask: TCF, Shopify. */
import { doors, host, on, safe } from './lent'
import type { Any } from './lent'
import { wait } from './mode'

/** https://shopify.dev/docs/api/customer-privacy */
const readShopify = (event?: Event): void => {
  const privacy = host.Shopify.customerPrivacy
  const said = privacy?.currentVisitorConsent?.() || {}
  const state = (name: string): Any =>
    privacy[name + 'ProcessingAllowed']() || (event || said[name] ? 'denied' : 'pending')
  if (privacy) doors.consent({ analytics: state('analytics'), personalization: state('preferences') }, !event && !said.analytics)
}

let read: unknown

export const readChoices = (): void => {
  if (read) return
  read = true
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
