import type { SmtpSettings } from './options';

/** Longest reason kept, characters. */
const MAX_REASON = 500;

/**
 * Makes text that came from a server fit to be stored and shown: one line, bounded, and without the login in any
 * of the forms in which a server could echo it.
 */
export function redactor({ auth }: Pick<SmtpSettings, 'auth'>): (text: string) => string {
  const secrets = auth
    ? [auth.password, base64(auth.password), base64(auth.user), base64(`\0${auth.user}\0${auth.password}`)]
    : [];
  return (text) => {
    let clean = text;
    for (const secret of secrets) clean = clean.replaceAll(secret, '***');
    return clean
      .replace(/[\s\p{Cc}]+/gu, ' ')
      .trim()
      .slice(0, MAX_REASON);
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
