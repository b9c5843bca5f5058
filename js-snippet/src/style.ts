/** Styles that a strict CSP lets through: constructed sheets, or (before Safari 16.4) a style element with the nonce. */

/** Room for one row of offers, in the slot's own font size; the shop's own CSS always wins (`:where` weighs nothing). */
export const ROOM =
  ':where([data-habitue-slot]){min-height:var(--habitue-height,calc(var(--habitue-card,10em) + 9em))}'

export function addStyle(css: string, nonce: string | undefined): CSSStyleSheet | null {
  try {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(css)
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
    return sheet
  } catch (error) {
    const element = document.createElement('style')
    if (nonce) element.nonce = nonce
    element.textContent = css
    document.head.appendChild(element)
    return element.sheet
  }
}
