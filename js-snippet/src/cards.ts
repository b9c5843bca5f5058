/**
 * How slots and the default card look.
 *
 * Every card has the same height, whatever is in it, and so the row has the height that was kept for it: nothing on
 * the page moves. All colours come from the shop's text and a see-through grey, so dark pages need nothing.
 */
const HEIGHT = 'var(--habitue-height,calc(var(--habitue-card,10em) + 9em))'
const GREY = 'var(--habitue-skeleton,#80808026)'
const CARD = 'var(--habitue-card,10em)'
export const CARDS = `:where([data-habitue=wait]){visibility:hidden}\
:where([data-habitue=room]){background:linear-gradient(${GREY} ${CARD},#0000 0)}\
:where([data-habitue=empty]){min-height:0}\
:where(.habitue-row){display:flex;gap:var(--habitue-gap,1em);box-sizing:border-box;height:${HEIGHT};overflow:auto hidden}\
:where(.habitue-row>*){flex:none}\
:where(.habitue-card){display:flex;gap:.3em;flex-flow:column;height:100%;width:${CARD};color:inherit;text-decoration:none;line-height:1.3}\
:where(.habitue-content){width:calc(${CARD} + ${CARD})}\
:where(.habitue-card>*){flex:none;overflow:hidden}\
:where(.habitue-image){flex:0 0 ${CARD};width:100%;border-radius:var(--habitue-radius,.5em);background:${GREY};object-fit:contain}\
:where(.habitue-name){height:2.6em}\
:where(.habitue-price){height:1.3em;font-weight:700}\
:where(.habitue-text){flex:0 1 auto;overflow:auto;white-space:pre-line}\
:where(.habitue-code){font-weight:700;padding:.3em;border:2px dashed;text-align:center;user-select:all}\
:where(.habitue-reason){height:3.9em;font-size:.85em;opacity:var(--habitue-reason,.75)}`
