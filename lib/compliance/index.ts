/** Compliance: consent rules and unsubscribing. The only file of this folder that others import. */
export { CONSENT_COUNTRIES, EU_EEA_UK, needsConsent, type ConsentOptions } from './consent';
export { createSealer, type Sealer, type SealSecrets } from './sealed-token';
export {
  securityHeaders,
  unsubscribePage,
  type PageLanguage,
  type UnsubscribePageOptions,
  type UnsubscribeState,
} from './unsubscribe-page';
export {
  createUnsubscribeSigner,
  type UnsubscribePayload,
  type UnsubscribeSecrets,
  type UnsubscribeSigner,
} from './unsubscribe-token';
