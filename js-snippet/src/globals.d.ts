/** Filled in by build.mjs: the SHA-256 of `s-more.js` (where it is `s.js`) and of `s-debug.js` (where it is the other), in base64url. */
declare const DIGEST: string
