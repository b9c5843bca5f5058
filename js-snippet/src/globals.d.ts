/** Filled in by build.mjs: the SHA-256 of the other files, in base64url, where they are loaded. */
declare const MORE: string
declare const DEBUG: string
