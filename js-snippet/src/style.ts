/** Styles that a strict CSP lets through: constructed sheets. Safari before 16.4 has none, and does without. */

/** Room for one row of offers, in the slot's own font size; the shop's own CSS always wins (`:where` weighs nothing). */
export const ROOM =
  ':where([data-habitue-slot]){min-height:var(--habitue-height,calc(var(--habitue-card,10em) + 9em))}'

export const addStyle = (css: string): CSSStyleSheet => {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(css)
  document.adoptedStyleSheets.push(sheet)
  return sheet
}
