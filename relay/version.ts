/** Of this relay, as its document tells it; the same as the package's. */
export const RELAY_VERSION = '0.1.0'
