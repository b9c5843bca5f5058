/** Filled in by build.mjs. */
declare const SLOTS_INTEGRITY: string
