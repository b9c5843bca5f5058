/** What the visitor told a consent tool. */
import { after, host, note, on, open, safe, setting } from './lent'
import type { Any } from './lent'

const choose = open.consent as (choice: Any, standing?: boolean) => void

/** A consent tool is there and has not spoken. */
const wait = (): void => choose({ analytics: 'pending', personalization: 'pending' }, true)

const mode: Any = {}
let closest = 0
let started = false

/** https://developers.google.com/tag-platform/security/guides/consent */
export function consentMode(action: string, given: Any): void {
  const standing = action === 'default'
  if (standing) {
    // The closest region counts: US-CA before US before everywhere.
    let fit = given.region ? -1 : 0
    for (const region of given.region || []) {
      if ((setting('region') + '-').startsWith(region + '-')) fit = region.length
    }
    if (fit < closest) return note('ignored', ['region', given])
    closest = fit
  }
  Object.assign(mode, given)
  const choice = {
    analytics: mode.analytics_storage,
    personalization: mode.personalization_storage || mode.ad_personalization || mode.ad_storage
  }
  // What was pushed before we came waits since the page began.
  const left = given.wait_for_update - (started ? 0 : performance.now())
  if (standing && left > 0) {
    wait()
    after(left, () => choose(choice, true))
  } else choose(choice, standing)
}

/** https://shopify.dev/docs/api/customer-privacy */
function readShopify(event?: Event): void {
  const privacy = host.Shopify.customerPrivacy
  if (!privacy) return
  const said = privacy.currentVisitorConsent?.() || {}
  const state = (name: string): string =>
    privacy[name + 'ProcessingAllowed']() ? 'granted' : event || said[name] === 'no' ? 'denied' : 'pending'
  choose({ analytics: state('analytics'), personalization: state('preferences') }, !event && !said.analytics)
}

export function readChoices(): void {
  started = true
  const { Shopify, __tcfapi } = host
  if (__tcfapi) {
    wait()
    // https://github.com/InteractiveAdvertisingBureau/GDPR-Transparency-and-Consent-Framework
    __tcfapi('addEventListener', 2, safe((data: Any) => {
      const may = data?.purpose?.consents
      if (data?.gdprApplies === false) choose({ analytics: setting('consent') === 'assumed' || 'pending' }, true)
      else if (may && data.eventStatus !== 'cmpuishown') {
        choose({ analytics: !!(may[1] && may[8]), personalization: !!(may[1] && may[5] && may[6]) })
      }
    }))
  }
  if (Shopify) {
    on(document, 'visitorConsentCollected', readShopify)
    if (!Shopify.customerPrivacy && Shopify.loadFeatures) {
      wait()
      Shopify.loadFeatures([{ name: 'consent-tracking-api', version: '0.1' }], safe(() => readShopify()))
    } else readShopify()
  }
}
