/** Filled in by build.mjs. */
declare const VERSION: string
declare const SLOTS_INTEGRITY: string
